// `node:process`: of a process, an app has its environment and the clock.

const rest = {
  arch: "wasm32",
  argv: ["node", "app"],
  argv0: "node",
  browser: false,
  execArgv: [],
  exitCode: undefined,
  pid: 1,
  platform: "linux",
  release: { name: "guesthouse" },
  title: "app",
  version: "",
  versions: {},
  cwd: () => "/",
  emitWarning: (warning) => console.warn(warning),
  exit(code = 0) {
    throw new Error(`\`process.exit(${code})\` is called: an app ends with its instance, which the host decides`);
  },
  features: {},
  // Others are bundled when they are imported, and cannot be had by name.
  getBuiltinModule: (name) => (name.replace(/^node:/, "") === "process" ? process : undefined),
  hrtime: Object.assign(
    (since = [0, 0]) => {
      const nanoseconds = process.hrtime.bigint() - BigInt(since[0]) * 1_000_000_000n - BigInt(since[1]);
      return [Number(nanoseconds / 1_000_000_000n), Number(nanoseconds % 1_000_000_000n)];
    },
    { bigint: () => BigInt(Math.round(performance.now() * 1e6)) },
  ),
  memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }),
  nextTick: (call, ...given) => queueMicrotask(() => call(...given)),
  uptime: () => performance.now() / 1000,
  umask: () => 0o22,
  stdin: undefined,
  stdout: stream((text) => console.log(text)),
  stderr: stream((text) => console.error(text)),
};
// Nobody sends an app a signal, and nothing that it would clean up outlives it.
for (const name of ["on", "once", "off", "addListener", "removeListener", "removeAllListeners", "prependListener"]) {
  rest[name] = () => process;
}
rest.emit = () => false;
rest.listeners = () => [];
rest.listenerCount = () => 0;

const process = Object.assign(globalThis.process, rest);

function stream(print) {
  return {
    isTTY: false,
    write(text) {
      print(`${text}`.replace(/\n$/, ""));
      return true;
    },
    on: () => process,
    once: () => process,
  };
}

export default process;
export const { arch, argv, cwd, emitWarning, env, exit, hrtime, memoryUsage, nextTick, on, once, pid, platform, stderr, stdout, uptime, version, versions } = process;
