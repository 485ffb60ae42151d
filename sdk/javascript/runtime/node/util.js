// `node:util`, with the functions that have come since the package for browsers was written.

import { deepStrictEqual } from "@jspm/core/nodelibs/assert";
import all, { debuglog, format, inspect, promisify } from "@jspm/core/nodelibs/util";

export {
  _extend, callbackify, deprecate, inherits, isArray, isBoolean, isBuffer, isDate, isError, isFunction, isNull, isNullOrUndefined,
  isNumber, isObject, isPrimitive, isRegExp, isString, isSymbol, isUndefined, log, types,
} from "@jspm/core/nodelibs/util";
export { debuglog, format, inspect, promisify };
export const { TextDecoder, TextEncoder } = globalThis;
export const debug = debuglog;
export const formatWithOptions = (_options, ...given) => format(...given);
export const stripVTControlCharacters = (text) => text.replace(/[\u001B\u009B][[\]()#;?]*(?:\d{1,4}(?:;\d{0,4})*)?[\dA-PR-TZcf-nq-uy=><~]/g, "");
export const styleText = (_style, text) => text;
export const toUSVString = (text) => `${text}`.toWellFormed?.() ?? `${text}`;

export function isDeepStrictEqual(one, other) {
  try {
    deepStrictEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

const added = { debug, formatWithOptions, isDeepStrictEqual, stripVTControlCharacters, styleText, toUSVString };

export default Object.assign({}, all, added, { TextDecoder, TextEncoder });
