// A task as a row: its check, its title, and quietly under it what is set.

import { editTask, purge, restore, setDone } from "../actions.js";
import { findList } from "../data/replica.js";
import { dayFrom, dayWords, isDay, isPast, timeWords, today, wholeDay } from "../days.js";
import { classes, html, useLayoutEffect, useRef } from "../parts/html.js";
import { confirm } from "../parts/confirm.js";
import { Icon, IconButton } from "../parts/icons.js";
import { clock, editing, focusRow, prefer } from "../state.js";
import { lingering, progressOf, withFold } from "./shown.js";

/** @typedef {import("../data/types.js").Task} Task */
/** @typedef {import("./shown.js").TaskItem} TaskItem */

export const PRIORITY_NAMES = {
  high: "High priority",
  medium: "Medium priority",
  low: "Low priority",
  none: "No priority",
};

/**
 * @typedef {object} RowProps
 * @property {TaskItem} item
 * @property {number} index
 * @property {boolean} isTabStop
 * @property {boolean} isFocused
 * @property {boolean} isSelected
 * @property {boolean} isOpen in the details panel
 * @property {(kind: "due" | "list", key: string, anchor: Element) => void} onPick
 * @property {(key: string, anchor: Element) => void} onMore
 *
 * @param {RowProps} props
 */
export function TaskRow({ item, index, isTabStop, isFocused, isSelected, isOpen, onPick, onMore }) {
  const { task, key, depth } = item;
  const isEditing = editing.value === key;
  const isTrashed = "deleted_at" in task;
  const inside = isTabStop || isFocused ? 0 : -1;
  const title = task.title;
  return html`<div
    role="row"
    id=${`row-${key}`}
    data-key=${key}
    class=${classes(
      "row",
      task.done && "is-done",
      isSelected && "is-selected",
      isOpen && "is-open",
      lingering.value.get(key) === "fades" && "is-fading",
    )}
    style=${depth > 0 ? { "--depth": Math.min(depth, 7) } : undefined}
    tabindex=${isTabStop ? 0 : -1}
    aria-label=${spoken(item)}
    aria-level=${depth + 1}
    aria-posinset=${item.place}
    aria-setsize=${item.of}
    aria-rowindex=${index + 1}
    aria-selected=${isSelected}
    aria-expanded=${item.isFolded === null ? undefined : !item.isFolded}
  >
    <div role="gridcell" class="row-start">
      ${
        item.isFolded !== null &&
        html`<button
        type="button"
        class="fold"
        tabindex="-1"
        aria-label=${item.isFolded ? "Show subtasks" : "Hide subtasks"}
        onClick=${() => prefer("folded", withFold(task, !item.isFolded))}
      >
        <${Icon} name="chevron" />
      </button>`
      }
      ${
        isTrashed
          ? html`<${Icon} name="trash" class="row-mark" />`
          : html`<button
              type="button"
              role="checkbox"
              class=${`check is-${task.priority}`}
              tabindex=${inside}
              aria-checked=${task.done}
              aria-label=${`Done: ${title}`}
              title=${task.priority === "none" ? undefined : PRIORITY_NAMES[task.priority]}
              onClick=${() => setDone([key], !task.done)}
            >
              <${Icon} name="check" />
            </button>`
      }
    </div>
    <div role="gridcell" class="row-main">
      ${
        isEditing
          ? html`<${TitleField} task=${task} />`
          : html`<div class="row-title"><span dir="auto">${title}</span></div>`
      }
      <${Meta} item=${item} />
    </div>
    <div role="gridcell" class="row-actions">
      ${
        isTrashed
          ? html`<${IconButton}
                icon="undo"
                label="Restore"
                tabindex=${inside}
                onClick=${() => restore([key])}
              />
              <${IconButton}
                icon="close"
                label="Delete for good"
                tabindex=${inside}
                onClick=${() => confirmPurge([key])}
              />`
          : html`<${IconButton}
                icon="calendar"
                label="Due date"
                keys="d"
                tabindex=${inside}
                onClick=${(/** @type {Event} */ event) => onPick("due", key, anchorOf(event))}
              />
              <${IconButton}
                icon="list"
                label="Move to a list"
                keys="l"
                tabindex=${inside}
                onClick=${(/** @type {Event} */ event) => onPick("list", key, anchorOf(event))}
              />
              <${IconButton}
                icon="more"
                label="More"
                aria-haspopup="menu"
                tabindex=${inside}
                onClick=${(/** @type {Event} */ event) => onMore(key, anchorOf(event))}
              />`
      }
    </div>
  </div>`;
}

/** @param {Event} event */
const anchorOf = (event) => /** @type {Element} */ (event.currentTarget);

/** @param {string[]} keys */
export function confirmPurge(keys) {
  confirm({
    question:
      keys.length === 1 ? "Delete this task for good?" : `Delete ${keys.length} tasks for good?`,
    explanation: "It can't be undone, not even from the trash.",
    action: "Delete for good",
    run: () => purge(keys),
  });
}

/** What a screen reader says of a row. @param {TaskItem} item */
function spoken({ task, parent }) {
  const now = clock.value;
  const said = [task.title];
  if (task.done) said.push("done");
  if (task.priority !== "none") said.push(PRIORITY_NAMES[task.priority].toLowerCase());
  if (task.due !== null) {
    const isLate = !task.done && isPast(task.due, now);
    said.push(`due ${dayWords(task.due, now)}${isLate ? ", overdue" : ""}`);
  }
  const list = task.listKey === null ? undefined : findList(task.listKey);
  if (list) said.push(`in ${list.name}`);
  if (parent) said.push(`part of ${parent.title}`);
  if (task.tags.length > 0) said.push(`tagged ${task.tags.join(", ")}`);
  const progress = progressOf(task.key);
  if (progress.all > 0) said.push(`${progress.done} of ${progress.all} subtasks done`);
  if (task.notes) said.push("has notes");
  if (task.conflict) said.push("changed in two places");
  else if (task.unsent) said.push("not sent yet");
  return said.join(", ");
}

/** @param {{item: TaskItem}} props */
function Meta({ item }) {
  const { task, parent } = item;
  const list = item.showsList && task.listKey !== null ? findList(task.listKey) : undefined;
  const progress = progressOf(task.key);
  const deleted = /** @type {Partial<import("../data/types.js").Trashed>} */ (task).deleted_at;
  const parts = [
    deleted && html`<span>deleted ${dayWords(dayFrom(new Date(deleted)), clock.value)}</span>`,
    task.due !== null && html`<${Due} task=${task} saysDay=${item.saysDay} />`,
    parent &&
      html`<span class="meta-text meta-parent"><${Icon} name="subtasks" /><span dir="auto">${parent.title}</span></span>`,
    list &&
      html`<span class="meta-text"><${Icon} name="list" /><span dir="auto">${list.name}</span></span>`,
    task.tags.map(
      (tag) => html`<span class="meta-text meta-tag" dir="auto" key=${tag}>#${tag}</span>`,
    ),
    progress.all > 0 &&
      html`<span title="Subtasks done"><${Icon} name="done" />${progress.done}/${progress.all}</span>`,
    task.notes && html`<span title="Has notes"><${Icon} name="note" /></span>`,
    task.conflict
      ? html`<span class="late" title="Changed in two places"><${Icon} name="conflict" /></span>`
      : task.unsent && html`<span title="Not sent yet"><${Icon} name="unsent" /></span>`,
  ].filter((part) => part && (!Array.isArray(part) || part.length > 0));
  return parts.length > 0 && html`<div class="meta">${parts}</div>`;
}

/** @param {{task: Task, saysDay?: boolean}} props */
function Due({ task, saysDay }) {
  const now = clock.value;
  const due = task.due ?? "";
  if (saysDay && isDay(due)) return null;
  const words = saysDay ? timeWords(new Date(due)) : dayWords(due, now);
  const isLate = !task.done && isPast(due, now);
  const isToday = !isLate && due.slice(0, 10) === today(now);
  return html`<span
    class=${classes("due", isLate && "late", isToday && "soon")}
    title=${wholeDay(due)}
    ><${Icon} name="calendar" /><span>${words}</span></span
  >`;
}

/** The title, edited in place: Enter keeps it, Escape doesn't. @param {{task: Task}} props */
function TitleField({ task }) {
  const ref = useRef(/** @type {HTMLInputElement | null} */ (null));
  const isOver = useRef(false);
  useLayoutEffect(() => {
    // Not by a property: that would be set anew with every change from elsewhere.
    const field = /** @type {HTMLInputElement} */ (ref.current);
    field.value = task.title;
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }, []);

  /** @param {boolean} keeps @param {boolean} returns */
  function leave(keeps, returns) {
    if (isOver.current) return;
    isOver.current = true;
    const title = ref.current?.value.trim() ?? "";
    if (keeps && title && title !== task.title) editTask(task.key, { title });
    editing.value = null;
    if (returns) focusRow(task.key);
  }

  return html`<input
    ref=${ref}
    class="row-field"
    dir="auto"
    aria-label="Title"
    maxlength="500"
    enterkeyhint="done"
    autocomplete="off"
    onBlur=${() => leave(true, false)}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
      if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
      event.preventDefault();
      event.stopPropagation();
      leave(event.key === "Enter", true);
    }}
  />`;
}
