// WebAssembly binaries as lists of sections: read, changed, written again.

/** The sections of a module or a component: `{ id, body }`. */
export function sections(binary) {
  const found = [];
  for (let at = 8; at < binary.length;) {
    const id = binary[at];
    const [length, begin] = number(binary, at + 1);
    at = begin + length;
    found.push({ id, body: binary.subarray(begin, at) });
  }
  return found;
}

/** The binary `like`, with other sections. */
export function assembled(like, list) {
  const parts = [like.subarray(0, 8)];
  for (const { id, body } of list) parts.push(Buffer.from([id, ...unsigned(body.length)]), body);
  return Buffer.concat(parts);
}

/** The core module in `component` that holds the most: the engine. */
export function largest(component) {
  const modules = sections(component).filter((section) => section.id === MODULE);
  return modules.reduce((one, other) => (other.body.length > one.body.length ? other : one));
}

/** `module` with `change`d exports: a list of `{ name, bytes }`. */
export function withExports(module, change) {
  const changed = ({ id, body }) => {
    if (id !== EXPORT) return { id, body };
    const list = change(exported(body));
    return { id, body: Buffer.concat([Buffer.from(unsigned(list.length)), ...list.map((one) => one.bytes)]) };
  };
  return assembled(module, sections(module).map(changed));
}

/** The export of the global with this `index`. */
export function exportOfGlobal(name, index) {
  const bytes = Buffer.from(name);
  return { name, bytes: Buffer.from([...unsigned(bytes.length), ...bytes, 3, ...unsigned(index)]) };
}

function exported(body) {
  const found = [];
  let [left, at] = number(body, 0);
  for (; left > 0; left--) {
    const begin = at;
    const [length, from] = number(body, at);
    const name = body.toString("utf8", from, from + length);
    // A byte for its kind, then its index.
    [, at] = number(body, from + length + 1);
    found.push({ name, bytes: body.subarray(begin, at) });
  }
  return found;
}

/** The number at `at`, and where it ends. */
export function number(binary, at) {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = binary[at++];
    value += (byte & 127) * factor;
    if (byte < 128) return [value, at];
  }
}

/** A number as it stands in a binary. */
export function unsigned(value) {
  const bytes = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push(rest > 0 ? (value % 128) | 128 : value % 128);
    value = rest;
  } while (value > 0);
  return bytes;
}

/** The same for one that may be negative, up to 32 bits. */
export function signed(value) {
  const bytes = [];
  for (;;) {
    const byte = value & 127;
    value >>= 7;
    if ((value === 0 && byte < 64) || (value === -1 && byte >= 64)) return [...bytes, byte];
    bytes.push(byte | 128);
  }
}

export const MODULE = 1;
export const MEMORY = 5;
export const GLOBAL = 6;
export const EXPORT = 7;
export const DATA = 11;
export const DATA_COUNT = 12;
