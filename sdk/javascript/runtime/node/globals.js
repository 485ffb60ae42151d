// What programs use without an import. The bundler puts it where it is named.

import { Buffer as Bytes } from "@jspm/core/nodelibs/buffer";

/** Bytes, as Node.js has them. */
export const Buffer = Bytes;

/** What Node.js calls the global object. */
export const global = globalThis;

/** `import.meta`, with what bundlers put there: Vite's variables, and its `glob`, of which nothing is left by then. */
export const meta = {
  dirname: "/",
  env: { BASE_URL: "/", DEV: false, MODE: "production", PROD: true, SSR: true },
  filename: "/app.js",
  glob: () => ({}),
  main: false,
  resolve: (name) => new URL(name, "file:///app.js").href,
  url: "file:///app.js",
};
