// Which function of the app answers requests.

import { listeners } from "./early.js";
import { served } from "./servers.js";

/** The one function that answers: `(request, environment, context) => Response`, or nothing if the app has none. */
export function handlerOf(module) {
  const given = module.default;
  if (typeof given?.fetch === "function") return (request, environment, context) => given.fetch(request, environment, context);
  if (typeof given === "function") return given;
  if (typeof module.fetch === "function") return module.fetch;
  if (served.length > 0) return served.at(-1);
  if (listeners.length > 0) return byEvent;
  return undefined;
}

/** As service workers do it: listeners get an event, and one of them answers it. */
function byEvent(request, _environment, context) {
  let answer;
  const event = {
    type: "fetch",
    request,
    waitUntil: (promise) => context.waitUntil(promise),
    respondWith(response) {
      if (answer !== undefined) throw new DOMException("this event was answered already", "InvalidStateError");
      answer = Promise.resolve(response);
    },
  };
  for (const listener of listeners) {
    listener(event);
    if (answer !== undefined) return answer;
  }
  throw new Error("no listener called `event.respondWith`, which it has to do before it returns");
}
