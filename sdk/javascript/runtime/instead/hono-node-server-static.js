// Instead of `@hono/node-server/serve-static`: an app has no files, and the host serves those that lie in a static folder.

/** Lets the next one answer. */
export const serveStatic = () => (_context, next) => next();
