// Which file of a project is its app: what the tools of its author are told, in the order of trust.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join, normalize } from "node:path";

import { parse as parseJsonc } from "jsonc-parser";
import { parse as parseToml } from "smol-toml";

import { Refused } from "./refused.mjs";

/** Where an app stands when nobody says. */
const PLACES = ["src/index", "src/server", "src/app", "src/worker", "src/main", "index", "server", "app", "worker", "main"];
const ENDINGS = ["ts", "tsx", "js", "jsx", "mjs", "mts", "cjs"];

/** The scripts in package.json that start an app, and words after which a file stands that is none. */
const SCRIPTS = ["start", "serve", "dev", "preview"];
const TAKES_A_FILE = new Set(["-c", "--config", "-r", "--require", "--import", "--loader", "--tsconfig", "-p", "--project"]);

/** The app's file in `folder`, as a path in it; `named` comes from `guesthouse.toml` or the command line. */
export function entryOf(folder, named) {
  if (named) {
    if (isFile(join(folder, named))) return normalize(named);
    throw new Refused(`there is no \`${named}\`, which is named as its \`app\``);
  }
  const known = said(folder);
  for (const { file, where } of known) {
    const found = ["", ...ENDINGS.map((ending) => `.${ending}`)].find((end) => isFile(join(folder, file + end)));
    if (found !== undefined) return normalize(file + found);
    if (where === OURS) throw new Refused(`there is no \`${file}\`, which package.json names as \`guesthouse.entry\``);
  }
  for (const place of PLACES) {
    for (const ending of ENDINGS) if (isFile(join(folder, `${place}.${ending}`))) return `${place}.${ending}`;
  }
  const [first] = known;
  const missing = first ? ` (${first.where} names \`${first.file}\`, which is not there${made(folder)})` : "";
  throw new Refused(
    `no file is the app${missing}: write src/index.js, name it in package.json (\`"main": "src/index.js"\`), ` +
      "or on the command line (`--app src/index.js`)",
  );
}

const OURS = "package.json (guesthouse.entry)";

/** What the project's files say, the plainest first. */
function said(folder) {
  const known = read(folder, "package.json", JSON.parse) ?? {};
  const all = [
    { where: OURS, file: known.guesthouse?.entry },
    { where: "wrangler.toml", file: read(folder, "wrangler.toml", parseToml)?.main },
    { where: "wrangler.json", file: read(folder, "wrangler.json", parseJsonc)?.main },
    { where: "wrangler.jsonc", file: read(folder, "wrangler.jsonc", parseJsonc)?.main },
    { where: "package.json", file: known.module },
    { where: "package.json", file: known.main },
    { where: "package.json", file: exported(known.exports) },
    ...SCRIPTS.map((name) => ({ where: `package.json (the script \`${name}\`)`, file: started(folder, known.scripts?.[name]) })),
  ];
  return all.filter(({ file }) => typeof file === "string");
}

function read(folder, name, parse) {
  const path = join(folder, name);
  if (!existsSync(path)) return undefined;
  try {
    return parse(readFileSync(path, "utf8")) ?? {};
  } catch (error) {
    throw new Refused(`${name} cannot be read: ${error.message}`);
  }
}

/** What `import "<the package>"` would take. */
function exported(exports) {
  if (typeof exports !== "object" || exports === null) return exports;
  const root = "." in exports ? exports["."] : exports;
  return typeof root === "object" && root !== null ? exported(root.import ?? root.default) : root;
}

/** The file in `tsx watch src/index.ts`. */
function started(folder, script) {
  const words = typeof script === "string" ? script.split(/\s+/) : [];
  return words.find((word, at) => {
    const isScript = ENDINGS.some((ending) => word.endsWith(`.${ending}`)) && !/(^|\/)[^/]+\.config\.\w+$/.test(word);
    return isScript && !TAKES_A_FILE.has(words[at - 1]) && isFile(join(folder, word));
  });
}

function made(folder) {
  const { scripts } = read(folder, "package.json", JSON.parse) ?? {};
  return typeof scripts?.build === "string" ? "; `npm run build` may make it" : "";
}

function isFile(path) {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
