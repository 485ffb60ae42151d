// What Node.js has built in and an app here has too: the packages that bundlers use for browsers, and files of ours around them.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const RUNTIME = fileURLToPath(new URL("runtime/", import.meta.url));
const BROWSERS = fileURLToPath(new URL("node_modules/@jspm/core/nodelibs/browser/", import.meta.url));

/** Those that the package has as they should be. */
const AS_THEY_ARE = new Set([
  "assert", "assert/strict", "console", "constants", "diagnostics_channel", "os", "path", "path/posix", "path/win32", "punycode",
  "querystring", "stream", "stream/consumers", "stream/promises", "stream/web", "string_decoder", "sys", "tty", "util/types", "zlib",
]);

/** What is a server's elsewhere, by what an app imports. */
const SERVERS = {
  "@hono/node-server": "instead/hono-node-server.js",
  "@hono/node-server/conninfo": "instead/hono-node-server-conninfo.js",
  "@hono/node-server/serve-static": "instead/hono-node-server-static.js",
  "cloudflare:workers": "instead/cloudflare-workers.js",
};

/** The file that stands for `node:<name>`, if an app has it. */
export function builtIn(name) {
  const plain = name.replace(/^node:/, "").replace(/\/$/, "");
  const own = `${RUNTIME}node/${plain.replaceAll("/", "_")}.js`;
  if (existsSync(own)) return own;
  return AS_THEY_ARE.has(plain) ? `${BROWSERS}${plain}.js` : undefined;
}

/** The file that stands for a module that is a server's. */
export function insteadOfServer(name) {
  return Object.hasOwn(SERVERS, name) ? `${RUNTIME}${SERVERS[name]}` : undefined;
}

/** What is put where a program names it without an import: from which file, and what of it. */
export const GLOBALS = {
  Buffer: [`${RUNTIME}node/globals.js`, "Buffer"],
  global: [`${RUNTIME}node/globals.js`, "global"],
  guesthouseBunServe: [`${RUNTIME}servers.js`, "bunServe"],
  guesthouseDenoServe: [`${RUNTIME}servers.js`, "denoServe"],
  guesthouseMeta: [`${RUNTIME}node/globals.js`, "meta"],
  guesthouseDenoEnv: [`${RUNTIME}servers.js`, "denoEnv"],
};

/** What a program names and gets something else for. */
export const NAMES = {
  "process.env.NODE_ENV": JSON.stringify("production"),
  "Bun.env": "process.env",
  "Bun.serve": "guesthouseBunServe",
  "Deno.env": "guesthouseDenoEnv",
  "Deno.serve": "guesthouseDenoServe",
  // The engine falls over what it does not have of this.
  "import.meta": "guesthouseMeta",
  __dirname: JSON.stringify("/"),
  __filename: JSON.stringify("/app.js"),
};
