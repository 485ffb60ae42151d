// What the builder wants to know of an app when it is loaded. It reads this line on stdout.

import { handlerOf } from "./handler.js";
import { missed } from "./phase.js";

/** How the line begins. */
const MARK = "guesthouse-report: ";

/** Says it. */
export function report(module) {
  const found = { answers: handlerOf(module) !== undefined, exports: Object.keys(module), missed: [...missed] };
  console.log(MARK + JSON.stringify(found));
}
