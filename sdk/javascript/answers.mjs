// What these programs tell `guesthouse` on stdout, a JSON object a line: {"phase", "ms", …} when one is over, then {"done"} or
// {"refused"}.

import { Refused } from "./refused.mjs";

function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

/** Does the `work` called `name`, and says so. */
export async function phase(name, work) {
  const begun = performance.now();
  const { about, ...result } = await work();
  say({ phase: name, about, ms: Math.round(performance.now() - begun) });
  return result;
}

/** Says what comes of `work`. */
export async function answer(work) {
  try {
    say({ done: await work() });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say({ refused: error.message, more: error.more, packages: error.packages });
  }
}

/** What is bundled, in short. */
export function about(entry, { files, code }) {
  const others = files.length - 1;
  return `${entry}${others === 0 ? "" : ` and ${others} more file${others === 1 ? "" : "s"}`}, ${code.length >> 10} KiB`;
}
