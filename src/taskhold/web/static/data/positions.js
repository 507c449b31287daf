// Where a task stands among its siblings: texts of 0-9, A-Z, a-z that are compared as bytes.
//
// The server counts `a0`, `a1` … `az`, `b00` …; between two there is room for another, mostly.

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LONGEST = 100;
const FIRST = "a0";

/** @param {string} text @param {number} at -1 behind the end */
const digit = (text, at) =>
  at < text.length ? DIGITS.indexOf(/** @type {string} */ (text[at])) : -1;

/** @param {number} value */
const letter = (value) => /** @type {string} */ (DIGITS[value]);

/** In the order of the rows: `<` compares the same letters in the same way. @param {{position: string, id: number | null, key: string}} a @param {{position: string, id: number | null, key: string}} b */
export function byPosition(a, b) {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  return (
    (a.id ?? Number.MAX_SAFE_INTEGER) - (b.id ?? Number.MAX_SAFE_INTEGER) ||
    (a.key < b.key ? -1 : 1)
  );
}

/** As the server counts on; null where nothing comes behind. @param {string | null} last @returns {string | null} */
export function after(last) {
  if (last === null) return FIRST;
  const kept = last.replace(/z+$/, "");
  if (/^[a-z]/.test(last) && last.length === last.charCodeAt(0) - "a".charCodeAt(0) + 2) {
    if (kept.length > 1) return nextDigit(kept).padEnd(last.length, "0");
    if (last[0] !== "z")
      return String.fromCharCode(last.charCodeAt(0) + 1) + "0".repeat(last.length);
  } else if (kept) {
    return nextDigit(kept);
  }
  return last.length < LONGEST ? `${last}1` : null;
}

/** @param {string} position */
const nextDigit = (position) =>
  position.slice(0, -1) + letter(digit(position, position.length - 1) + 1);

/** One between two, null being the ends; null where there is no room. @param {string | null} low @param {string | null} high @returns {string | null} */
export function between(low, high) {
  if (high === null) return after(low);
  const found = low === null ? below(high) : middle(low, high);
  return found !== null && found.length <= LONGEST ? found : null;
}

/** Close below: who often adds at the top shall not get long ones soon. @param {string} high @returns {string | null} */
function below(high) {
  for (let at = 0; at < high.length; at++) {
    const value = digit(high, at);
    if (value > 1) return high.slice(0, at) + letter(value - 1);
    if (value === 1) return `${high.slice(0, at)}0z`;
  }
  return null;
}

/** @param {string} low @param {string} high @returns {string | null} */
function middle(low, high) {
  if (low >= high) return null;
  let at = 0;
  while (at < low.length && low[at] === high[at]) at++;
  const same = low.slice(0, at);
  if (at === low.length) {
    const rest = below(high.slice(at));
    return rest === null ? null : same + rest;
  }
  const [from, to] = [digit(low, at), digit(high, at)];
  if (to - from > 1) return same + letter((from + to) >> 1);
  let up = at + 1;
  while (digit(low, up) === DIGITS.length - 1) up++;
  return low.slice(0, up) + letter((digit(low, up) + DIGITS.length) >> 1);
}

/** `count` of them, in order, spread evenly. @param {string | null} low @param {string | null} high @param {number} count @returns {string[] | null} */
function spread(low, high, count) {
  if (count === 0) return [];
  if (high === null) {
    /** @type {string[]} */
    const found = [];
    for (let last = low; found.length < count; ) {
      last = after(last);
      if (last === null) return null;
      found.push(last);
    }
    return found;
  }
  const half = count >> 1;
  const here = between(low, high);
  if (here === null) return null;
  const before = spread(low, here, half);
  const behind = spread(here, high, count - half - 1);
  return before && behind && [...before, here, ...behind];
}

/**
 * Positions for `count` tasks before the sibling `at`. Where there is no room, siblings behind get
 * new ones, too.
 *
 * @param {readonly {key: string, position: string}[]} siblings in their order
 * @param {number} at
 * @param {number} count
 * @returns {{positions: string[], shifted: Map<string, string>}}
 */
export function makeRoom(siblings, at, count) {
  const low = siblings[at - 1]?.position ?? null;
  for (let end = at; end <= siblings.length; end++) {
    const high = siblings[end]?.position ?? null;
    if (low !== null && high !== null && high <= low) continue;
    const found = spread(low, high, count + end - at);
    if (!found) continue;
    const shifted = siblings.slice(at, end).map((each, i) => [each.key, found[count + i]]);
    return { positions: found.slice(0, count), shifted: new Map(/** @type {any} */ (shifted)) };
  }
  // Behind the very last there is only that place itself.
  return { positions: new Array(count).fill(low ?? FIRST), shifted: new Map() };
}
