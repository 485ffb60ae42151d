// What the engine does not have, or has otherwise than the standard, and apps rely on.

/** Of a body that is text or bytes, the engine puts the length among the fields, where it goes on to other responses. */
globalThis.Response = new Proxy(Response, {
  construct(made, given, target) {
    const response = Reflect.construct(made, given, target);
    if (typeof given[0] !== "undefined" && given[0] !== null && !names(given[1]?.headers, "content-length")) {
      response.headers.delete("content-length");
    }
    return response;
  },
});

function names(fields, name) {
  if (fields === undefined || fields === null) return false;
  return fields instanceof Headers ? fields.has(name) : new Headers(fields).has(name);
}

Response.prototype.clone ??= function clone() {
  if (this.bodyUsed || this.body?.locked) throw new TypeError("the body is used already");
  const head = { status: this.status, statusText: this.statusText, headers: this.headers };
  if (this.body === null) return new Response(null, head);
  const [one, other] = this.body.tee();
  // The body of this one is read by now: a response of its own stands in for it.
  const mine = new Response(one, head);
  for (const name of ["body", "bodyUsed"]) Object.defineProperty(this, name, { get: () => mine[name], configurable: true });
  for (const name of ["arrayBuffer", "blob", "bytes", "clone", "formData", "json", "text"]) {
    if (mine[name]) Object.defineProperty(this, name, { value: () => mine[name](), configurable: true });
  }
  return new Response(other, head);
};

ReadableStream.prototype[Symbol.asyncIterator] ??= async function* iterate({ preventCancel = false } = {}) {
  const reader = this.getReader();
  let whole = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      whole = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!whole && !preventCancel) await reader.cancel();
    reader.releaseLock();
  }
};
ReadableStream.prototype.values ??= ReadableStream.prototype[Symbol.asyncIterator];

URL.canParse ??= (...given) => URL.parse(...given) !== null;
URL.parse ??= (...given) => {
  try {
    return new URL(...given);
  } catch {
    return null;
  }
};

globalThis.setImmediate ??= (call, ...given) => setTimeout(call, 0, ...given);
globalThis.clearImmediate ??= (id) => clearTimeout(id);

globalThis.navigator ??= { hardwareConcurrency: 1, language: "en", languages: ["en"], onLine: false, platform: "", userAgent: "guesthouse" };

/** Nothing is kept: what asks for it makes it. */
globalThis.caches ??= (() => {
  const none = { match: async () => undefined, put: async () => {}, delete: async () => false, keys: async () => [] };
  return { default: none, open: async () => none, match: none.match, has: async () => false, delete: none.delete };
})();

/** Both ends in one thread; React's server asks for it. */
globalThis.MessageChannel ??= class MessageChannel {
  constructor() {
    this.port1 = new Port();
    this.port2 = new Port();
    this.port1.other = this.port2;
    this.port2.other = this.port1;
  }
};

class Port extends EventTarget {
  onmessage = null;

  postMessage(data) {
    const { other } = this;
    setTimeout(() => {
      const event = Object.assign(new Event("message"), { data });
      other.onmessage?.(event);
      other.dispatchEvent(event);
    }, 0);
  }

  start() {}

  close() {}
}

globalThis.TextEncoderStream ??= class TextEncoderStream extends TransformStream {
  encoding = "utf-8";

  constructor() {
    const encoder = new TextEncoder();
    super({ transform: (text, controller) => text !== "" && controller.enqueue(encoder.encode(text)) });
  }
};

globalThis.TextDecoderStream ??= class TextDecoderStream extends TransformStream {
  constructor(label = "utf-8", options = {}) {
    const decoder = new TextDecoder(label, options);
    const pass = (text, controller) => text !== "" && controller.enqueue(text);
    super({
      transform: (bytes, controller) => pass(decoder.decode(bytes, { stream: true }), controller),
      flush: (controller) => pass(decoder.decode(), controller),
    });
    this.encoding = decoder.encoding;
  }
};
