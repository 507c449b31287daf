// The field on top of every view. It reads tags, a list, a priority and a day out of what is typed,
// shows what it understood, and takes no for an answer.

import { addTask } from "../actions.js";
import { addDays, dayWords, parseDay, today } from "../days.js";
import { classes, html, signal, useRef, useSignal } from "../parts/html.js";
import { Icon } from "../parts/icons.js";
import { route } from "../router.js";
import { clock, focusRow, focused, resting } from "../state.js";
import { fold, tagName } from "./filters.js";
import { counts, keys, sortedLists, thisList } from "./shown.js";
import { PRIORITY_NAMES } from "./task-row.js";

/** @typedef {import("../data/types.js").Priority} Priority */
/** @typedef {import("../data/types.js").List} List */
/**
 * @typedef {object} Part something that was understood
 * @property {"due" | "priority" | "list" | "tag"} kind
 * @property {string} name what it is declined by
 * @property {string} label
 * @property {string} value
 *
 * @typedef {{title: string, parts: Part[]}} Understood
 */

const MOST_SUGGESTED = 6;
const MOST_TAGS = 20;
/** @type {Record<string, Priority>} */
const PRIORITIES = {
  high: "high",
  medium: "medium",
  low: "low",
  none: "none",
  h: "high",
  m: "medium",
  l: "low",
  1: "high",
  2: "medium",
  3: "low",
  4: "none",
};

/** A list's name in one word: `@readinglist`. @param {string} name */
const oneWord = (name) => fold(name).replace(/\s+/g, "");

/**
 * @param {string} text
 * @param {{now: Date, lists: readonly List[], declined?: ReadonlySet<string>}} context
 * @returns {Understood}
 */
export function understand(text, { now, lists, declined = new Set() }) {
  /** @type {Part[]} */
  const parts = [];
  /** @param {Part} part */
  const takes = (part) => {
    const isTaken = parts.some(({ kind, value }) =>
      part.kind === "tag"
        ? kind === "tag" && tagName(value) === tagName(part.value)
        : kind === part.kind,
    );
    if (declined.has(part.name)) return false;
    if (!isTaken) parts.push(part);
    return !isTaken || part.kind === "tag"; // the same tag twice is one
  };
  let words = text.trim().split(/\s+/);
  const whole = words.length;
  words = words.filter((word) => {
    const [mark, rest] = [word.slice(0, 1), word.slice(1)];
    if (rest === "") return true;
    if (mark === "#" && !/[,#]/.test(rest) && !/^\d+$/.test(rest)) {
      return !takes({ kind: "tag", name: word, label: word, value: rest.slice(0, 50) });
    }
    if (mark === "!") {
      const priority = PRIORITIES[rest.toLowerCase()];
      if (!priority) return true;
      return !takes({
        kind: "priority",
        name: word,
        label: PRIORITY_NAMES[priority],
        value: priority,
      });
    }
    if (mark === "@" || mark === "+") {
      const list = lists.find(({ name, archived }) => !archived && oneWord(name) === oneWord(rest));
      return !list || !takes({ kind: "list", name: word, label: list.name, value: list.key });
    }
    return true;
  });
  for (let count = Math.min(5, words.length - 1); count > 0; count--) {
    const said = words.slice(-count).join(" ");
    const due = isClearlyADay(said) ? parseDay(said, now) : null;
    if (!due) continue;
    if (takes({ kind: "due", name: said.toLowerCase(), label: dayWords(due, now), value: due })) {
      words = words.slice(0, -count);
    }
    break;
  }
  return { title: words.length === whole ? text.trim() : words.join(" "), parts };
}

/** At the end of a title "the weekend" and "3 days" may be meant as they stand. @param {string} said */
const isClearlyADay = (said) =>
  !/(^|\s)(weekend|(min(ute)?|hour|day|week|month)s?)$/i.test(said) ||
  /^(in|this|next) /i.test(said);

/** What the view itself says of what is added to it. @returns {Part[]} */
function fromView() {
  const { view, tags, priority } = route.value;
  const now = clock.value;
  /** @type {Part[]} */
  const parts = [];
  const list = thisList.value;
  if (view === "list" && list) {
    parts.push({ kind: "list", name: "view list", label: list.name, value: list.key });
  }
  if (view === "today" || view === "upcoming") {
    const value = view === "today" ? today(now) : addDays(today(now), 1);
    parts.push({ kind: "due", name: "view due", label: dayWords(value, now), value });
  }
  if (view !== "trash" && view !== "done") {
    for (const tag of tags)
      parts.push({ kind: "tag", name: `view #${tag}`, label: `#${tag}`, value: tag });
    if (priority && priority !== "none") {
      const label = PRIORITY_NAMES[/** @type {Priority} */ (priority)];
      parts.push({ kind: "priority", name: "view priority", label, value: priority });
    }
  }
  return parts;
}

const text = signal("");
/** @type {import("../parts/html.js").Signal<ReadonlySet<string>>} */
const declined = signal(new Set());

/** Another account begins with an empty field. */
export function emptyQuickAdd() {
  text.value = "";
  declined.value = new Set();
}

/** What is typed and what the view says; what is typed goes before. @returns {Understood} */
function meant() {
  const typed = understand(text.value, {
    now: clock.value,
    lists: sortedLists.value,
    declined: declined.value,
  });
  const own = fromView().filter(
    (part) =>
      !declined.value.has(part.name) &&
      !typed.parts.some(({ kind, value }) =>
        part.kind === "tag"
          ? kind === "tag" && tagName(value) === tagName(part.value)
          : kind === part.kind,
      ),
  );
  return { title: typed.title, parts: [...own, ...typed.parts] };
}

function placeholder() {
  switch (route.value.view) {
    case "today":
      return "Add a task for today";
    case "list":
      return `Add a task to ${thisList.value?.name ?? "the list"}`;
    case "tag":
      return `Add a task tagged ${route.value.tags[0]}`;
    default:
      return "Add a task";
  }
}

const ICONS = { due: "calendar", priority: "flag", list: "list", tag: "tag" };

export function QuickAdd() {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const hasFocus = useSignal(false);
  const caret = useSignal(0);
  const chosen = useSignal(-1);
  const { title, parts } = meant();
  const isUsed = text.value.trim() !== "";
  const suggested = hasFocus.value ? suggestions(text.value, caret.value) : [];
  const active = suggested[chosen.value];

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    if (!title) return;
    const value = (/** @type {string} */ kind) => parts.find((part) => part.kind === kind)?.value;
    addTask({
      title: title.slice(0, 500),
      due: value("due") ?? null,
      priority: /** @type {Priority} */ (value("priority") ?? "none"),
      tags: parts
        .filter(({ kind }) => kind === "tag")
        .map((part) => part.value)
        .slice(0, MOST_TAGS),
      listKey: value("list") ?? null,
    });
    emptyQuickAdd();
    chosen.value = -1;
    field.current?.focus();
  }

  /** @param {Suggestion} suggestion */
  function accept({ from, to, word }) {
    const input = /** @type {HTMLInputElement} */ (field.current);
    const end = from + word.length + 1;
    // At once, so that what is typed next comes behind it.
    input.value = `${text.value.slice(0, from)}${word} ${text.value.slice(to).trimStart()}`;
    input.focus();
    input.setSelectionRange(end, end);
    text.value = input.value;
    caret.value = end;
    chosen.value = -1;
  }

  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    if (event.isComposing) return;
    if (event.key === "Escape" && suggested.length > 0 && chosen.value >= 0) chosen.value = -1;
    else if (event.key === "Escape") focusRow(focused.peek() ?? resting.peek() ?? keys.peek()[0]);
    else if (event.key === "Enter" && active) accept(active);
    else if (event.key === "ArrowDown" && suggested.length > 0) {
      chosen.value = (chosen.value + 1) % suggested.length;
    } else if (event.key === "ArrowUp" && suggested.length > 0) {
      chosen.value = (Math.max(chosen.value, 0) + suggested.length - 1) % suggested.length;
    } else if (event.key === "ArrowDown" && keys.peek().length > 0) focusRow(keys.peek()[0]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  const keepCaret = () => {
    caret.value = field.current?.selectionStart ?? 0;
  };
  return html`<form class=${classes("quick-add", isUsed && "is-used")} onSubmit=${submit}>
    <div class="quick-add-line">
      <${Icon} name="plus" />
      <input
        ref=${field}
        id="quick-add"
        dir="auto"
        value=${text.value}
        placeholder=${placeholder()}
        aria-label=${placeholder()}
        aria-describedby=${isUsed && parts.length > 0 ? "quick-add-parts" : undefined}
        role="combobox"
        aria-expanded=${suggested.length > 0}
        aria-controls="quick-add-suggestions"
        aria-autocomplete="list"
        aria-activedescendant=${active ? `suggestion-${chosen.value}` : undefined}
        autocomplete="off"
        enterkeyhint="done"
        onInput=${(/** @type {Event} */ event) => {
          text.value = /** @type {HTMLInputElement} */ (event.currentTarget).value;
          chosen.value = -1;
          keepCaret();
        }}
        onSelect=${keepCaret}
        onKeyDown=${onKeyDown}
        onFocus=${() => {
          hasFocus.value = true;
        }}
        onBlur=${() => {
          hasFocus.value = false;
        }}
      />
      <button type="submit" class="button is-main" disabled=${!title} hidden=${!isUsed}>Add</button>
    </div>
    ${
      suggested.length > 0 &&
      html`<div class="suggestions" id="quick-add-suggestions" role="listbox" aria-label="Suggestions">
        ${suggested.map(
          (suggestion, index) => html`<div
            key=${suggestion.word}
            id=${`suggestion-${index}`}
            role="option"
            class="suggestion"
            aria-selected=${index === chosen.value}
            onPointerDown=${(/** @type {Event} */ event) => {
              event.preventDefault();
              accept(suggestion);
            }}
          >
            <${Icon} name=${suggestion.icon} /><span dir="auto">${suggestion.title}</span>
          </div>`,
        )}
      </div>`
    }
    ${
      isUsed &&
      parts.length > 0 &&
      html`<div class="chips" id="quick-add-parts">
        ${parts.map(
          (part) => html`<button
            key=${part.name}
            type="button"
            class=${`chip is-${part.kind}`}
            aria-label=${`${spokenPart(part)}: leave it out`}
            title=${part.name.startsWith("view ") ? "Leave it out" : "Leave it in the title"}
            onClick=${() => {
              declined.value = new Set([...declined.value, part.name]);
              field.current?.focus();
            }}
          >
            <${Icon} name=${ICONS[part.kind]} /><span dir="auto">${part.label}</span><${Icon} name="close" />
          </button>`,
        )}
      </div>`
    }
  </form>`;
}

/** @param {Part} part */
function spokenPart({ kind, label }) {
  if (kind === "due") return `Due ${label}`;
  if (kind === "list") return `In ${label}`;
  return kind === "tag" ? `Tagged ${label.slice(1)}` : label;
}

/**
 * @typedef {{from: number, to: number, word: string, title: string, icon: string}} Suggestion
 *
 * @param {string} typed
 * @param {number} at where the caret is
 * @returns {Suggestion[]} tags after `#`, lists after `@` and `+`
 */
function suggestions(typed, at) {
  const found = /(?:^|\s)([#@+])(\S*)$/.exec(typed.slice(0, at));
  if (!found) return [];
  const [, mark = "", begun = ""] = found;
  const from = at - begun.length - 1;
  const place = { from, to: at };
  if (mark === "#") {
    return [...counts.value.tags.values()]
      .filter(({ tag }) => !/\s/.test(tag) && fold(tag).startsWith(fold(begun)) && tag !== begun)
      .sort((a, b) => b.count - a.count)
      .slice(0, MOST_SUGGESTED)
      .map(({ tag }) => ({ ...place, word: `#${tag}`, title: tag, icon: "tag" }));
  }
  return sortedLists.value
    .filter(
      (list) =>
        !list.archived &&
        oneWord(list.name).startsWith(oneWord(begun)) &&
        oneWord(list.name) !== oneWord(begun),
    )
    .slice(0, MOST_SUGGESTED)
    .map(({ name }) => ({
      ...place,
      word: mark + name.replace(/\s+/g, ""),
      title: name,
      icon: "list",
    }));
}
