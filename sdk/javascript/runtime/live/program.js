// Under `guesthouse dev`, a component has no app in it: an instance evaluates the one that lies in its folder when its first
// request is there. The host gives up the instances after an edit.

import { getDirectories } from "wasi:filesystem/preopens@0.2.10";
// The bundler declares them (`started.mjs`).
import { interfaces } from "guesthouse:interfaces";

import { respond } from "../response.js";
import { placesOf } from "./places.js";

const FOLDER = "/0";
const PIECE = 1n << 20n;

let begun;

/** What the component exports: `wasi:http/incoming-handler`. */
export const incomingHandler = {
  async handle(incoming, out) {
    let loaded;
    try {
      loaded = await (begun ??= load());
    } catch (error) {
      // The builder tried it before it was laid there: time or chance are to blame, or somebody who writes there as well.
      const text = `${error.name}: ${error.message}\n${error.stack}`;
      console.error(text);
      await respond(out, new Response(text, { status: 500, headers: { "content-type": "text/plain; charset=utf-8" } }), false);
      incoming[Symbol.dispose]();
      return;
    }
    await loaded.handle(incoming, out);
  },
};

async function load() {
  const guesthouse = { interfaces, placed: placesOf(() => read("live.js.map")) };
  const program = (0, eval)(read("live.js"));
  await program(guesthouse);
  return guesthouse.incomingHandler;
}

/** The text of a file in the folder. */
function read(name) {
  const [folder] = getDirectories().find(([, path]) => path === FOLDER) ?? [];
  if (folder === undefined) throw new Error(`there is no folder ${FOLDER}: \`guesthouse dev\` mounts one, and nothing else can serve this component`);
  const file = folder.openAt({}, name, {}, { read: true });
  const decoder = new TextDecoder();
  let text = "";
  for (let at = 0n; ;) {
    const [piece, isLast] = file.read(PIECE, at);
    // It comes from a realm of its own, in which `Uint8Array` is another class.
    text += decoder.decode(new Uint8Array(piece), { stream: !isLast });
    if (isLast) break;
    at += BigInt(piece.length);
  }
  file[Symbol.dispose]();
  return text;
}
