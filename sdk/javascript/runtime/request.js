// From the host's request to a `Request`.

import { IncomingBody } from "wasi:http/types@0.2.10";

import { text } from "./bytes.js";
import { until } from "./wait.js";

const PIECE = 65536n;

/** What the host was asked, as the app sees it. */
export function requestOf(incoming) {
  const headers = new Headers();
  const fields = incoming.headers();
  for (const [name, value] of fields.entries()) headers.append(name, text(value));
  fields[Symbol.dispose]();

  const given = incoming.method();
  const method = given.tag === "other" ? given.val : given.tag.toUpperCase();
  const init = { method, headers };
  if (method !== "GET" && method !== "HEAD" && headers.get("content-length") !== "0") {
    init.body = bodyOf(incoming);
    init.duplex = "half";
  }
  return new Request(`${scheme(incoming)}://${incoming.authority() ?? "localhost"}${incoming.pathWithQuery() ?? "/"}`, init);
}

function scheme(incoming) {
  return incoming.scheme()?.tag === "HTTPS" ? "https" : "http";
}

/** Nothing is read before the app asks for it, and never more than it takes. */
function bodyOf(incoming) {
  let body, stream, ready;
  const end = () => {
    ready?.[Symbol.dispose]();
    stream?.[Symbol.dispose]();
    ready = stream = undefined;
  };
  const source = {
    async pull(controller) {
      if (!body) {
        body = incoming.consume();
        stream = body.stream();
      }
      try {
        for (;;) {
          const piece = stream.read(PIECE);
          // It comes from a realm of its own, in which `Uint8Array` is another class than the app's.
          if (piece.length > 0) return controller.enqueue(new Uint8Array(piece));
          ready ??= stream.subscribe();
          await until(ready);
        }
      } catch (error) {
        end();
        if (error?.payload?.tag !== "closed") return controller.error(new TypeError("the body of the request broke off"));
        IncomingBody.finish(body)[Symbol.dispose]();
        controller.close();
      }
    },
    cancel() {
      end();
      body?.[Symbol.dispose]();
    },
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}
