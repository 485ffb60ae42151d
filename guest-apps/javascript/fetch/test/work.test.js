import assert from "node:assert/strict";
import { test } from "node:test";

import { digest, shout, ticks } from "../src/work.js";

test("a digest is that of the text", async () => {
  const { sha256 } = await (await digest("hello")).json();
  assert.equal(sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
});

test("a body comes back in capital letters", async () => {
  const request = new Request("http://localhost/shout", { method: "POST", body: "quiet, please" });
  assert.equal(await shout(request).text(), "QUIET, PLEASE");
});

test("there are as many ticks as were asked for", async () => {
  assert.equal(await ticks(3, 1).text(), "data: 1\n\ndata: 2\n\ndata: 3\n\n");
});
