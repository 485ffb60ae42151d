// `node:buffer`.

import all, { Buffer, INSPECT_MAX_BYTES, kMaxLength } from "@jspm/core/nodelibs/buffer";

export { Buffer, INSPECT_MAX_BYTES, kMaxLength };
export const { Blob, File, atob, btoa } = globalThis;
export const kStringMaxLength = 2 ** 29 - 24;
export const constants = { MAX_LENGTH: kMaxLength, MAX_STRING_LENGTH: kStringMaxLength };
export const SlowBuffer = all.SlowBuffer;

export function isUtf8(bytes) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

export const isAscii = (bytes) => Buffer.from(bytes).every((byte) => byte < 128);

export default Object.assign({}, all, { Blob, Buffer, File, atob, btoa, constants, isAscii, isUtf8, kStringMaxLength });
