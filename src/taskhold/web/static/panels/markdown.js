// Notes as they are read: a small, safe part of Markdown. There is no HTML in it: what isn't known
// here stays text, and it becomes elements only through `html`, which never reads markup.
//
// Every step is linear in the length of the text (50,000 characters of any kind are read in
// milliseconds), and nesting ends at DEEPEST.

import { html } from "../parts/html.js";

/**
 * @typedef {{kind: "text", text: string} | {kind: "code", text: string} | {kind: "break"}
 *   | {kind: "strong" | "em" | "del", children: Inline[]}
 *   | {kind: "link", href: string, children: Inline[]}} Inline
 * @typedef {{kind: "paragraph", children: Inline[]} | {kind: "heading", level: number, children: Inline[]}
 *   | {kind: "code", text: string} | {kind: "rule"} | {kind: "quote", children: Block[]}
 *   | {kind: "list", start: number | null, items: Item[]}} Block
 * @typedef {{line: number, ticked: boolean | null, children: Block[]}} Item `line`: where it stands
 *   in the text; `ticked`: of its checkbox, null where it has none.
 * @typedef {{text: string, number: number}} Line
 */

const DEEPEST = 8;
const MOST_OPEN = 32;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])( +|$)/;
const TICK = /^\[([ xX])\](?= |$) ?/;
const TICK_IN_LINE = /^((?:[\s>]*(?:[-*+]|\d{1,9}[.)])(?=[ \t]))+[ \t]+\[)([ xX])(?=\](?: |$))/;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const RULE = /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+|$)/;
const QUOTE = /^ {0,3}> ?/;

/**
 * @param {string} text
 * @param {{onTick?: (line: number) => void}} [options] `onTick`: checkboxes can be ticked.
 */
export function renderMarkdown(text, options = {}) {
  return html`<div class="markdown" dir="auto">${parseMarkdown(text).map((block) => showBlock(block, options))}</div>`;
}

/** The text with the checkbox of that line ticked, or not any more. Everything else stays, line ends too.
 * @param {string} text
 * @param {number} line
 */
export function toggleTick(text, line) {
  const parts = text.split(/(\r\n|\r|\n)/);
  parts[line * 2] = (parts[line * 2] ?? "").replace(
    TICK_IN_LINE,
    (_, before, tick) => before + (tick === " " ? "x" : " "),
  );
  return parts.join("");
}

/** @param {string} text @returns {Block[]} */
export function parseMarkdown(text) {
  const lines = text.split(/\r\n|\r|\n/).map((line, number) => ({ text: line, number }));
  return parseBlocks(lines, 0);
}

/** @param {Line[]} lines @param {number} depth @returns {Block[]} */
function parseBlocks(lines, depth) {
  /** @type {Block[]} */
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    const { text } = lines[at];
    const fence = FENCE.exec(text);
    const heading = HEADING.exec(text);
    if (text.trim() === "") {
      at += 1;
    } else if (fence) {
      const end = closingFence(lines, at + 1, fence[1]);
      blocks.push({ kind: "code", text: textOf(lines.slice(at + 1, end)) });
      at = end + 1;
    } else if (heading) {
      const said = text.slice(heading[0].length).trimEnd().replace(/(^| )#+$/, "");
      blocks.push({ kind: "heading", level: heading[1].length, children: parseInline(said) });
      at += 1;
    } else if (RULE.test(text)) {
      blocks.push({ kind: "rule" });
      at += 1;
    } else if (QUOTE.test(text) && depth < DEEPEST) {
      const end = firstThat(lines, at, (line) => !QUOTE.test(line));
      const inner = lines.slice(at, end).map((line) => ({ ...line, text: line.text.replace(QUOTE, "") }));
      blocks.push({ kind: "quote", children: parseBlocks(inner, depth + 1) });
      at = end;
    } else if (ITEM.test(text) && depth < DEEPEST) {
      at = parseList(lines, at, depth, blocks);
    } else {
      const end = firstThat(lines, at + 1, (line) => startsBlock(line, depth));
      blocks.push({ kind: "paragraph", children: parseInline(textOf(lines.slice(at, end)).trim()) });
      at = end;
    }
  }
  return blocks;
}

/** @param {string} line @param {number} depth */
function startsBlock(line, depth) {
  return (
    line.trim() === "" ||
    FENCE.test(line) ||
    HEADING.test(line) ||
    RULE.test(line) ||
    (depth < DEEPEST && (QUOTE.test(line) || ITEM.test(line)))
  );
}

/** Reads a list into `blocks`; where it ends.
 * @param {Line[]} lines @param {number} at @param {number} depth @param {Block[]} blocks
 */
function parseList(lines, at, depth, blocks) {
  const first = /** @type {RegExpExecArray} */ (ITEM.exec(lines[at].text));
  const kind = kindOfMarker(first[2]);
  /** @type {Item[]} */
  const items = [];
  let next = at;
  while (next < lines.length) {
    const found = ITEM.exec(lines[next].text);
    if (!found || kindOfMarker(found[2]) !== kind || found[1].length > first[1].length + 1) break;
    if (RULE.test(lines[next].text)) break;
    const end = endOfItem(lines, next, found[1].length);
    const inner = lines.slice(next, end).map((line) => ({ ...line, text: withoutIndent(line.text, found[0].length) }));
    inner[0].text = lines[next].text.slice(found[0].length);
    const tick = TICK.exec(inner[0].text);
    if (tick) inner[0].text = inner[0].text.slice(tick[0].length);
    const ticked = tick && tick[1] !== " ";
    items.push({ line: lines[next].number, ticked, children: parseBlocks(inner, depth + 1) });
    next = end;
  }
  blocks.push({ kind: "list", start: kind === "." ? Number.parseInt(first[2], 10) : null, items });
  return next;
}

/** @param {string} marker */
function kindOfMarker(marker) {
  return marker.length > 1 ? "." : marker;
}

/** An item goes on as long as lines are indented, or say more of its paragraph.
 * @param {Line[]} lines @param {number} at @param {number} indent
 */
function endOfItem(lines, at, indent) {
  let end = at + 1;
  while (end < lines.length) {
    const { text } = lines[end];
    const isBlank = text.trim() === "";
    const isInside = indentOf(text) >= indent + 2;
    const goesOn = !isInside && !startsBlock(text, 0) && lines[end - 1].text.trim() !== "";
    if (!isBlank && !isInside && !goesOn) break;
    end += 1;
  }
  while (lines[end - 1].text.trim() === "" && end > at + 1) end -= 1;
  const next = firstThat(lines, end, (line) => line.trim() !== "");
  const follows = next < lines.length ? ITEM.exec(lines[next].text) : null;
  return follows && follows[1].length <= indent + 1 ? next : end; // blank lines between items
}

/** @param {string} text */
function indentOf(text) {
  return text.length - text.trimStart().length;
}

/** @param {string} text @param {number} most */
function withoutIndent(text, most) {
  return text.slice(Math.min(indentOf(text), most));
}

/** @param {Line[]} lines @param {number} from @param {(line: string) => boolean} is */
function firstThat(lines, from, is) {
  let at = from;
  while (at < lines.length && !is(lines[at].text)) at += 1;
  return at;
}

/** @param {Line[]} lines @param {number} from @param {string} fence */
function closingFence(lines, from, fence) {
  return firstThat(lines, from, (line) => {
    const end = line.trim();
    return end.length >= fence.length && end === fence[0].repeat(end.length);
  });
}

/** @param {Line[]} lines */
function textOf(lines) {
  return lines.map((line) => line.text).join("\n");
}

// Inside a paragraph: the text is cut into tokens, runs of * _ ~ find their partners by a stack
// (an opener is searched back to the last one that is still open), and pairs become elements.

/** @typedef {{node: Inline} | {run: string, left: number, opens: string[], closes: string[]}} Token */

/** @param {string} text @param {boolean} [links] @returns {Inline[]} */
export function parseInline(text, links = true) {
  return build(paired(tokens(text, links), text));
}

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
    const character = special[0][0];
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
      else plain += text[at];
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
    const found = pattern.exec(text);
    if (!found) continue;
    const whole = pattern === BARE_LINK ? withoutPunctuation(found[0]) : found[0];
    const target = pattern === LINK ? found[2] : pattern === ANGLE_LINK ? found[1] : whole;
    const href = safeAddress(target);
    if (!href) return null;
    const said = pattern === LINK ? found[1] : target.replace(/^mailto:/i, "");
    const children = pattern === LINK ? parseInline(said, false) : [{ kind: /** @type {"text"} */ ("text"), text: said }];
    return { node: { kind: "link", href, children }, length: whole.length };
  }
  return null;
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
    const last = address[end - 1];
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
    const isInside = token.run === "_" ? isWord(before) && isWord(after) : /^\d\d$/.test(before + after);
    const canClose = !/\s/.test(before) && !isInside && (!isMark(before) || isMark(after) || /\s/.test(after));
    const canOpen = !/\s/.test(after) && !isInside && (!isMark(after) || isMark(before) || /\s/.test(before));
    while (canClose && token.left > 0) {
      const partner = open.findLastIndex((each) => each.run === token.run && each.left > 0);
      if (partner < 0) break;
      const opener = open[partner];
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
  /** @type {Inline[][]} */
  const levels = [[]];
  for (const token of all) {
    if ("node" in token) {
      levels[levels.length - 1].push(token.node);
      continue;
    }
    for (const kind of token.closes) {
      const children = levels.pop() ?? [];
      levels[levels.length - 1].push({ kind: /** @type {"em"} */ (kind), children });
    }
    if (token.left > 0) levels[levels.length - 1].push({ kind: "text", text: token.run.repeat(token.left) });
    for (const _ of token.opens) levels.push([]);
  }
  return levels[0];
}

/** @param {Block} block @param {{onTick?: (line: number) => void}} options @returns {any} */
function showBlock(block, options) {
  switch (block.kind) {
    case "paragraph":
      return html`<p dir="auto">${block.children.map(showInline)}</p>`;
    case "heading":
      // Below the panel's own headings.
      return html`<${`h${Math.min(6, block.level + 2)}`} dir="auto">${block.children.map(showInline)}<//>`;
    case "code":
      return html`<pre tabindex="0"><code dir="ltr">${block.text}</code></pre>`;
    case "rule":
      return html`<hr />`;
    case "quote":
      return html`<blockquote>${block.children.map((each) => showBlock(each, options))}</blockquote>`;
    default: {
      const items = block.items.map((item) => showItem(item, options));
      return block.start === null
        ? html`<ul>${items}</ul>`
        : html`<ol start=${block.start}>${items}</ol>`;
    }
  }
}

/** @param {Item} item @param {{onTick?: (line: number) => void}} options */
function showItem(item, options) {
  const [first, ...others] = item.children;
  const isText = first?.kind === "paragraph";
  const said = isText ? first.children.map(showInline) : null;
  const rest = (isText ? others : item.children).map((each) => showBlock(each, options));
  if (item.ticked === null) return html`<li dir="auto">${said}${rest}</li>`;
  const tick = html`<input
    type="checkbox"
    checked=${item.ticked}
    disabled=${!options.onTick}
    aria-label=${said ? undefined : "Tick"}
    onChange=${() => options.onTick?.(item.line)}
  />`;
  return html`<li class="tick" dir="auto"><label>${tick}<span>${said}</span></label>${rest}</li>`;
}

/** @param {Inline} node @returns {any} */
function showInline(node) {
  switch (node.kind) {
    case "text":
      return node.text;
    case "code":
      return html`<code>${node.text}</code>`;
    case "break":
      return html`<br />`;
    case "link":
      return html`<a href=${node.href} target="_blank" rel="noopener noreferrer">${node.children.map(showInline)}</a>`;
    default:
      return html`<${node.kind}>${node.children.map(showInline)}<//>`;
  }
}
