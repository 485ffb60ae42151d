// From a `Response` to the host's.

import { Fields, OutgoingBody, OutgoingResponse, ResponseOutparam } from "wasi:http/types@0.2.10";

import { bytes } from "./bytes.js";
import { until } from "./wait.js";

/** Fields that belong to one connection, which is the host's. It takes none of them. */
const CONNECTION = new Set([
  "connection", "http2-settings", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
  "trailer", "transfer-encoding", "upgrade", "host",
]);

/** Sends the head, then the body as it comes. */
export async function respond(out, response, isHead) {
  const fields = [];
  for (const [name, value] of response.headers) {
    if (!CONNECTION.has(name)) fields.push([name, bytes(value)]);
  }
  const outgoing = new OutgoingResponse(Fields.fromList(fields));
  outgoing.setStatusCode(response.status);
  const body = outgoing.body();
  const from = response.body;
  ResponseOutparam.set(out, { tag: "ok", val: outgoing });
  if (isHead) await from?.cancel().catch(() => {});
  else if (from) await send(body, from);
  try {
    OutgoingBody.finish(body, undefined);
  } catch {
    // The length that was told is not the one that was sent. After HEAD that is so by right; else the host has seen it.
  }
}

async function send(body, from) {
  const stream = body.write();
  const reader = from.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!(value instanceof Uint8Array)) {
        throw new TypeError(`a body is a stream of Uint8Array, and this one has a ${typeof value}: pipe text through a TextEncoder`);
      }
      if (!(await push(stream, value))) {
        // The visitor has gone: whoever writes the body is told.
        await reader.cancel(new DOMException("the visitor has gone", "AbortError")).catch(() => {});
        break;
      }
    }
  } catch (error) {
    // Without its end, the body is cut off for the visitor too.
    stream[Symbol.dispose]();
    body[Symbol.dispose]();
    throw error;
  }
  stream[Symbol.dispose]();
}

/** False when nobody is there any more to take it. */
async function push(stream, piece) {
  let at = 0;
  try {
    while (at < piece.length) {
      const room = Number(stream.checkWrite());
      if (room === 0) {
        const ready = stream.subscribe();
        await until(ready);
        ready[Symbol.dispose]();
        continue;
      }
      const part = piece.subarray(at, at + room);
      stream.write(part);
      at += part.length;
    }
  } catch {
    return false;
  }
  try {
    stream.flush();
  } catch {
    // A body that is as long as was told is over before it ends.
  }
  return true;
}
