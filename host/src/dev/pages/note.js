addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const note of document.querySelectorAll("guesthouse-note")) note.shadowRoot?.querySelector("dialog")?.close();
});
