// Which file of a project is its app.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { Refused } from "./refused.mjs";

/** Where an app stands when `package.json` does not say. */
const PLACES = ["src/index", "src/server", "src/app", "src/worker", "src/main", "index", "server", "app", "worker", "main"];
const ENDINGS = ["ts", "tsx", "js", "jsx", "mjs", "mts", "cjs"];

/** The app's file in `folder`, as a path in it; `named` comes from `guesthouse.toml`. */
export function entryOf(folder, named) {
  if (named) {
    if (existsSync(join(folder, named))) return named;
    throw new Refused(`there is no \`${named}\`, which guesthouse.toml names as \`app\` in [build]`);
  }
  const known = described(folder);
  for (const { file, key } of known) {
    const found = ["", ...ENDINGS.map((ending) => `.${ending}`)].find((end) => isFile(join(folder, file + end)));
    if (found !== undefined) return file + found;
    if (key === "guesthouse.entry") throw new Refused(`there is no \`${file}\`, which package.json names as \`${key}\``);
  }
  for (const place of PLACES) {
    for (const ending of ENDINGS) if (isFile(join(folder, `${place}.${ending}`))) return `${place}.${ending}`;
  }
  const missing = known.length > 0 ? ` (package.json names \`${known[0].file}\`, which is not there)` : "";
  throw new Refused(`no file is the app${missing}: write src/index.js, or name it in package.json: \`"main": "src/index.js"\``);
}

/** What `package.json` says, the plainest first. */
function described(folder) {
  const path = join(folder, "package.json");
  if (!existsSync(path)) return [];
  let known;
  try {
    known = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Refused(`package.json cannot be read: ${error.message}`);
  }
  const all = [
    { key: "guesthouse.entry", file: known.guesthouse?.entry },
    { key: "module", file: known.module },
    { key: "main", file: known.main },
    { key: "exports", file: exported(known.exports) },
  ];
  return all.filter(({ file }) => typeof file === "string");
}

/** What `import "<the package>"` would take. */
function exported(exports) {
  if (typeof exports !== "object" || exports === null) return exports;
  const root = "." in exports ? exports["."] : exports;
  return typeof root === "object" && root !== null ? exported(root.import ?? root.default) : root;
}

function isFile(path) {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
