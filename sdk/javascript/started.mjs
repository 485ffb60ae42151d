// Once for each version of the tools: the component of all apps under `guesthouse dev`, which has no app in it.
//
//     node started.mjs TEMPLATE
//
// What it makes is `started.wasm` in the folder `TEMPLATE`, where the engine lies (`template.mjs`).

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { rolldown } from "rolldown";

import { RUNTIME, interfaces } from "./program.mjs";
import { snapshot } from "./snapshot.mjs";

const template = process.argv[2];
const HANDED = "guesthouse:interfaces";

const build = await rolldown({
  input: join(RUNTIME, "live/program.js"),
  cwd: RUNTIME,
  platform: "neutral",
  external: [/^wasi:/],
  experimental: { attachDebugInfo: "none" },
  plugins: [
    {
      name: "guesthouse",
      resolveId: (source) => (source === HANDED ? { id: HANDED } : undefined),
      load: (id) => (id === HANDED ? `${interfaces()} export { interfaces };` : undefined),
    },
  ],
});
const { output } = await build.generate({ dir: RUNTIME, format: "esm", codeSplitting: false });
await build.close();

const work = await mkdtemp(join(template, "work-"));
const { component, failed } = await snapshot(output[0].code, template, work);
await rm(work, { recursive: true });
if (!component) throw new Error(failed);
await writeFile(join(template, "started.wasm"), component);
