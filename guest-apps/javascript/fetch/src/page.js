// The page that leads to the others.

import text from "./page.html";

/** It, with links that are true below whatever prefix. */
export function page(link) {
  const html = text.replaceAll(/href="(\/[^"]*)"/g, (_all, path) => `href="${link(path)}"`);
  return new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } });
}
