// What Node.js has built in and an app here has not, and what to use instead.

import { builtinModules } from "node:module";

const ANSWERS = "the host answers visitors: `export default app`, and leave out what listens";
const FILES = "there are no files: import text and JSON (`import page from \"./page.html\"`), or lay files into a static folder";
const CRYPTO = "the global `crypto` has getRandomValues, randomUUID and subtle";
const ALONE = "an instance is one thread, alone";
const TEXT = "Uint8Array, TextEncoder, TextDecoder, atob and btoa are there; `npm install buffer` brings a Buffer";

const INSTEAD = {
  assert: "throw an Error", async_hooks: "", buffer: TEXT, child_process: ALONE, cluster: ALONE, crypto: CRYPTO,
  dgram: ANSWERS, dns: "", events: "EventTarget is there; `npm install events` brings an EventEmitter", fs: FILES,
  "fs/promises": FILES, http: `${ANSWERS}; ask others with fetch`, http2: ANSWERS, https: `${ANSWERS}; ask others with fetch`,
  module: "", net: ANSWERS, os: "", path: "`npm install path-browserify`", perf_hooks: "`performance` is there",
  process: "`process.env` is there", querystring: "URLSearchParams is there", readline: "", sqlite: "",
  stream: "ReadableStream, WritableStream and TransformStream are there", "stream/web": "its classes are there without an import",
  string_decoder: "TextDecoder is there", "timers/promises": "`await new Promise((done) => setTimeout(done, ms))`",
  timers: "setTimeout is there without an import", tls: ANSWERS, url: "URL and URLSearchParams are there without an import",
  util: "`npm install util`", vm: "", worker_threads: ALONE, zlib: "the host compresses; CompressionStream is there",
};

const BUILT_IN = new Set(builtinModules);

/** Whether `name` is one of Node's. */
export function isBuiltIn(name) {
  return name.startsWith("node:") || BUILT_IN.has(name) || BUILT_IN.has(name.split("/")[0]);
}

/** What to use instead, as the end of a sentence, or nothing. */
export function instead(name) {
  const advice = INSTEAD[name.replace(/^node:/, "")];
  return advice ? `: ${advice}` : "";
}
