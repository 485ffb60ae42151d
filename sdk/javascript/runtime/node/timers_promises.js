// `node:timers/promises`.

function wait(set, clear, ms, value, signal) {
  return new Promise((done, fail) => {
    if (signal?.aborted) return fail(signal.reason);
    const id = set(() => done(value), ms);
    signal?.addEventListener("abort", () => (clear(id), fail(signal.reason)), { once: true });
  });
}

const clear = (id) => globalThis.clearTimeout(id);
const set = (call, ms) => globalThis.setTimeout(call, ms);

export const setTimeout = (ms = 0, value, { signal } = {}) => wait(set, clear, ms, value, signal);
export const setImmediate = (value, { signal } = {}) => wait(set, clear, 0, value, signal);

export async function* setInterval(ms, value, { signal } = {}) {
  for (;;) yield await wait(set, clear, ms, value, signal);
}

export const scheduler = { wait: (ms, options) => setTimeout(ms, undefined, options), yield: () => setImmediate() };

export default { scheduler, setImmediate, setInterval, setTimeout };
