// Inside a paragraph of the notes: the text is cut into tokens, runs of * _ ~ find their partners by a stack
// (an opener is searched back to the last one that is still open), and pairs become elements.

/**
 * @typedef {{kind: "text", text: string} | {kind: "code", text: string} | {kind: "break"}
 *   | {kind: "strong" | "em" | "del", children: Inline[]}
 *   | {kind: "link", href: string, children: Inline[]}} Inline
 */
/** @typedef {"strong" | "em" | "del"} Pair */
/** @typedef {{node: Inline} | {run: string, left: number, opens: Pair[], closes: Pair[]}} Token */

/** @param {string} text @param {boolean} [links] @returns {Inline[]} */
export function parseInline(text, links = true) {
  return build(paired(tokens(text, links), text));
}

const MOST_OPEN = 32;
const SPECIAL = /[\\`*_~[<\n]|https?:\/\//g;
const LINK =
  /\[((?:[^[\]\\\n]|\\.)*)\]\( *([^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*) *(?:"[^"\n]*" *)?\)/y;
const BARE_LINK = /https?:\/\/[^\s<>"`]{1,2000}/y;
const ANGLE_LINK = /<((?:https?:\/\/|mailto:)[^\s<>]+)>/y;
const MEANT_AS_IS = /[!-/:-@[-`{-~]/;

/** @param {string} text @param {boolean} links @returns {(Token & {at: number})[]} */
function tokens(text, links) {
  /** @type {(Token & {at: number})[]} */
  const found = [];
  const runs = lastRuns(text);
  let plain = "";
  let at = 0;
  /** @param {Inline} node */
  const add = (node) => {
    flush();
    found.push({ node, at });
  };
  const flush = () => {
    if (plain) found.push({ node: { kind: "text", text: plain }, at });
    plain = "";
  };
  while (at < text.length) {
    SPECIAL.lastIndex = at;
    const special = SPECIAL.exec(text);
    plain += text.slice(at, special ? special.index : undefined);
    if (!special) break;
    at = special.index;
    const character = text.charAt(at);
    if (character === "\\") {
      const escaped = text[at + 1] ?? "";
      const isMeant = MEANT_AS_IS.test(escaped);
      plain += isMeant ? escaped : "\\";
      at += isMeant ? 2 : 1;
    } else if (character === "\n") {
      add({ kind: "break" });
      at += 1;
    } else if (character === "`") {
      const length = runLength(text, at);
      const end = (runs.get(length) ?? -1) > at ? nextRun(text, at + length, length) : -1;
      if (end > 0) {
        const code = text.slice(at + length, end).replaceAll("\n", " ");
        add({ kind: "code", text: /^ .*\S.* $/.test(code) ? code.slice(1, -1) : code });
        at = end + length;
      } else {
        plain += text.slice(at, at + length);
        at += length;
      }
    } else if ("*_~".includes(character)) {
      const length = runLength(text, at);
      if (character === "~" ? length !== 2 : length > 3) plain += text.slice(at, at + length);
      else {
        flush();
        found.push({ run: character, left: length, opens: [], closes: [], at });
      }
      at += length;
    } else {
      const link = links ? linkAt(text, at) : null;
      if (link) add(link.node);
      else plain += character;
      at += link ? link.length : 1;
    }
  }
  flush();
  return found;
}

/** @param {string} text @param {number} at @returns {{node: Inline, length: number} | null} */
function linkAt(text, at) {
  for (const pattern of [LINK, BARE_LINK, ANGLE_LINK]) {
    pattern.lastIndex = at;
    const [all = "", first = "", second = ""] = pattern.exec(text) ?? [];
    if (!all) continue;
    const whole = pattern === BARE_LINK ? withoutPunctuation(all) : all;
    const target = pattern === LINK ? second : pattern === ANGLE_LINK ? first : whole;
    const href = safeAddress(target);
    if (!href) return null;
    const children = pattern === LINK ? parseInline(first, false) : plainText(target);
    return { node: { kind: "link", href, children }, length: whole.length };
  }
  return null;
}

/** @param {string} address @returns {Inline[]} */
function plainText(address) {
  return [{ kind: "text", text: address.replace(/^mailto:/i, "") }];
}

/** The address where it is one to follow; scripts, data and files are not.
 * @param {string} address
 */
export function safeAddress(address) {
  if (!/^(?:https?:\/\/|mailto:)/i.test(address)) return null;
  try {
    const { protocol, href } = new URL(address);
    return ["http:", "https:", "mailto:"].includes(protocol) ? href : null;
  } catch {
    return null;
  }
}

/** What follows an address in a sentence doesn't belong to it.
 * @param {string} address
 */
function withoutPunctuation(address) {
  const opened = address.split("(").length;
  let closed = address.split(")").length;
  let end = address.length;
  while (end > 0) {
    const last = address.charAt(end - 1);
    if (last === ")" && closed > opened) closed -= 1;
    else if (!".,;:!?'*_~]".includes(last)) break;
    end -= 1;
  }
  return address.slice(0, end);
}

/** @param {string} text @param {number} at */
function runLength(text, at) {
  let end = at;
  while (text[end] === text[at]) end += 1;
  return end - at;
}

/** Where the last run of so many backticks begins, so that none is searched in vain.
 * @param {string} text
 */
function lastRuns(text) {
  /** @type {Map<number, number>} */
  const last = new Map();
  for (const run of text.matchAll(/`+/g)) last.set(run[0].length, run.index);
  return last;
}

/** @param {string} text @param {number} from @param {number} length */
function nextRun(text, from, length) {
  let at = text.indexOf("`", from);
  while (at >= 0) {
    const found = runLength(text, at);
    if (found === length) return at;
    at = text.indexOf("`", at + found);
  }
  return -1;
}

/** @param {(Token & {at: number})[]} all @param {string} text */
function paired(all, text) {
  /** @type {Extract<Token, {run: string}>[]} */
  const open = [];
  for (const token of all) {
    if (!("run" in token)) continue;
    const before = text[token.at - 1] ?? " ";
    const after = text[token.at + token.left] ?? " ";
    const isInside =
      token.run === "_" ? isWord(before) && isWord(after) : /^\d\d$/.test(before + after);
    const canClose =
      !/\s/.test(before) && !isInside && (!isMark(before) || isMark(after) || /\s/.test(after));
    const canOpen =
      !/\s/.test(after) && !isInside && (!isMark(after) || isMark(before) || /\s/.test(before));
    while (canClose && token.left > 0) {
      const partner = open.findLastIndex((each) => each.run === token.run && each.left > 0);
      const opener = open[partner];
      if (!opener) break;
      const size = Math.min(2, opener.left, token.left);
      const kind = token.run === "~" ? "del" : size === 2 ? "strong" : "em";
      opener.left -= size;
      token.left -= size;
      opener.opens.unshift(kind);
      token.closes.push(kind);
      open.length = opener.left > 0 ? partner + 1 : partner;
    }
    if (canOpen && token.left > 0) open.push(token);
    if (open.length > MOST_OPEN) open.shift();
  }
  return all;
}

/** @param {string} character */
function isWord(character) {
  return /[\p{L}\p{N}]/u.test(character);
}

/** @param {string} character */
function isMark(character) {
  return /[\p{P}\p{S}]/u.test(character);
}

/** @param {Token[]} all @returns {Inline[]} */
function build(all) {
  /** @type {Inline[]} */
  let level = [];
  /** @type {Inline[][]} */
  const around = [];
  for (const token of all) {
    if ("node" in token) {
      level.push(token.node);
      continue;
    }
    for (const kind of token.closes) {
      const children = level;
      level = around.pop() ?? [];
      level.push({ kind, children });
    }
    if (token.left > 0) level.push({ kind: "text", text: token.run.repeat(token.left) });
    for (const _ of token.opens) {
      around.push(level);
      level = [];
    }
  }
  return level;
}
