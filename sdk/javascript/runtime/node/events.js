// `node:events`, with the functions that have come since the package for browsers was written.

import EventEmitter, { defaultMaxListeners, on, once } from "@jspm/core/nodelibs/events";

export { EventEmitter, defaultMaxListeners, on, once };
export const errorMonitor = Symbol.for("events.errorMonitor");
export const captureRejectionSymbol = Symbol.for("nodejs.rejection");
export const captureRejections = false;
export const listenerCount = (emitter, name) => emitter.listenerCount(name);
export const getEventListeners = (emitter, name) => emitter.listeners?.(name) ?? [];
export const getMaxListeners = (emitter) => emitter.getMaxListeners?.() ?? defaultMaxListeners;

export function setMaxListeners(count, ...emitters) {
  for (const emitter of emitters) emitter.setMaxListeners?.(count);
}

export function addAbortListener(signal, listener) {
  signal.addEventListener("abort", listener, { once: true });
  if (signal.aborted) listener(new Event("abort"));
  return { [Symbol.dispose ?? Symbol("dispose")]: () => signal.removeEventListener("abort", listener) };
}

export class EventEmitterAsyncResource extends EventEmitter {}

export default Object.assign(EventEmitter, {
  EventEmitter, EventEmitterAsyncResource, addAbortListener, captureRejectionSymbol, captureRejections, errorMonitor,
  getEventListeners, getMaxListeners, setMaxListeners,
});
