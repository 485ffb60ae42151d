// What starts a server elsewhere: here the host is the server, and what would listen answers its requests.

/** What was passed to them, the newest last. */
export const served = [];

/** `Bun.serve({ fetch })` */
export function bunServe(options) {
  const routes = options.routes ?? {};
  if (typeof options.fetch !== "function") {
    const names = Object.keys(routes).map((path) => `\`${path}\``).join(", ");
    throw new TypeError(`\`Bun.serve\` is called without \`fetch\`${names && `, and its \`routes\` (${names}) are not known here`}`);
  }
  const server = { development: false, hostname: "localhost", port: options.port ?? 3000, url: new URL("http://localhost/") };
  for (const name of ["publish", "ref", "reload", "stop", "unref"]) server[name] = () => {};
  server.requestIP = () => null;
  server.upgrade = () => false;
  served.push((request) => options.fetch.call(server, request, server));
  return server;
}

/** `Deno.serve(handler)`, `Deno.serve(options, handler)`, `Deno.serve({ handler })` */
export function denoServe(...given) {
  const handler = given.find((one) => typeof one === "function") ?? given[0]?.handler ?? given[0]?.fetch;
  if (typeof handler !== "function") throw new TypeError("`Deno.serve` is called without a handler");
  served.push((request) => handler(request, { remoteAddr: { transport: "tcp", hostname: "", port: 0 } }));
  return { finished: new Promise(() => {}), addr: { transport: "tcp", hostname: "localhost", port: 8000 }, ref() {}, unref() {}, async shutdown() {} };
}

/** `Deno.env` */
export const denoEnv = {
  get: (name) => process.env[name],
  has: (name) => process.env[name] !== undefined,
  toObject: () => ({ ...process.env }),
};
