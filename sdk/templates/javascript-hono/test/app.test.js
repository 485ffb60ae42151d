// The app as a fetch handler, without a server.

import assert from "node:assert/strict";
import { test } from "node:test";

import app from "../src/index.js";

test("a visitor is greeted by name", async () => {
  const page = await app.request("/?name=Ada");
  assert.equal(page.status, 200);
  assert.match(await page.text(), /Hello, Ada/);
});

test("a name is text and nothing else", async () => {
  const page = await app.request(`/?name=${encodeURIComponent("<script>")}`);
  assert.match(await page.text(), /Hello, &lt;script&gt;/);
});

test("a form leads back to the page, below the mount", async () => {
  const body = new URLSearchParams({ name: "Ada L" });
  const answer = await app.request("/greet", { method: "POST", body, headers: { "x-forwarded-prefix": "/shop" } });
  assert.equal(answer.status, 303);
  assert.equal(answer.headers.get("location"), "/shop/?name=Ada%20L");
});

test("JSON and what is not there", async () => {
  assert.deepEqual(await (await app.request("/api/hello/Ada")).json(), { hello: "Ada" });
  assert.equal((await app.request("/nowhere")).status, 404);
});
