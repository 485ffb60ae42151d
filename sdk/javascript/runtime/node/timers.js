// `node:timers`.

export const { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } = globalThis;

export default { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout };
