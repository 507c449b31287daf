// Which tasks are meant by a search and filters: as the API's `q`, `tag`, `priority` and due mean it.

import { addDays, dayOf, isPast, today } from "../days.js";

/** @typedef {import("../data/types.js").Task} Task */

/** @type {Map<string, string>} */
const folds = new Map();

/**
 * A text without case and accents, as the server folds it: compatibility decomposition, case
 * folding, no combining marks; never empty for a text that isn't.
 *
 * @param {string} text
 */
export function fold(text) {
  if (isAscii(text)) return text.toLowerCase();
  let folded = "";
  for (const char of text.normalize("NFKD")) {
    let found = folds.get(char);
    if (found === undefined) {
      if (folds.size > 20_000) folds.clear();
      found = foldOne(char);
      folds.set(char, found);
    }
    folded += found;
  }
  return folded || text;
}

/** @param {string} text */
const isAscii = (text) => !/[\u{80}-\u{10ffff}]/u.test(text);

/** @param {string} char */
const foldOne = (char) =>
  [...caseless(char).normalize("NFKD")].filter((part) => !isMark(part)).join("");

/** Case folding, which JavaScript has no name for: by way of the upper case, so that ß is ss. @param {string} char */
function caseless(char) {
  if (char === "ı") return char;
  const lower = char.toLowerCase().toUpperCase().toLowerCase();
  return lower === "ς" ? "σ" : lower;
}

/** Whether it combines: the normal form puts a mark before one of a higher class. @param {string} char */
function isMark(char) {
  const behind = `\u0345${char}`;
  return char === "\u0345" || behind.normalize("NFD") !== behind;
}

/** Tags are the same when this is. @param {string} tag */
export const tagName = (tag) =>
  isAscii(tag) ? tag.toLowerCase() : [...tag.normalize("NFC")].map(caseless).join("");

/** @param {string} query */
export const words = (query) => [...new Set(query.split(/\s+/u).filter(Boolean).map(fold))];

/** @type {WeakMap<Task, string>} */
const searched = new WeakMap();

/** Whether each word occurs in its title, notes or tags. @param {Task} task @param {string[]} sought */
export function matchesWords(task, sought) {
  let text = searched.get(task);
  if (text === undefined) {
    text = [task.title, task.notes, ...task.tags].map(fold).join("\n");
    searched.set(task, text);
  }
  const found = text;
  return sought.every((word) => found.includes(word));
}

/**
 * @typedef {Pick<import("../router.js").Route, "q" | "tags" | "priority" | "due">} Filters
 * @param {Filters} filters
 * @param {Date} now
 * @returns {((task: Task) => boolean) | null} null where there is nothing to filter by
 */
export function matcher(filters, now) {
  /** @type {((task: Task) => boolean)[]} */
  const tests = [];
  const { tags, priority, due } = filters;
  if (priority) tests.push((task) => task.priority === priority);
  if (due) tests.push((task) => matchesDue(task, due, now));
  for (const name of tags.map(tagName)) {
    tests.push((task) => task.tags.some((tag) => tagName(tag) === name));
  }
  const sought = words(filters.q);
  if (sought.length > 0) tests.push((task) => matchesWords(task, sought));
  return tests.length === 0 ? null : (task) => tests.every((test) => test(task));
}

/** @param {Task} task @param {string} filter @param {Date} now */
function matchesDue(task, filter, now) {
  if (task.due === null) return filter === "none";
  const [day, from] = [dayOf(task.due), today(now)];
  switch (filter) {
    case "past":
      return isPast(task.due, now);
    case "today":
      return day === from;
    case "week":
      return day >= from && day <= addDays(from, 6);
    default:
      return filter === "some";
  }
}
