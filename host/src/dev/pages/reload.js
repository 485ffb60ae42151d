(() => {
  const { app, since } = document.currentScript.dataset;
  // A page's own <base> says nothing about where it came from.
  const url = `${location.origin}/_guesthouse/changes?app=${app}&since=${since}`;
  let events;
  const close = () => {
    events?.close();
    events = undefined;
  };
  const listen = () => {
    // A browser has six connections to one host (HTTP/1.1): pages that nobody sees hold none of them.
    if (document.visibilityState === "hidden") return close();
    if (events) return;
    events = new EventSource(url);
    events.onmessage = () => {
      close();
      location.reload();
    };
    events.onerror = () => {
      if (events?.readyState !== EventSource.CLOSED) return;
      close();
      setTimeout(listen, 500);
    };
  };
  document.addEventListener("visibilitychange", listen);
  addEventListener("pagehide", close);
  addEventListener("pageshow", listen);
  listen();
})();
