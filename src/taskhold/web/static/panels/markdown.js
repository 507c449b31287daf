// Notes as they are read: a small, safe part of Markdown. There is no HTML in it: what isn't known
// here stays text, and it becomes elements only through `html`, which never reads markup.
//
// Every step is linear in the length of the text (50,000 characters of any kind are read in
// milliseconds), and nesting ends at DEEPEST.

import { html } from "../parts/html.js";
import { parseInline } from "./markdown_inline.js";

/**
 * @typedef {import("./markdown_inline.js").Inline} Inline
 * @typedef {{kind: "paragraph", children: Inline[]} | {kind: "heading", level: number, children: Inline[]}
 *   | {kind: "code", text: string} | {kind: "rule"} | {kind: "quote", children: Block[]}
 *   | {kind: "list", start: number | null, items: Item[]}} Block
 * @typedef {{line: number, ticked: boolean | null, children: Block[]}} Item `line`: where it stands
 *   in the text; `ticked`: of its checkbox, null where it has none.
 * @typedef {{text: string, number: number}} Line
 */

const DEEPEST = 8;
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
    const text = textAt(lines, at);
    const fence = FENCE.exec(text);
    const heading = HEADING.exec(text);
    if (text.trim() === "") {
      at += 1;
    } else if (fence) {
      const end = closingFence(lines, at + 1, fence[0].trim());
      blocks.push({ kind: "code", text: textOf(lines.slice(at + 1, end)) });
      at = end + 1;
    } else if (heading) {
      const said = text
        .slice(heading[0].length)
        .trimEnd()
        .replace(/(^| )#+$/, "");
      blocks.push({
        kind: "heading",
        level: heading[0].trim().length,
        children: parseInline(said),
      });
      at += 1;
    } else if (RULE.test(text)) {
      blocks.push({ kind: "rule" });
      at += 1;
    } else if (QUOTE.test(text) && depth < DEEPEST) {
      const end = firstThat(lines, at, (line) => !QUOTE.test(line));
      const inner = lines
        .slice(at, end)
        .map((line) => ({ ...line, text: line.text.replace(QUOTE, "") }));
      blocks.push({ kind: "quote", children: parseBlocks(inner, depth + 1) });
      at = end;
    } else if (ITEM.test(text) && depth < DEEPEST) {
      at = parseList(lines, at, depth, blocks);
    } else {
      const end = firstThat(lines, at + 1, (line) => startsBlock(line, depth));
      blocks.push({
        kind: "paragraph",
        children: parseInline(textOf(lines.slice(at, end)).trim()),
      });
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
  const first = itemAt(lines, at);
  if (!first) return at + 1;
  /** @type {Item[]} */
  const items = [];
  let next = at;
  while (next < lines.length) {
    const item = itemAt(lines, next);
    if (!item || item.bullet !== first.bullet || item.indent > first.indent + 1) break;
    const end = endOfItem(lines, next, item.indent);
    const said = textAt(lines, next).slice(item.width);
    const tick = TICK.exec(said)?.[0] ?? "";
    const inner = lines.slice(next, end).map(({ text, number }, line) => ({
      text: line === 0 ? said.slice(tick.length) : withoutIndent(text, item.width),
      number,
    }));
    const ticked = tick ? tick[1] !== " " : null;
    items.push({ line: inner[0]?.number ?? 0, ticked, children: parseBlocks(inner, depth + 1) });
    next = end;
  }
  blocks.push({ kind: "list", start: first.bullet ? null : first.number, items });
  return next;
}

/** @param {Line[]} lines @param {number} at */
function itemAt(lines, at) {
  const text = textAt(lines, at);
  const [all = "", indent = "", marker = ""] = ITEM.exec(text) ?? [];
  if (!all || RULE.test(text)) return null;
  const bullet = "-*+".includes(marker) ? marker : "";
  return { indent: indent.length, width: all.length, bullet, number: Number.parseInt(marker, 10) };
}

/** @param {Line[]} lines @param {number} at */
function textAt(lines, at) {
  return lines[at]?.text ?? "";
}

/** An item goes on as long as lines are indented, or say more of its paragraph.
 * @param {Line[]} lines @param {number} at @param {number} indent
 */
function endOfItem(lines, at, indent) {
  let end = at + 1;
  while (end < lines.length) {
    const text = textAt(lines, end);
    const isBlank = text.trim() === "";
    const isInside = indentOf(text) >= indent + 2;
    const goesOn = !isInside && !startsBlock(text, 0) && textAt(lines, end - 1).trim() !== "";
    if (!isBlank && !isInside && !goesOn) break;
    end += 1;
  }
  while (textAt(lines, end - 1).trim() === "" && end > at + 1) end -= 1;
  const next = firstThat(lines, end, (line) => line.trim() !== "");
  const follows = itemAt(lines, next);
  return follows && follows.indent <= indent + 1 ? next : end; // blank lines between items
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
  while (at < lines.length && !is(textAt(lines, at))) at += 1;
  return at;
}

/** @param {Line[]} lines @param {number} from @param {string} fence */
function closingFence(lines, from, fence) {
  return firstThat(lines, from, (line) => {
    const end = line.trim();
    return end.length >= fence.length && end === fence.charAt(0).repeat(end.length);
  });
}

/** @param {Line[]} lines */
function textOf(lines) {
  return lines.map((line) => line.text).join("\n");
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
