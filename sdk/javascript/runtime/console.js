// What the app prints: errors with their text and where they come from, which the engine's own console leaves out.

let placed = (line) => line;

/** Traces name what `known` makes of their lines: places in the source, where somebody knows them. */
export function placeBy(known) {
  placed = known;
}

for (const name of ["debug", "error", "info", "log", "warn"]) {
  const print = console[name];
  if (typeof print === "function") console[name] = (...given) => print.apply(console, given.map(shown));
}

/** Prints an error that nobody caught, and returns what is printed. */
export function tell(error) {
  const text = isError(error) ? shown(error) : `error: ${String(error)}`;
  console.error(text);
  return text;
}

function shown(value) {
  return isError(value) ? `${value.name}: ${value.message}${trace(value)}` : value;
}

// Those of the host's interfaces come from another realm, in which `Error` is another class.
function isError(value) {
  return value instanceof Error || (typeof value?.message === "string" && typeof value?.stack === "string");
}

function trace({ stack }) {
  const lines = (stack ?? "").split("\n").filter((line) => line !== "" && !line.includes("initializer.js"));
  return lines.map((line) => `\n    at ${placed(line)}`).join("");
}
