// Instead of `@hono/node-server`: it makes a server of Node.js for a `fetch`, which the host is here.

import { served } from "../servers.js";

/** Answers requests with `fetch`. */
export function serve(options, listening) {
  const { fetch } = options;
  served.push((request, environment, context) => fetch(request, environment, context));
  const address = { address: "", family: "IPv4", port: options.port ?? 3000 };
  listening?.(address);
  const server = { address: () => address, close: (done) => done?.() };
  for (const name of ["addListener", "listen", "off", "on", "once", "removeListener"]) server[name] = () => server;
  return server;
}

export const createAdaptorServer = serve;

export class RequestError extends Error {
  name = "RequestError";
}
