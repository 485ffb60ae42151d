// What stands around an app, and how it gets at the interfaces of the host.

import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What is bundled with each app. */
export const RUNTIME = fileURLToPath(new URL("runtime/", import.meta.url));

/** The interfaces of the host that files there import. */
const INTERFACES = ["wasi:cli/environment@0.2.10", "wasi:clocks/monotonic-clock@0.2.10", "wasi:http/types@0.2.10", "wasi:io/poll@0.2.10"];

const HANDED = "\0guesthouse:handed:";

/** A module: what a component is made of. It imports the interfaces, and exports what answers. */
export const MODULE = {
  program: (app) => [...around(app), "export const incomingHandler = made(app);", "report(app);"],
  handed: (name) => ({ id: name, external: true }),
  load: () => undefined,
};

/** A text that instances evaluate (`runtime/live/program.js`): it gets the interfaces in an object, and leaves there what answers. */
export const SCRIPT = {
  program: (app) => [
    `import { placeBy } from ${path("console.js")};`,
    ...around(app),
    "placeBy(guesthouse.placed);",
    "guesthouse.incomingHandler = made(app);",
    "guesthouse.report = () => report(app);",
  ],
  handed: (name) => ({ id: HANDED + name }),
  load: (id) => id.startsWith(HANDED) ? `module.exports = guesthouse.interfaces[${JSON.stringify(id.slice(HANDED.length))}];` : undefined,
};

/** The script as instances evaluate it: a function of the object, whose first line is the script's first line. */
export function asFunction(script) {
  return `(async function (guesthouse) { "use strict"; ${script}\n})`;
}

/** The script as a module that does at once what an instance does, and says what the builder wants to know. */
export function asModule(script) {
  const begin = `${interfaces()} const handed = { interfaces, placed: (place) => place }; await`;
  return `${begin} ${asFunction(script)}(handed);\nhanded.report();\nexport const { incomingHandler } = handed;\n`;
}

/** A declaration of `interfaces`: by their names what they have, in one line. */
export function interfaces() {
  const imports = INTERFACES.map((name, at) => `import * as guesthouse${at} from ${JSON.stringify(name)};`);
  const members = INTERFACES.map((name, at) => `${JSON.stringify(name)}: guesthouse${at}`);
  return `${imports.join(" ")} const interfaces = { ${members.join(", ")} };`;
}

function around(app) {
  return [
    `import ${path("redirect.js")};`,
    `import ${path("early.js")};`,
    `import ${path("fill.js")};`,
    `import ${path("node/process.js")};`,
    `import * as app from ${JSON.stringify(app)};`,
    `import { incomingHandler as made } from ${path("serve.js")};`,
    `import { report } from ${path("report.js")};`,
  ];
}

function path(file) {
  return JSON.stringify(join(RUNTIME, file));
}
