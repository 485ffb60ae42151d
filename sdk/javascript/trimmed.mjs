// After a version in `package.json` was changed: a `package-lock.json` with what is used, and nothing else.
//
//     npm install --package-lock-only --ignore-scripts && node trimmed.mjs
//
// componentize-js needs jco, and jco a compiler, an optimiser and older versions of both, for commands that nobody runs here.

import { readFileSync, writeFileSync } from "node:fs";

const FILE = new URL("package-lock.json", import.meta.url);

/** The one package whose own needs are needed. */
const WHOLE = "rolldown";

const lock = JSON.parse(readFileSync(FILE, "utf8"));
const kept = { "": lock.packages[""] };

for (const name of Object.keys(kept[""].dependencies)) {
  const { bin, workspaces, funding, resolved, ...entry } = lock.packages[`node_modules/${name}`];
  if (name !== WHOLE) {
    delete entry.dependencies;
    delete entry.optionalDependencies;
  }
  kept[`node_modules/${name}`] = entry;
}

const whole = kept[`node_modules/${WHOLE}`];
for (const list of [whole.dependencies, whole.optionalDependencies]) {
  for (const name of Object.keys(list)) {
    const places = [`node_modules/${WHOLE}/node_modules/${name}`, `node_modules/${name}`];
    const found = lock.packages[places.find((place) => lock.packages[place])];
    // A build of it in WebAssembly, for machines without one of their own, brings a tree of packages.
    if (!found || name.includes("wasm32")) delete list[name];
    else {
      const { resolved, funding, ...entry } = found;
      kept[`node_modules/${name}`] = entry;
    }
  }
}

writeFileSync(FILE, `${JSON.stringify({ ...lock, packages: kept }, null, 2)}\n`);
