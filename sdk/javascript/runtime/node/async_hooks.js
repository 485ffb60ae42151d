// `node:async_hooks`: what a request carries along without passing it on.
//
// The engine does not tell which work goes on for whom. An instance has one request at a time, so that a store that was
// set for a request stands until that request is over: also in what it left running, and in a body that it still makes.
// Two stores of one request at once (two `run` beside each other, both with an `await`) are not told apart.

import { stores } from "../stores.js";

/** A value that all work of one request finds. */
export class AsyncLocalStorage {
  #options;

  constructor(options = {}) {
    this.#options = options;
  }

  static bind(call) {
    const within = AsyncLocalStorage.snapshot();
    return (...given) => within(call, ...given);
  }

  static snapshot() {
    const then = new Map(stores);
    return (call, ...given) => {
      const now = new Map(stores);
      replace(then);
      return whenOver(() => call(...given), () => replace(now));
    };
  }

  get name() {
    return this.#options.name ?? "";
  }

  getStore() {
    return stores.has(this) ? stores.get(this) : this.#options.defaultValue;
  }

  enterWith(store) {
    stores.set(this, store);
  }

  disable() {
    stores.delete(this);
  }

  run(store, call, ...given) {
    const had = stores.has(this);
    const before = stores.get(this);
    stores.set(this, store);
    return whenOver(
      () => call(...given),
      // The outermost stands until the request is over: its body may still be made.
      (isLater) => (had ? stores.set(this, before) : isLater || stores.delete(this)),
    );
  }

  exit(call, ...given) {
    const had = stores.has(this);
    const before = stores.get(this);
    stores.delete(this);
    return whenOver(() => call(...given), () => had && stores.set(this, before));
  }
}

/** Calls it, and `after` when it is over, which is later for what makes a promise. */
function whenOver(call, after) {
  let result;
  try {
    result = call();
  } catch (error) {
    after(false);
    throw error;
  }
  if (typeof result?.then !== "function") {
    after(false);
    return result;
  }
  return result.then(
    (value) => {
      after(true);
      return value;
    },
    (error) => {
      after(true);
      throw error;
    },
  );
}

function replace(all) {
  stores.clear();
  for (const [storage, store] of all) stores.set(storage, store);
}

/** Work that is called later, with the stores of now. */
export class AsyncResource {
  #within = AsyncLocalStorage.snapshot();

  constructor(type) {
    this.type = type;
  }

  static bind(call, type, self) {
    return new AsyncResource(type ?? call.name).bind(call, self);
  }

  bind(call, self) {
    return (...given) => this.runInAsyncScope(call, self, ...given);
  }

  runInAsyncScope(call, self, ...given) {
    return this.#within(() => call.apply(self, given));
  }

  asyncId() {
    return 1;
  }

  triggerAsyncId() {
    return 0;
  }

  emitDestroy() {
    return this;
  }
}

export const executionAsyncId = () => 1;
export const triggerAsyncId = () => 0;
export const executionAsyncResource = () => ({});
export const createHook = () => ({
  enable() {
    return this;
  },
  disable() {
    return this;
  },
});

export default { AsyncLocalStorage, AsyncResource, createHook, executionAsyncId, executionAsyncResource, triggerAsyncId };
