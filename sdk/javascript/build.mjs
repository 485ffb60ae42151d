// One app, from its source to a component. The program `guesthouse` runs it:
//
//     node build.mjs '{"folder": …, "entry": …, "packages": […], "template": …, "work": …, "output": …}'
//
// It says on stdout what it does, a JSON object a line: {"phase", "ms", …} when one is over, then {"done"} or {"refused"}.

import { mkdir, writeFile } from "node:fs/promises";

import { bundle } from "./bundle.mjs";
import { entryOf } from "./entry.mjs";
import { loaded } from "./loaded.mjs";
import { Refused } from "./refused.mjs";
import { snapshot } from "./snapshot.mjs";

const asked = JSON.parse(process.argv[2]);

function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

function others(count) {
  return count === 0 ? "" : ` and ${count} more file${count === 1 ? "" : "s"}`;
}

async function phase(name, work) {
  const begun = performance.now();
  const { about, ...result } = await work();
  say({ phase: name, about, ms: Math.round(performance.now() - begun) });
  return result;
}

try {
  await mkdir(asked.work, { recursive: true });
  const entry = entryOf(asked.folder, asked.entry);
  const { code, files, warnings, placed } = await phase("bundled", async () => {
    const made = await bundle(asked.folder, entry, asked.packages);
    return { ...made, about: `${entry}${others(made.files.length - 1)}, ${made.code.length >> 10} KiB` };
  });
  const { component, notes } = await phase("loaded", async () => {
    const { component, notes } = loaded(await snapshot(code, asked.template, asked.work), entry, placed);
    return { component, notes, about: `${Math.round(component.length / 1048576)} MiB` };
  });
  await writeFile(asked.output, component);
  say({ done: { entry, files, warnings: [...warnings, ...notes] } });
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  say({ refused: error.message, more: error.more, packages: error.packages });
}
