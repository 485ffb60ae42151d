// Pages, as text with what is shown escaped by `html`.

import { html } from "hono/html";

/** A page around its `content`. */
function page(title, content) {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${title}</title>
<h1>${title}</h1>
${content}
</html>`;
}

/** What was found, and a form to look again and to suggest. */
export function shelf(books, words, seen, link) {
  const rows = books.map(
    ({ id, title, author }) => html`<li><a href="${link(`/books/${id}`)}">${title}</a> by ${author}${String(id) === seen ? " (seen last)" : ""}</li>`,
  );
  return page("Shelf", html`<form><input name="q" value="${words ?? ""}"><button>Search</button></form>
<ul>${rows}</ul>
<form method="post" action="${link("/suggestions")}"><input name="title"><input name="author"><button>Suggest</button></form>`);
}

/** One of them. */
export function book({ title, author, year }, link) {
  return page(title, html`<p>by ${author}, ${year}</p><a href="${link("/")}">back</a>`);
}

/** After a suggestion. */
export function thanks({ title, author }) {
  return page("Thank you", html`<p>for ${title} by ${author}.</p>`);
}
