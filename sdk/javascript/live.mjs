// Apps under `guesthouse dev`: after an edit, from the source to the script that instances evaluate. The program `guesthouse`
// runs it and asks for one after the other, a JSON object a line on stdin:
//
//     {"folder": …, "entry": …, "packages": […], "template": …, "work": …, "output": …}
//
// What it has compiled and found once makes the next one quick. What is laid into the folder `output` was loaded here before,
// as it is when a component is made of it.

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { createInterface } from "node:readline";

import { about, answer, phase } from "./answers.mjs";
import { bundle } from "./bundle.mjs";
import { entryOf } from "./entry.mjs";
import { reported } from "./loaded.mjs";
import { RUNTIME, SCRIPT, asFunction, asModule } from "./program.mjs";
import { attempt, engineOf } from "./snapshot.mjs";

/** Whoever goes on editing after so long waits a second longer. Until then this process holds some 300 MB. */
const IDLE = 10 * 60 * 1000;

/** The name of the script, in traces as well. */
const NAME = "live.js";

let engine;

async function made(asked) {
  await mkdir(asked.work, { recursive: true });
  const entry = entryOf(asked.folder, asked.entry);
  const { code, map, files, warnings, placed } = await phase("bundled", async () => {
    const made = await bundle(asked.folder, entry, asked.packages, SCRIPT);
    return { ...made, about: about(entry, made) };
  });
  const script = `${asFunction(code)}\n//# sourceURL=${NAME}\n`;
  const known = await readFile(join(asked.output, NAME), "utf8").catch(() => undefined);
  if (script === known) return { entry, files, warnings, is_new: false };
  const { notes } = await phase("loaded", async () => {
    engine ??= await engineOf(asked.template);
    return { notes: reported(await attempt(asModule(code), asked.template, engine, asked.work), entry, placed), about: "to try it" };
  });
  const sources = map.sources.map((source) => shown(asked.folder, source));
  await put(asked.output, `${NAME}.map`, JSON.stringify({ sources, mappings: map.mappings }));
  await put(asked.output, NAME, script);
  return { entry, files, warnings: [...warnings, ...notes], is_new: true };
}

/** What a file is called in a trace: packages lie in many places, and the tools elsewhere. */
function shown(folder, source) {
  const file = resolve(folder, source);
  if (file.startsWith(RUNTIME)) return `guesthouse/${relative(RUNTIME, file)}`;
  const inPackage = file.lastIndexOf("/node_modules/");
  return inPackage >= 0 ? file.slice(inPackage + 1) : relative(folder, file);
}

/** In one move: an instance may read there now. */
async function put(folder, name, text) {
  const unfinished = join(folder, `.${name}`);
  await writeFile(unfinished, text);
  await rename(unfinished, join(folder, name));
}

let timer;
for await (const line of createInterface({ input: process.stdin })) {
  clearTimeout(timer);
  await answer(() => made(JSON.parse(line)));
  timer = setTimeout(() => process.exit(), IDLE);
}
process.exit();
