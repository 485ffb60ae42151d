// Values of header fields: bytes to the host, and a character for each byte to the app, as the Fetch standard has it.

/** The text of `bytes`. */
export function text(bytes) {
  return String.fromCharCode.apply(null, bytes);
}

/** The bytes of `value`, which has no character above 255: `Headers` sees to it. */
export function bytes(value) {
  const made = new Uint8Array(value.length);
  for (let at = 0; at < made.length; at++) made[at] = value.charCodeAt(at);
  return made;
}
