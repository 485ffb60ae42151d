// An app with nothing but what the web's standards have: one function from a `Request` to a `Response`.

import { page } from "./page.js";
import { digest, shout, ticks } from "./work.js";

const ROUTES = {
  "GET /": ({ link }) => page(link),
  "GET /digest": ({ url }) => digest(url.searchParams.get("text") ?? ""),
  "GET /ticks": ({ url }) => ticks(Number(url.searchParams.get("n") ?? 5), Number(url.searchParams.get("ms") ?? 100)),
  "POST /shout": ({ request }) => shout(request),
  "POST /form": async ({ request }) => Response.json(Object.fromEntries(await request.formData())),
  "GET /greeting": ({ environment }) => new Response(`${environment.GREETING ?? "hello"}\n`),
  "GET /instance": () => Response.json({ number: ++answered, name: (name ??= crypto.randomUUID()) }),
};

// What an instance remembers of earlier requests. Others remember something else: nothing may rely on it.
let answered = 0;
let name;

export default {
  async fetch(request, environment, context) {
    const url = new URL(request.url);
    // On a shared host the app lies below a prefix, which its links need and its paths have not.
    const prefix = request.headers.get("x-forwarded-prefix") ?? "";
    const handler = ROUTES[`${request.method === "HEAD" ? "GET" : request.method} ${url.pathname}`];
    if (!handler) return new Response("There is no such page.\n", { status: 404 });
    return handler({ request, url, environment, context, link: (path) => prefix + path });
  },
};
