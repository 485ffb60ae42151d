// What the pages do: digests, streams in both directions.

/** The SHA-256 of a text, in hexadecimal digits. */
export async function digest(text) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Response.json({ text, sha256: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("") });
}

/** The body of the request in capital letters, piece by piece. */
export function shout(request) {
  const louder = new TransformStream({
    transform(piece, controller) {
      controller.enqueue(piece.map((byte) => (byte >= 97 && byte <= 122 ? byte - 32 : byte)));
    },
  });
  return new Response(request.body?.pipeThrough(louder), { headers: { "content-type": "text/plain; charset=utf-8" } });
}

/** `count` events, one each `pause` milliseconds. */
export function ticks(count, pause) {
  const encoder = new TextEncoder();
  let number = 0;
  const body = new ReadableStream({
    async pull(controller) {
      if (number > 0) await new Promise((done) => setTimeout(done, pause));
      if (number === count) return controller.close();
      controller.enqueue(encoder.encode(`data: ${++number}\n\n`));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
