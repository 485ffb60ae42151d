// From a `Response` to the host's.

import { Fields, OutgoingBody, OutgoingResponse, ResponseOutparam } from "wasi:http/types@0.2.10";

import { bytes } from "./bytes.js";
import { until } from "./wait.js";

/** Fields that belong to one connection, which is the host's. It takes none of them. */
const CONNECTION = new Set([
  "connection", "http2-settings", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
  "trailer", "transfer-encoding", "upgrade", "host",
]);

/** What the host sends in one piece, and with its length, if it is all there. Longer ones get their length here. */
const WHOLE = 65536;

/** Sends the head, then the body as it comes. */
export async function respond(out, response, isHead) {
  const source = response.body;
  if (isHead) await source?.cancel().catch(() => {});
  const reader = isHead ? undefined : source?.getReader();
  const { begun, length } = await beginning(reader);
  const headers = [];
  for (const [name, value] of response.headers) {
    // A body that is not sent has no length that could be true.
    const isSent = name !== "content-length" || reader;
    if (isSent && !CONNECTION.has(name)) headers.push([name, bytes(value)]);
  }
  if (length > WHOLE && !response.headers.has("content-length")) headers.push(["content-length", bytes(`${length}`)]);
  const outgoing = new OutgoingResponse(Fields.fromList(headers));
  outgoing.setStatusCode(response.status);
  const body = outgoing.body();
  ResponseOutparam.set(out, { tag: "ok", val: outgoing });
  if (reader) await send(body, reader, begun);
  OutgoingBody.finish(body, undefined);
}

/** What is read already, and the length of a body that is all there: one that was made of text or bytes. */
async function beginning(reader) {
  const begun = [];
  const read = async () => {
    const piece = reader.read();
    begun.push(piece);
    return Promise.race([piece, soon()]);
  };
  const first = await (reader && read());
  if (!first || first.done) return { begun, length: 0 };
  return { begun, length: (await read())?.done ? first.value.length : 0 };
}

/** As long as it takes to be told of what is there already. */
async function soon() {
  for (let turn = 0; turn < 4; turn++) await undefined;
}

async function send(body, reader, begun) {
  const stream = body.write();
  try {
    for (;;) {
      const { done, value } = await (begun.shift() ?? reader.read());
      if (done) break;
      if (!ArrayBuffer.isView(value)) {
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
