import assert from "node:assert/strict";
import { test } from "node:test";

import app from "../src/index.js";

test("a search finds by title and by author", async () => {
  for (const [words, expected] of [["wells", [2]], ["MIDDLE", [4]], ["", [1, 2, 3, 4]], ["nobody", []]]) {
    const found = await (await app.request(`/api/books?q=${words}`)).json();
    assert.deepEqual(found.map(({ id }) => id), expected, words);
  }
});

test("what a visitor suggests is escaped, and must be whole", async () => {
  const suggest = (fields) => app.request("/suggestions", { method: "POST", body: new URLSearchParams(fields) });
  const thanks = await suggest({ title: "<b>", author: "A. N. Author" });
  assert.equal(thanks.status, 201);
  assert.match(await thanks.text(), /&lt;b&gt; by A. N. Author/);
  assert.equal((await suggest({ title: "alone" })).status, 422);
});

test("links stand below the prefix", async () => {
  const page = await app.request("/", { headers: { "x-forwarded-prefix": "/hono" } });
  assert.match(await page.text(), /href="\/hono\/books\/1"/);
});

test("what is not there is not found", async () => {
  for (const path of ["/nothing", "/books/9", "/api/books/9"]) assert.equal((await app.request(path)).status, 404, path);
});
