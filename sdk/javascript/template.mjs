// Once for each version of the tools: the engine with the interfaces of an app, as a component without an app in it.
//
//     node template.mjs TO WORLD
//
// It stands in a folder with `wit/` and `node_modules/`.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { componentNew } from "@bytecodealliance/jco-transpile/wasm-tools";

import { GLOBAL, exportOfGlobal, number, sections, withExports } from "./wasm.mjs";

const PACKAGES = fileURLToPath(new URL("node_modules/@bytecodealliance/", import.meta.url));

// Requests come through `incoming-handler`, which `runtime/serve.js` exports: the engine's own `fetch-event` is left out,
// whose one event answers a second request with an error.
const FEATURES = ["stdio", "random", "clocks", "http"];

/** What only the time of building needs. */
const BUILDING = new Set(["_initialize", "componentize.wizer", "wizer-initialize", "wizer.resume", "check_init"]);

const [to, world] = process.argv.slice(2);
const wit = fileURLToPath(new URL("wit", import.meta.url));

// Not exported by the package: the one step of its `componentize` that depends on no app, and takes most of the time.
const { splicer } = await import(join(PACKAGES, "componentize-js/lib/spidermonkey-embedding-splicer.js"));
const engine = await readFile(join(PACKAGES, "componentize-js/lib/starlingmonkey_embedding.wasm"));
const spliced = splicer.spliceBindings(engine, FEATURES, undefined, wit, world, false);
const wasm = Buffer.from(spliced.wasm);

// The memory and the globals are all that loading an app changes.
const globals = number(sections(wasm).find((section) => section.id === GLOBAL).body, 0)[0];
if (globals !== 1) throw new Error(`the engine has ${globals} globals, and this program knows what to do with one`);
const loader = withExports(wasm, (list) => [...list, exportOfGlobal("guesthouse.global", 0)]);

const stubbed = Buffer.from(splicer.stubWasi(wasm, FEATURES, undefined, wit, world));
const serving = withExports(stubbed, (list) => list.filter((one) => !BUILDING.has(one.name)));
const adapter = await readFile(join(PACKAGES, "jco/lib/wasi_snapshot_preview1.reactor.wasm"));
const component = await componentNew(serving, [["wasi_snapshot_preview1", adapter]]);

await writeFile(join(to, "loader.wasm"), loader);
await writeFile(join(to, "component.wasm"), component);
await writeFile(join(to, "initializer.js"), spliced.jsBindings);
await writeFile(join(to, "bindings.json"), JSON.stringify({ exports: spliced.exports, imports: spliced.imports }));
