// Whether the app is being loaded, while it is built, or serves.

import { getEnvironment } from "wasi:cli/environment@0.2.10";

/** The environment: empty until the app serves. */
export const variables = Object.create(null);

/** What was asked for while the app was loaded: names of variables, which nobody could tell then. */
export const missed = new Set();

let serving = false;

/** True as long as the app is loaded: whatever it does now stands in the file that everybody gets. */
export function isLoading() {
  return !serving;
}

/** The first request is there. */
export function serve() {
  if (serving) return;
  serving = true;
  for (const [name, value] of getEnvironment()) variables[name] = value;
}
