// One request, from the host to the app and back. Instances answer many, one after the other.

import { tell } from "./console.js";
import { handlerOf } from "./handler.js";
import { serve, variables } from "./phase.js";
import { requestOf } from "./request.js";
import { respond } from "./response.js";
import { stores } from "./stores.js";

/** What the component exports: `wasi:http/incoming-handler`. */
export function incomingHandler(module) {
  const handler = handlerOf(module);
  return {
    async handle(incoming, out) {
      serve();
      stores.clear();
      const left = [];
      const context = {
        waitUntil: (promise) => void left.push(Promise.resolve(promise).catch((error) => tell(error))),
        passThroughOnException() {},
      };
      const request = requestOf(incoming);
      try {
        await respond(out, await answer(handler, request, context), request.method === "HEAD");
      } catch (error) {
        // Its head was sent already: the host cuts it off.
        tell(error);
      }
      await Promise.all(left);
      incoming[Symbol.dispose]();
    },
  };
}

async function answer(handler, request, context) {
  try {
    const response = await handler(request, variables, context);
    if (response instanceof Response) return response;
    throw new TypeError(`the handler's answer is no Response, but ${what(response)}`);
  } catch (error) {
    const text = tell(error);
    // Under `guesthouse dev`, whoever sees it has written it.
    const shown = variables.GUESTHOUSE_LIVE ? text : "Internal Server Error";
    return new Response(`${shown}\n`, { status: 500, headers: { "content-type": "text/plain; charset=utf-8" } });
  }
}

function what(value) {
  return value === null || value === undefined ? `${value}` : `a ${value.constructor?.name ?? typeof value}`;
}
