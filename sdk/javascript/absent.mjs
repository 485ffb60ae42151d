// What Node.js has built in and an app here has not, and what to use instead.

import { builtinModules } from "node:module";

const ANSWERS = "the host answers visitors: `export default app`, and leave out what listens";
const FILES = "there are no files: import text and JSON (`import page from \"./page.html\"`), or lay files into a static folder";
const ALONE = "an instance is one thread, alone";

const INSTEAD = {
  child_process: ALONE, cluster: ALONE, dgram: ANSWERS, dns: "", fs: FILES, "fs/promises": FILES,
  http: `${ANSWERS}; ask others with fetch`, http2: ANSWERS, https: `${ANSWERS}; ask others with fetch`, net: ANSWERS,
  readline: "", sqlite: "", tls: ANSWERS, vm: "", worker_threads: ALONE,
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
