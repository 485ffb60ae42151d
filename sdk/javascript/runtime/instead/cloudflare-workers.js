// Instead of `cloudflare:workers`: variables are the manifest's, and there are no bindings to what Cloudflare has.

/** The environment. */
export const { env } = process;

/** Goes on after the response, as the engine does by itself. */
export const waitUntil = (promise) => void Promise.resolve(promise).catch((error) => console.error(error));

class Made {
  constructor(ctx, given) {
    this.ctx = ctx;
    this.env = given;
  }
}

export class DurableObject extends Made {}
export class RpcTarget {}
export class WorkerEntrypoint extends Made {}
export class WorkflowEntrypoint extends Made {}
