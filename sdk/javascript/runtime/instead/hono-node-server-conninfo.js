// Instead of `@hono/node-server/conninfo`: whose request it is, as the host says in `x-forwarded-for`.

/** The visitor's address. */
export function getConnInfo(context) {
  const address = context.req.header("x-forwarded-for")?.split(",").at(-1)?.trim();
  return { remote: { address, addressType: address?.includes(":") ? "IPv6" : "IPv4" } };
}
