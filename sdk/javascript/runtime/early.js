// What has to stand before the app is loaded: `process.env`, listeners, and refusals of what cannot be done while it is.

import { isLoading, missed, variables } from "./phase.js";

/** What the app passed to `addEventListener("fetch", …)`. */
export const listeners = [];

const NO_TIME = "time stands still then";
const NO_CHANCE = "what is random then is the same in every instance, and known to everybody who has the file";

refuse(globalThis, "fetch", "there is nobody to ask then");
refuse(globalThis, "setTimeout", NO_TIME);
refuse(globalThis, "setInterval", NO_TIME);
refuse(Object.getPrototypeOf(crypto), "getRandomValues", NO_CHANCE);
refuse(Object.getPrototypeOf(crypto), "randomUUID", NO_CHANCE);
refuse(Object.getPrototypeOf(crypto.subtle), "generateKey", NO_CHANCE);

// Names and colours, which packages draw when they are loaded, may be the same everywhere. The engine's own numbers begin
// in each instance with its first request.
const random = Math.random;
let drawn = 1;
Math.random = function () {
  if (!isLoading()) return random();
  drawn = (drawn * 48271) % 2147483647;
  return drawn / 2147483647;
};

// Asked for the time while it is loaded, the engine gives up without a word.
standStill("now", (now) => now.value, (value) => ({ value }));
standStill("timeOrigin", (origin) => origin.get, (get) => ({ get }));

globalThis.process = {
  env: new Proxy(variables, {
    get(all, name) {
      if (isLoading() && typeof name === "string") missed.add(name);
      return all[name];
    },
    has(all, name) {
      if (isLoading() && typeof name === "string") missed.add(name);
      return name in all;
    },
  }),
};

const listen = globalThis.addEventListener;
globalThis.addEventListener = function addEventListener(type, listener, ...rest) {
  if (type !== "fetch") return listen.call(globalThis, type, listener, ...rest);
  listeners.push(typeof listener === "function" ? listener : (event) => listener.handleEvent(event));
};

function refuse(object, name, why) {
  const original = object[name];
  if (typeof original !== "function") return;
  object[name] = function (...given) {
    if (isLoading()) {
      throw new Error(`\`${name}\` is called while the app is loaded, which is done when it is built: ${why}. Call it when a request is there`);
    }
    return original.apply(this, given);
  };
}

function standStill(name, read, written) {
  for (const clock of [performance, Object.getPrototypeOf(performance)]) {
    const known = Object.getOwnPropertyDescriptor(clock, name);
    if (known === undefined) continue;
    const original = read(known);
    const asked = function () {
      return isLoading() ? 0 : original.call(this);
    };
    Object.defineProperty(clock, name, { ...known, ...written(asked) });
  }
}
