// `fetch` follows redirects as the Fetch standard has it (section 4.4); the engine's own gives them as answers. Each hop is a
// request of its own, which the host is asked for anew.

const HOPS_MAX = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const OF_THE_BODY = ["content-encoding", "content-language", "content-location", "content-type", "content-length"];
const OF_THE_ORIGIN = ["authorization", "cookie", "host", "proxy-authorization"];

const send = globalThis.fetch;

globalThis.fetch = async function fetch(input, init = undefined) {
  const mode = init?.redirect ?? input?.redirect ?? "follow";
  let answer = await send.call(globalThis, input, init);
  if (mode === "manual" || next(answer) === null) return answer;
  let url = new URL(input instanceof Request ? input.url : String(input));
  let method = (init?.method ?? input?.method ?? "GET").toUpperCase();
  let body = init?.body;
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
  for (let hops = 1; next(answer) !== null; hops += 1) {
    if (mode === "error") throw new TypeError(`${url} leads elsewhere, and \`redirect\` is "error"`);
    if (hops > HOPS_MAX) throw new TypeError(`more than ${HOPS_MAX} redirects: the last one is from ${url}`);
    const to = target(next(answer), url);
    if (answer.status === 303 ? method !== "GET" && method !== "HEAD" : answer.status < 303 && method === "POST") {
      [method, body] = ["GET", undefined];
      OF_THE_BODY.forEach((name) => headers.delete(name));
    } else if (method !== "GET" && method !== "HEAD" && isSentOnce(input, init, body)) {
      throw new TypeError(`${url} leads elsewhere, and the body was sent: a stream, or that of a \`Request\`, is there once`);
    }
    if (to.origin !== url.origin) OF_THE_ORIGIN.forEach((name) => headers.delete(name));
    url = to;
    await answer.body?.cancel();
    answer = await send.call(globalThis, url.href, { method, headers, body, signal: init?.signal ?? undefined });
  }
  for (const [name, value] of [["redirected", true], ["url", url.href]]) Object.defineProperty(answer, name, { value });
  return answer;
};

/** Where an answer leads, if it does. */
function next(answer) {
  return REDIRECTS.has(answer.status) ? answer.headers.get("location") : null;
}

function target(location, from) {
  let to;
  try {
    to = new URL(location, from);
  } catch {
    throw new TypeError(`${from} leads to \`${location}\`, which is no URL`);
  }
  if (to.protocol !== "http:" && to.protocol !== "https:") throw new TypeError(`${from} leads to ${to}, which is not HTTP`);
  if (to.hash === "") to.hash = from.hash;
  return to;
}

function isSentOnce(input, init, body) {
  const isOfRequest = input instanceof Request && input.body !== null && (init?.body ?? null) === null;
  return isOfRequest || body instanceof ReadableStream;
}
