// my-app: a page, a form, and a piece of JSON.

import { Hono } from "hono";
import { html } from "hono/html";

const app = new Hono();

// The prefix under which the app lies: the host says it, and takes out what visitors send by that name.
const mount = (context) => context.req.header("x-forwarded-prefix") ?? "";

// What stands in `${}` is escaped by `html`.
const page = (context, name) => html`<!doctype html>
<html lang="en">
<title>my-app</title>
<h1>Hello, ${name}</h1>
<form method="post" action="${mount(context)}/greet">
<input name="name" placeholder="your name" required> <button>Greet</button>
</form>
<p><a href="${mount(context)}/api/hello/you">The same as JSON</a></p>
</html>
`;

app.get("/", (context) => context.html(page(context, context.req.query("name") || "world")));

// Sent on with a GET, so that reloading does not send the form again.
app.post("/greet", async (context) => {
  const { name } = await context.req.parseBody();
  return context.redirect(`${mount(context)}/?name=${encodeURIComponent(String(name ?? ""))}`, 303);
});

app.get("/api/hello/:name", (context) => context.json({ hello: context.req.param("name") }));

app.notFound((context) => context.text("404: there is no such page here\n", 404));

export default app;
