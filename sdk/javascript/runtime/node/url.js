// `node:url`.

import all, { Url, fileURLToPath, format as formatted, parse, pathToFileURL, resolve, resolveObject } from "@jspm/core/nodelibs/url";

export { Url, fileURLToPath, parse, pathToFileURL, resolve, resolveObject };
export const { URL, URLSearchParams } = globalThis;
export const format = (url, ...given) => (url instanceof URL ? url.href : formatted(url, ...given));
export const domainToASCII = (domain) => new URL(`http://${domain}`).hostname;
export const domainToUnicode = (domain) => domain;

export function urlToHttpOptions(url) {
  const { protocol, hostname, hash, search, pathname, href, port } = url;
  return { protocol, hostname, hash, search, pathname, href, path: `${pathname}${search}`, ...(port ? { port: Number(port) } : {}) };
}

export default Object.assign({}, all, { URL, URLSearchParams, domainToASCII, domainToUnicode, format, urlToHttpOptions });
