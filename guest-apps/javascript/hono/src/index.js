// A shelf of books with Hono: pages, JSON, a form, a cookie, a stream.

import { Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { etag } from "hono/etag";
import { streamText } from "hono/streaming";

import * as pages from "./pages.js";
import { find, missing, search } from "./shelf.js";

const app = new Hono();

// On a shared host the app lies below a prefix, which its links need and its paths have not.
app.use(async (c, next) => {
  const prefix = c.req.header("x-forwarded-prefix") ?? "";
  c.set("link", (path) => prefix + path);
  await next();
});

app.get("/", (c) => {
  const words = c.req.query("q");
  return c.html(pages.shelf(search(words), words, getCookie(c, "seen"), c.get("link")));
});

app.get("/books/:id", (c) => {
  const book = find(c.req.param("id"));
  if (!book) return c.notFound();
  setCookie(c, "seen", String(book.id), { httpOnly: true });
  return c.html(pages.book(book, c.get("link")));
});

app.post("/suggestions", async (c) => {
  const suggestion = await c.req.parseBody();
  const what = missing(suggestion);
  return what ? c.text(`There is no book without ${what}.\n`, 422) : c.html(pages.thanks(suggestion), 201);
});

app.get("/api/books", etag(), (c) => c.json(search(c.req.query("q"))));

app.get("/api/books/:id", (c) => {
  const book = find(c.req.param("id"));
  return book ? c.json(book) : c.json({ error: "no such book" }, 404);
});

app.get("/read", (c) =>
  streamText(c, async (stream) => {
    for (const { title, author } of search()) {
      await stream.writeln(`${title}, by ${author}`);
      await stream.sleep(20);
    }
  }),
);

app.get("/environment", (c) => c.text(process.env.GREETING ?? "nobody said anything"));

app.get("/broken", () => {
  throw new TypeError("this page is broken");
});

app.notFound((c) => c.text("There is no such page.\n", 404));

export default app;
