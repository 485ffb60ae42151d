// Where in the source a place in the script is: from `live.js:72:8` to `src/index.js:3:9`, by a source map.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = Object.fromEntries([...DIGITS].map((digit, value) => [digit, value]));
const PLACE = /live\.js:(\d+):(\d+)/g;

/** A function that puts the places in a line of a trace right. The map is what `read` gives, asked for when it is needed. */
export function placesOf(read) {
  let lines, sources;
  return (line) =>
    line.replace(PLACE, (place, row, column) => {
      if (lines === undefined) {
        const map = JSON.parse(read());
        sources = map.sources;
        lines = decoded(map.mappings);
      }
      const segments = lines[row - 1] ?? [];
      const found = segments.findLast((segment) => segment[0] < column) ?? segments[0];
      return found ? `${sources[found[1]]}:${found[2] + 1}:${found[3] + 1}` : place;
    });
}

/** For each line its segments: `[column, source, line, column there]`, each from 0. */
function decoded(mappings) {
  let [source, row, column] = [0, 0, 0];
  return mappings.split(";").map((line) => {
    let at = 0;
    const segments = [];
    for (const text of line.split(",")) {
      const [moved, ...place] = numbers(text);
      if (moved === undefined) continue;
      at += moved;
      if (place.length === 0) continue;
      [source, row, column] = [source + place[0], row + place[1], column + place[2]];
      segments.push([at, source, row, column]);
    }
    return segments;
  });
}

/** What stands there in groups of five bits, the least first; the last bit of a number is its sign. */
function numbers(text) {
  const found = [];
  let [value, shift] = [0, 0];
  for (const digit of text) {
    const bits = VALUES[digit];
    value += (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    found.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return found;
}
