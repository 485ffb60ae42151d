// All that an app consists of, in one text: its own files and what it imports, TypeScript and JSX included.

import { existsSync } from "node:fs";
import { SourceMap } from "node:module";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

import { rolldown } from "rolldown";

import { instead, isBuiltIn } from "./absent.mjs";
import { GLOBALS, NAMES, builtIn, insteadOfServer } from "./builtin.mjs";
import { RUNTIME } from "./program.mjs";
import { Refused } from "./refused.mjs";

const TOOLS = fileURLToPath(new URL("./", import.meta.url));
const ENTRY = "\0guesthouse:entry";
const ABSENT = "\0guesthouse:absent:";
const REQUIRED = "\0guesthouse:required:";

/**
 * What an app is made of, with other folders of `packages` perhaps: its `code`, the `files` in it, where in them a place in
 * the code is (`placed`), and the same as a source `map`. `form` is one of those in `program.mjs`.
 */
export async function bundle(folder, entry, packages, form) {
  const missing = new Map();
  const files = new Set();
  const warnings = [];
  const input = {
    input: ENTRY,
    cwd: folder,
    platform: "neutral",
    resolve: {
      modules: ["node_modules", ...packages],
      // What is written for browsers and for workers runs here, what is written for Node does not.
      mainFields: ["browser", "module", "main"],
      conditionNames: ["worker", "browser", "module", "import", "default"],
    },
    tsconfig: true,
    moduleTypes: { ".html": "text", ".txt": "text", ".md": "text", ".css": "text", ".sql": "text", ".svg": "text" },
    // Where the project lies on this machine is nobody's concern, and would make another component of it.
    experimental: { attachDebugInfo: "none" },
    transform: { define: NAMES, inject: GLOBALS },
    plugins: [wholeApp(folder, entry, form, missing, files)],
    onLog: (level, log) => level === "warn" && log.code !== "UNRESOLVED_IMPORT" && warnings.push(log.message),
  };
  try {
    const build = await rolldown(input);
    try {
      const { output } = await build.generate({ dir: folder, format: "esm", codeSplitting: false, sourcemap: "hidden" });
      refuseMissing(folder, missing);
      const { code, map } = output[0];
      return { code, files: [...files], warnings, map, placed: placesIn(folder, map) };
    } finally {
      await build.close();
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
    // What is missing explains the rest.
    refuseMissing(folder, missing);
    const errors = error.errors ?? [error];
    const said = errors.map((one) => one.message.trimEnd()).join("\n");
    throw new Refused(`${entry} cannot be bundled`, stripVTControlCharacters(said));
  }
}

/** The program around the app, and what is not there. */
function wholeApp(folder, entry, form, missing, files) {
  return {
    name: "guesthouse",
    async resolveId(source, importer, { kind }) {
      if (source === ENTRY) return { id: ENTRY, moduleSideEffects: true };
      if (source.startsWith("wasi:")) return importer.startsWith(RUNTIME) ? form.handed(source) : absent(source, importer, kind);
      const server = insteadOfServer(source);
      if (server) return { id: server };
      const here = builtIn(source);
      if (!source.startsWith("node:")) {
        // Many packages are named like what Node has built in, and do the same.
        const found = await this.resolve(source, importer, { skipSelf: true, kind });
        if (found && !found.external) return undefined;
      }
      if (!here) return absent(source, importer, kind);
      // `require` gets what the module is there, which is its default here.
      return { id: kind === "require-call" ? REQUIRED + here : here };
    },
    load(id) {
      if (id === ENTRY) return form.program(join(folder, entry)).join("\n");
      const handed = form.load(id);
      if (handed) return { code: handed, moduleType: "js" };
      if (id.startsWith(REQUIRED)) {
        return { code: `module.exports = require(${JSON.stringify(id.slice(REQUIRED.length))}).default;`, moduleType: "js" };
      }
      if (id.startsWith(ABSENT)) {
        const name = id.slice(ABSENT.length);
        return { code: `throw new Error(${JSON.stringify(`\`${name}\` is not there${instead(name)}`)})`, moduleType: "js" };
      }
    },
    transform(_code, id) {
      if (!id.startsWith("\0") && !id.startsWith(TOOLS)) files.add(id);
    },
  };

  /** What is imported for good is refused; who asks with `require` or `import()` may do without it. */
  function absent(source, importer, kind) {
    if (kind === "import-statement") {
      if (!missing.has(source)) missing.set(source, new Set());
      missing.get(source).add(importer);
      return { id: source, external: true };
    }
    return { id: ABSENT + source, moduleSideEffects: true };
  }
}

/** From `bundle.js:72:8` to `src/index.js:3:9`, if that is a place in the project. */
function placesIn(folder, map) {
  const known = new SourceMap({ ...map, version: 3 });
  return (place) => {
    const [, line, column] = /^bundle\.js:(\d+):(\d+)$/.exec(place) ?? [];
    if (line === undefined) return undefined;
    const { originalSource, originalLine, originalColumn } = known.findEntry(line - 1, column - 1);
    if (originalSource === undefined) return undefined;
    const file = resolve(folder, originalSource);
    return file.startsWith(`${folder}/`) ? `${relative(folder, file)}:${originalLine + 1}:${originalColumn + 1}` : undefined;
  };
}

function refuseMissing(folder, missing) {
  if (missing.size === 0) return;
  const lines = [...missing].map(([source, importers]) => {
    const places = [...importers].map((file) => relative(folder, file));
    return `\`${source}\` in ${places.slice(0, 3).join(", ")}${places.length > 3 ? ", …" : ""}: ${explained(source, folder)}`;
  });
  const packages = [...missing.keys()].filter((source) => !/^[./]/.test(source)).map(packageOf);
  if (lines.length === 1) throw new Refused(lines[0].replace("` in", "` is imported in"), "", packages);
  throw new Refused(`${lines.length} imports are not there`, lines.join("\n"), packages);
}

function explained(source, folder) {
  if (isBuiltIn(source)) return `Node.js has it built in, an app here has not${instead(source)}`;
  if (source.startsWith(".") || source.startsWith("/")) return "there is no such file";
  if (/^[a-z]+:/.test(source)) return "there is nothing of that kind here";
  const name = packageOf(source);
  const own = ownFile(source, name, folder);
  if (own) return `it is the project's own, at \`${own}\`: import it by its path from the file that wants it, or with \`paths\` in tsconfig.json`;
  if (!PACKAGE.test(name)) return "that is no package's name: is it a path that only another tool knows?";
  return `there is no such package; \`npm install ${name}\` brings it`;
}

/** `@scope/name` of `@scope/name/file`. */
function packageOf(source) {
  return source.split("/").slice(0, source.startsWith("@") ? 2 : 1).join("/");
}

/** What the index of npm takes for a name. */
const PACKAGE = /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/** Where in the project there is something of this name, of which nobody should ask an index. */
function ownFile(source, name, folder) {
  const plain = source.replace(/^[@~#]?\//, "");
  const first = name.replace(/^[@~#]/, "").split("/")[0];
  for (const place of [plain, first].filter((one) => one)) {
    for (const root of ["", "src/", "lib/", "app/", "packages/"]) {
      for (const ending of ["", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".mts", ".cjs", ".json"]) {
        if (existsSync(join(folder, root + place + ending))) return root + place + ending;
      }
    }
  }
  return undefined;
}
