// Loads an app in its engine, here, and makes the component of what is in the memory then.
//
// That is what `componentize` of componentize-js does with another program, which compiles the engine for each app.

import { createHash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { WASI } from "node:wasi";

import { DATA, DATA_COUNT, GLOBAL, MEMORY, assembled, largest, sections, signed, unsigned } from "./wasm.mjs";

/** What the app's code is called in traces. */
const SOURCE = "bundle.js";

/** So many zeros between two pieces of memory, in words of eight bytes, make them two: naming a piece costs some bytes. */
const GAP = 16;

const PAGE = 65536;

/** Loads `code` with what `template` has; returns `{ component, said, failed }`. */
export async function snapshot(code, template, work) {
  const { loaded, said, failed } = await attempt(code, template, await engineOf(template), work);
  if (!loaded) return { said, failed };
  const component = await readFile(join(template, "component.wasm"));
  return { component: withMemory(component, loaded), said };
}

/** The engine of `template`, to load apps in. */
export async function engineOf(template) {
  return WebAssembly.compile(await readFile(join(template, "loader.wasm")));
}

/** The same without a component: what is `loaded`, or why it `failed`. */
export async function attempt(code, template, engine, work) {
  const stage = join(work, "stage");
  await mkdir(stage, { recursive: true });
  await writeFile(join(stage, SOURCE), code);
  await writeFile(join(stage, "initializer.js"), await readFile(join(template, "initializer.js")));
  const files = { input: join(work, "arguments"), output: join(work, "output"), errors: join(work, "errors") };
  const given = `--initializer-script-path /app/initializer.js --strip-path-prefix /app/ /app/${SOURCE}`;
  await writeFile(files.input, given);
  const loaded = await load(code, template, engine, stage, files);
  const said = await readFile(files.output, "utf8");
  const failed = await readFile(files.errors, "utf8");
  return loaded ? { loaded, said } : { said, failed: failed || "the engine said nothing about it" };
}

async function load(code, template, engine, stage, files) {
  const bindings = JSON.parse(await readFile(join(template, "bindings.json"), "utf8"));
  const open = [openSync(files.input), openSync(files.output, "w"), openSync(files.errors, "w")];
  const [stdin, stdout, stderr] = open;
  const env = environment(bindings);
  const wasi = new WASI({ version: "preview1", env, preopens: { "/app": stage }, stdin, stdout, stderr, returnOnExit: true });
  let instance;
  const preview = { ...wasi.wasiImport, ...alike(() => instance.exports.memory.buffer, code) };
  const imports = { wasi_snapshot_preview1: preview };
  for (const { module: from, name } of WebAssembly.Module.imports(engine)) {
    imports[from] ??= {};
    imports[from][name] ??= () => {
      throw new Error(`\`${from}\` has no \`${name}\` while an app is loaded`);
    };
  }
  try {
    instance = await WebAssembly.instantiate(engine, imports);
    wasi.initialize(instance);
    instance.exports["componentize.wizer"]();
    const memory = Buffer.from(instance.exports.memory.buffer.slice());
    const global = instance.exports["guesthouse.global"].value;
    // It says on stderr what was wrong.
    return instance.exports.check_init() === 0 ? { memory, global } : undefined;
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError) && error instanceof Error) await writeFile(files.errors, error.message);
    return undefined;
  } finally {
    open.forEach(closeSync);
  }
}

/** How componentize-js tells its engine which functions there are. */
function environment({ exports, imports }) {
  const env = { DEBUG: "", SOURCE_NAME: SOURCE, FEATURE_CLOCKS: "1" };
  env.EXPORT_CNT = `${exports.length}`;
  for (const [at, [name, one]] of exports.entries()) {
    env[`EXPORT${at}_NAME`] = name;
    env[`EXPORT${at}_ARGS`] = (one.paramptr ? "*" : "") + one.params.join(",");
    env[`EXPORT${at}_RET`] = (one.retptr ? "*" : "") + (one.ret || "");
    env[`EXPORT${at}_RETSIZE`] = `${one.retsize}`;
  }
  env.IMPORT_CNT = `${imports.length}`;
  for (const [at, [, name, count]] of imports.entries()) {
    env[`IMPORT${at}_NAME`] = name;
    env[`IMPORT${at}_ARGCNT`] = `${count}`;
  }
  return env;
}

/** Time and chance that are the same whenever the same code is loaded, so that the same component comes out. */
function alike(memory, code) {
  let now = 946_684_800_000_000_000n;
  let random = createHash("sha256").update(code).digest();
  return {
    clock_time_get(_clock, _precision, at) {
      // It goes on, for whoever waits for that.
      now += 1_000_000n;
      new DataView(memory()).setBigUint64(at, now, true);
      return 0;
    },
    random_get(at, length) {
      const into = Buffer.from(memory(), at, length);
      for (let filled = 0; filled < length; filled += random.length) {
        random = createHash("sha256").update(random).digest();
        random.copy(into, filled);
      }
      return 0;
    },
  };
}

/** `component`, whose engine has this memory from the start. */
function withMemory(component, { memory, global }) {
  const pieces = inUse(memory);
  const data = [Buffer.from(unsigned(pieces.length))];
  for (const [begin, end] of pieces) {
    data.push(Buffer.from([0, CONST, ...signed(begin), END, ...unsigned(end - begin)]), memory.subarray(begin, end));
  }
  const changed = {
    [MEMORY]: Buffer.from([1, 0, ...unsigned(memory.length / PAGE)]),
    [GLOBAL]: Buffer.from([1, I32, 1, CONST, ...signed(global), END]),
    [DATA_COUNT]: Buffer.from(unsigned(pieces.length)),
    [DATA]: Buffer.concat(data),
  };
  const engine = largest(component);
  const inner = sections(engine.body).map(({ id, body }) => ({ id, body: changed[id] ?? body }));
  const made = { id: engine.id, body: assembled(engine.body, inner) };
  return assembled(component, sections(component).map((one) => (one.body.equals(engine.body) ? made : one)));
}

/** Where something else than zeros is. */
function inUse(memory) {
  const words = new BigUint64Array(memory.buffer, memory.byteOffset, memory.length / 8);
  const found = [];
  let begin = -1;
  let last = -1;
  const end = () => begin >= 0 && found.push([begin * 8, last * 8 + 8]);
  for (let at = 0; at < words.length; at++) {
    if (words[at] === 0n) continue;
    if (begin < 0 || at - last > GAP) {
      end();
      begin = at;
    }
    last = at;
  }
  end();
  return found;
}

const I32 = 0x7f;
const CONST = 0x41;
const END = 0x0b;
