// What came of loading an app: what its author should know, or has to change.

import { Refused } from "./refused.mjs";

/** How `runtime/report.js` begins its line. */
const MARK = "guesthouse-report: ";

/** What its author should know; or refused. `placed` tells where in the source a place in the code is. */
export function reported({ said, failed }, entry, placed) {
  const lines = said.split("\n").filter((line) => line !== "");
  const report = lines.find((line) => line.startsWith(MARK));
  const printed = lines.filter((line) => line !== report);
  if (failed !== undefined || report === undefined) {
    throw new Refused(`${entry} fails while it is loaded`, [...printed, explained(failed ?? "", placed)].join("\n"));
  }
  const { answers, exports, missed } = JSON.parse(report.slice(MARK.length));
  if (!answers) {
    const has = exports.length > 0 ? `exports ${exports.map((name) => `\`${name}\``).join(", ")}, but no handler` : "exports nothing";
    throw new Refused(
      `${entry} ${has}: \`export default app\` (Hono and others), \`export default { fetch(request) { … } }\`, ` +
        "a default function, or `addEventListener(\"fetch\", …)`",
    );
  }
  const notes = [];
  if (missed.length > 0) {
    const names = missed.map((name) => `\`${name}\``).join(", ");
    notes.push(`it reads ${names} from \`process.env\` while it is loaded, when nobody has set it: read it when a request is there`);
  }
  if (printed.length > 0) notes.push(`while it was loaded, it printed: ${printed.slice(0, 5).join(" | ")}`);
  return notes;
}

/**
 * What the engine says of an exception: its text, and where in the app it came from.
 *
 *     Exception while evaluating top-level script
 *     bundle.js:72:8 TypeError: no such thing
 *     Additionally, some promises were rejected, but the rejection never handled:
 *     Promise rejected but never handled: no such thing
 *       deep@bundle.js:72:8
 */
function explained(text, placed) {
  if (text.includes("before initialization") && text.includes("initializer.js")) {
    return "it never comes to its end: an `await` outside of all functions waits for what does not come before a request";
  }
  const lines = text.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "");
  const first = lines.find((line) => !line.startsWith("Exception while")) ?? "the engine said nothing about it";
  const trace = lines.filter((line) => /^\s.*@/.test(line)).map((line) => line.trim().split("@"));
  const found = trace.map(([name, place]) => ({ name, place: placed(place) })).filter(({ place }) => place !== undefined);
  const from = found.map(({ name, place }) => `    at ${name ? `${name} (${place})` : place}`);
  return [first.replace(/^bundle\.js:\d+:\d+ /, ""), ...new Set(from)].join("\n");
}
