// `node:crypto`: what Web Crypto has, and digests, which Node.js makes without a promise. Keys, signatures and ciphers are
// Web Crypto's alone, and their names here say so when they are used.

import { Buffer } from "@jspm/core/nodelibs/buffer";
import { hkdf as derived } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { md5, ripemd160, sha1 } from "@noble/hashes/legacy.js";
import { pbkdf2 as stretched } from "@noble/hashes/pbkdf2.js";
import { scrypt as hardened } from "@noble/hashes/scrypt.js";
import { sha224, sha256, sha384, sha512, sha512_224, sha512_256 } from "@noble/hashes/sha2.js";
import { sha3_224, sha3_256, sha3_384, sha3_512 } from "@noble/hashes/sha3.js";

const DIGESTS = {
  md5, ripemd160, rmd160: ripemd160, sha1, sha224, sha256, sha384, sha512, "sha512-224": sha512_224, "sha512-256": sha512_256,
  "sha3-224": sha3_224, "sha3-256": sha3_256, "sha3-384": sha3_384, "sha3-512": sha3_512,
};

/** So many bytes come from one call of Web Crypto. */
const QUOTA = 65536;

function digestOf(name) {
  const plain = `${name}`.toLowerCase().replace(/^rsa-/, "").replace(/^sha-(?=\d)/, "sha");
  const found = Object.hasOwn(DIGESTS, plain) ? DIGESTS[plain] : undefined;
  if (!found) throw new Error(`Digest method not supported: ${name}`);
  return found;
}

function bytes(data, encoding) {
  if (typeof data === "string") return Buffer.from(data, encoding);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data?.secret) return data.secret;
  throw new TypeError(`data must be a string or bytes, not ${data === null ? "null" : typeof data}`);
}

function shown(result, encoding) {
  const buffer = Buffer.from(result);
  return encoding && encoding !== "buffer" ? buffer.toString(encoding) : buffer;
}

class Digest {
  #state;

  constructor(state) {
    this.#state = state;
  }

  update(data, encoding) {
    if (!this.#state) throw new Error("Digest already called");
    this.#state.update(bytes(data, encoding));
    return this;
  }

  digest(encoding) {
    if (!this.#state) throw new Error("Digest already called");
    const result = this.#state.digest();
    this.#state = undefined;
    return shown(result, encoding);
  }

  copy() {
    if (!this.#state) throw new Error("Digest already called");
    return new this.constructor(this.#state.clone());
  }
}

export class Hash extends Digest {}
export class Hmac extends Digest {}

export const createHash = (name) => new Hash(digestOf(name).create());
export const createHmac = (name, key) => new Hmac(hmac.create(digestOf(name), bytes(key)));
export const hash = (name, data, encoding = "hex") => createHash(name).update(data).digest(encoding);
export const getHashes = () => Object.keys(DIGESTS);

export function pbkdf2Sync(password, salt, rounds, length, digest) {
  return Buffer.from(stretched(digestOf(digest), bytes(password), bytes(salt), { c: rounds, dkLen: length }));
}

export function scryptSync(password, salt, length, options = {}) {
  const N = options.N ?? options.cost ?? 16384;
  const r = options.r ?? options.blockSize ?? 8;
  const p = options.p ?? options.parallelization ?? 1;
  const maxmem = options.maxmem ?? 32 * 1024 * 1024;
  if (128 * N * r > maxmem) throw new RangeError("Invalid scrypt params: memory limit exceeded");
  return Buffer.from(hardened(bytes(password), bytes(salt), { N, r, p, dkLen: length, maxmem: 2 * maxmem }));
}

export function hkdfSync(digest, key, salt, info, length) {
  return new Uint8Array(derived(digestOf(digest), bytes(key), bytes(salt), bytes(info), length)).buffer;
}

export const pbkdf2 = (...given) => later(pbkdf2Sync, given);
export const scrypt = (...given) => later(scryptSync, given);
export const hkdf = (...given) => later(hkdfSync, given);

/** As Node.js calls back: not before the caller is done. */
function later(make, given) {
  const done = given.pop();
  if (typeof done !== "function") throw new TypeError("The \"callback\" argument must be of type function");
  // What it is asked wrongly is said at once, as there.
  const work = () => {
    let made;
    try {
      made = make(...given);
    } catch (error) {
      return done(error);
    }
    done(null, made);
  };
  queueMicrotask(work);
}

export function randomFillSync(into, offset = 0, size) {
  const all = bytes(into);
  const end = size === undefined ? all.length : offset + size;
  for (let at = offset; at < end; at += QUOTA) crypto.getRandomValues(all.subarray(at, Math.min(at + QUOTA, end)));
  return into;
}

export function randomFill(into, ...given) {
  const done = given.pop();
  queueMicrotask(() => done(null, randomFillSync(into, ...given)));
}

export function randomBytes(length, done) {
  const made = randomFillSync(Buffer.alloc(length));
  if (!done) return made;
  queueMicrotask(() => done(null, made));
}

export function randomInt(least, most, done) {
  if (most === undefined || typeof most === "function") [least, most, done] = [0, least, most];
  const range = most - least;
  if (!(Number.isSafeInteger(range) && range > 0 && range <= 2 ** 48)) throw new RangeError(`"max" must be above "min" by at most 2^48, not by ${range}`);
  // What would make some numbers likelier than others is drawn again.
  const limit = 2 ** 48 - (2 ** 48 % range);
  let drawn;
  do drawn = randomBytes(6).readUIntBE(0, 6);
  while (drawn >= limit);
  const number = least + (drawn % range);
  if (!done) return number;
  queueMicrotask(() => done(null, number));
}

export function timingSafeEqual(one, other) {
  const [left, right] = [bytes(one), bytes(other)];
  if (left.length !== right.length) throw new RangeError("Input buffers must have the same byte length");
  let differs = 0;
  for (let at = 0; at < left.length; at++) differs |= left[at] ^ right[at];
  return differs === 0;
}

export const randomUUID = () => crypto.randomUUID();
export const getRandomValues = (into) => crypto.getRandomValues(into);
export const webcrypto = globalThis.crypto;
export const subtle = globalThis.crypto.subtle;
export const createSecretKey = (key, encoding) => ({ type: "secret", secret: bytes(key, encoding) });
export const constants = {};

const absent = (name) =>
  function () {
    throw new Error(`\`crypto.${name}\` is not there: \`crypto.subtle\` signs, verifies and imports keys`);
  };

export const createCipheriv = absent("createCipheriv");
export const createDecipheriv = absent("createDecipheriv");
export const createSign = absent("createSign");
export const createVerify = absent("createVerify");
export const createPrivateKey = absent("createPrivateKey");
export const createPublicKey = absent("createPublicKey");
export const createDiffieHellman = absent("createDiffieHellman");
export const createECDH = absent("createECDH");
export const diffieHellman = absent("diffieHellman");
export const generateKey = absent("generateKey");
export const generateKeySync = absent("generateKeySync");
export const generateKeyPair = absent("generateKeyPair");
export const generateKeyPairSync = absent("generateKeyPairSync");
export const privateDecrypt = absent("privateDecrypt");
export const privateEncrypt = absent("privateEncrypt");
export const publicDecrypt = absent("publicDecrypt");
export const publicEncrypt = absent("publicEncrypt");
export const sign = absent("sign");
export const verify = absent("verify");
export const KeyObject = absent("KeyObject");
export const X509Certificate = absent("X509Certificate");
export const getCiphers = () => [];
export const getCurves = () => [];

export default {
  Hash, Hmac, KeyObject, X509Certificate, constants, createCipheriv, createDecipheriv, createDiffieHellman, createECDH,
  createHash, createHmac, createPrivateKey, createPublicKey, createSecretKey, createSign, createVerify, diffieHellman,
  generateKey, generateKeyPair, generateKeyPairSync, generateKeySync, getCiphers, getCurves, getHashes, getRandomValues, hash,
  hkdf, hkdfSync, pbkdf2, pbkdf2Sync, privateDecrypt, privateEncrypt, publicDecrypt, publicEncrypt, randomBytes, randomFill,
  randomFillSync, randomInt, randomUUID, scrypt, scryptSync, sign, subtle, timingSafeEqual, verify, webcrypto,
};
