// One app, from its source to a component. The program `guesthouse` runs it:
//
//     node build.mjs '{"folder": …, "entry": …, "packages": […], "template": …, "work": …, "output": …}'

import { mkdir, writeFile } from "node:fs/promises";

import { about, answer, phase } from "./answers.mjs";
import { bundle } from "./bundle.mjs";
import { entryOf } from "./entry.mjs";
import { reported } from "./loaded.mjs";
import { MODULE } from "./program.mjs";
import { snapshot } from "./snapshot.mjs";

const asked = JSON.parse(process.argv[2]);

await answer(async () => {
  await mkdir(asked.work, { recursive: true });
  const entry = entryOf(asked.folder, asked.entry);
  const { code, files, warnings, placed } = await phase("bundled", async () => {
    const made = await bundle(asked.folder, entry, asked.packages, MODULE);
    return { ...made, about: about(entry, made) };
  });
  const { component, notes } = await phase("loaded", async () => {
    const made = await snapshot(code, asked.template, asked.work);
    const notes = reported(made, entry, placed);
    return { component: made.component, notes, about: `${Math.round(made.component.length / 1048576)} MiB` };
  });
  await writeFile(asked.output, component);
  return { entry, files, warnings: [...warnings, ...notes], is_new: true };
});
