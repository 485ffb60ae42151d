// Waiting for the host, while timers and promises of the app go on.

import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.10";
import { poll } from "wasi:io/poll@0.2.10";

// Nothing but the engine itself can wait for several things at once; what it knows nothing of is asked for so often.
const LOOK = 5_000_000n;

const schedule = setTimeout;

/** Until `pollable` is ready. */
export async function until(pollable) {
  while (!pollable.ready()) {
    await new Promise((turn) => schedule(turn, 0));
    if (pollable.ready()) return;
    const pause = subscribeDuration(LOOK);
    poll([pollable, pause]);
    pause[Symbol.dispose]();
  }
}
