// One task with all that belongs to it. Everything is edited where it is read, and saved on leaving
// a field or after a pause (draft.js); nothing typed is lost on the way out.

import { addTask, editTask, setDone, trash } from "../actions.js";
import { byId, closeDetails, pick, say } from "../commands.js";
import { childrenOf, findList, findTask } from "../data/replica.js";
import { dayWords, isPast, wholeDay } from "../days.js";
import { classes, html, useId, useLayoutEffect, useRef, useState } from "../parts/html.js";
import { Icon, IconButton } from "../parts/icons.js";
import { go } from "../router.js";
import { clock } from "../state.js";
import { ChangedElsewhere, useDraft } from "./draft.js";
import { History } from "./history.js";
import { renderMarkdown, toggleTick } from "./markdown.js";

/** @typedef {import("../data/types.js").Task} Task */

const TITLE_LENGTH = 500;
const NOTES_LENGTH = 50_000;
const PRIORITIES = { high: "High", medium: "Medium", low: "Low", none: "None" };

/** @param {{taskKey: string}} props */
export function Details({ taskKey }) {
  const task = findTask(taskKey);
  return task && html`<${Panel} key=${task.key} task=${task} />`;
}

/** @param {{task: Task}} props */
function Panel({ task }) {
  const panel = useRef(/** @type {HTMLElement | null} */ (null));
  const id = useId();
  const remove = () => {
    go({ open: undefined }, { replace: true });
    trash([task.key]);
  };
  /** Esc in a field leaves the field; the next one leaves the panel. @param {KeyboardEvent} event */
  const leaveField = (event) => {
    if (event.key !== "Escape" || event.isComposing || !isField(event.target)) return;
    event.preventDefault();
    event.stopPropagation();
    panel.current?.focus();
  };
  return html`<section
    ref=${panel}
    class="details"
    tabindex="-1"
    aria-labelledby=${id}
    onKeyDown=${leaveField}
  >
    <${Head}>
      <${Crumbs} task=${task} />
      <${IconButton} icon="undo" label="Undo the last edit" onClick=${() => byId.get("undo")?.run()} />
      <${IconButton} icon="trash" label="Move to the trash" onClick=${remove} />
      <${CloseButton} />
    <//>
    <h2 id=${id} class="unseen" dir="auto">Details of ${task.title}</h2>
    <${Title} task=${task} leave=${() => panel.current?.focus()} />
    <${Properties} task=${task} />
    <${Notes} task=${task} />
    <${Subtasks} task=${task} />
    <${History} task=${task} />
    <p class="details-dates">${datesOf(task)}</p>
  </section>`;
}

/** @param {EventTarget | null} target */
function isField(target) {
  return (
    target instanceof HTMLTextAreaElement ||
    (target instanceof HTMLInputElement && target.type !== "checkbox")
  );
}

/** @param {{children?: any}} props */
function Head({ children }) {
  return html`<header class="details-head">${children}</header>`;
}

function CloseButton() {
  return html`<${IconButton} icon="close" label="Close the details" keys="Esc" onClick=${closeDetails} />`;
}

/** What it is in: its list, and the tasks above it. @param {{task: Task}} props */
function Crumbs({ task }) {
  const above = [];
  for (let at = task.parentKey; at && above.length < 8; ) {
    const parent = findTask(at);
    if (!parent) break;
    above.unshift(parent);
    at = parent.parentKey;
  }
  const list = task.listKey ? findList(task.listKey) : undefined;
  return html`<nav class="crumbs" aria-label="Where it is">
    <ol>
      ${list && html`<li key="list"><button type="button" onClick=${() => go({ view: "list", listKey: list.key, open: task.key })} dir="auto">${list.name}</button></li>`}
      ${above.map(
        (each) => html`<li key=${each.key}>
        <button type="button" dir="auto" onClick=${() => go({ open: each.key })}>${each.title}</button>
      </li>`,
      )}
    </ol>
  </nav>`;
}

/** @param {Task} task */
function isGone({ key }) {
  return findTask(key) ? null : "It was deleted elsewhere.";
}

/** What couldn't be saved is there when the task is opened again. @param {Task} task */
function sayKept(task) {
  const why = isGone(task) ? "was deleted elsewhere" : "can’t be saved so";
  say(`“${task.title}” ${why}. What you typed is kept as long as this window is open.`);
}

/** @param {{task: Task, leave: () => void}} props */
function Title({ task, leave }) {
  const draft = useDraft({
    name: `${task.key}/title`,
    stored: task.title,
    save: (title) => editTask(task.key, { title }),
    clean: (text) => text.replace(/\s+/g, " ").trim(),
    check: (text) => {
      if (text === "") return "A task needs a title.";
      if ([...text].length > TITLE_LENGTH)
        return `At most ${TITLE_LENGTH} characters; this is not saved yet.`;
      return isGone(task);
    },
    kept: () => sayKept(task),
  });
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const id = useId();
  useLayoutEffect(() => fitHeight(field.current), [draft.text]);
  /** @param {KeyboardEvent} event */
  const enter = (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    leave();
  };
  return html`<div class="details-title" onFocusOut=${leaving(draft.leave)}>
    <${Check} task=${task} label="Done" />
    <div class="details-field">
      <textarea
        ref=${field}
        rows="1"
        aria-label="Title"
        aria-describedby=${draft.problem ? id : undefined}
        aria-invalid=${draft.problem ? "true" : undefined}
        dir="auto"
        class=${classes("title-field", task.done && "is-done")}
        value=${draft.text}
        onInput=${(/** @type {any} */ event) => draft.type(event.currentTarget.value)}
        onKeyDown=${enter}
      />
      ${draft.problem && html`<p id=${id} class="problem" role="status">${draft.problem}</p>`}
      <${ChangedElsewhere} draft=${draft} later="If you go on, yours is kept." />
    </div>
  </div>`;
}

/** The round check, as in the list. @param {{task: Task, label: string}} props */
function Check({ task, label }) {
  return html`<button
    type="button"
    role="checkbox"
    class=${`check is-${task.priority}`}
    aria-checked=${task.done}
    aria-label=${label}
    onClick=${() => setDone([task.key], !task.done)}
  >
    <${Icon} name="check" />
  </button>`;
}

/** @param {{task: Task}} props */
function Properties({ task }) {
  const now = clock.value;
  const { key, due, priority, tags } = task;
  const list = task.listKey ? findList(task.listKey) : undefined;
  const parent = task.parentKey ? findTask(task.parentKey) : undefined;
  const isLate = due !== null && !task.done && isPast(due, now);
  return html`<div class="properties">
    <${Property} kind="due" keys=${[key]} icon="calendar" name="Due" late=${isLate} title=${due ? wholeDay(due) : undefined}>
      ${due && html`<span class="day-words">${dayWords(due, now)}${isLate ? ", past" : ""}</span>`}
    <//>
    <${Property} kind="priority" keys=${[key]} icon="flag" name="Priority" tone=${`is-${priority}`}>
      ${priority !== "none" && PRIORITIES[priority]}
    <//>
    <${Property} kind="tags" keys=${[key]} icon="tag" name="Tags">
      ${tags.length > 0 && tags.map((tag) => html`<span class="tag-chip" dir="auto" key=${tag}>${tag}</span>`)}
    <//>
    <${Property} kind="list" keys=${[key]} icon="list" name="List">${list?.name}<//>
    <${Property} kind="parent" keys=${[key]} icon="subtasks" name="Part of">${parent?.title}<//>
  </div>`;
}

/**
 * @param {object} props
 * @param {"due" | "priority" | "tags" | "list" | "parent"} props.kind
 * @param {string[]} props.keys
 * @param {string} props.icon
 * @param {string} props.name
 * @param {string} [props.tone]
 * @param {boolean} [props.late]
 * @param {string} [props.title]
 * @param {any} [props.children]
 */
function Property({ kind, keys, icon, name, tone, late = false, title, children }) {
  return html`<button
    type="button"
    class=${classes("property", late && "is-late")}
    title=${title}
    aria-haspopup="dialog"
    onClick=${(/** @type {any} */ event) => pick(kind, keys, event.currentTarget)}
  >
    <span class=${classes("property-icon", tone)}><${Icon} name=${icon} /></span>
    <span class="property-name">${name}</span>
    <span class=${classes("property-value", !children && "is-unset")} dir="auto">${children || "None"}</span>
  </button>`;
}

/** @param {{task: Task}} props */
function Notes({ task }) {
  const [isOpen, setOpen] = useState(false);
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const id = useId();
  const draft = useDraft({
    name: `${task.key}/notes`,
    stored: task.notes,
    save: (notes) => editTask(task.key, { notes }),
    check: (text) => {
      const over = text.length > NOTES_LENGTH ? [...text].length - NOTES_LENGTH : 0;
      if (over <= 0) return isGone(task);
      return `${over} ${over === 1 ? "character" : "characters"} too many; this is not saved yet.`;
    },
    kept: () => sayKept(task),
    both: (mine, other) => `${mine.trimEnd()}\n\n---\n\n${other}`,
  });
  const isEditing = isOpen || draft.isUnsaved;
  useLayoutEffect(() => fitHeight(field.current), [draft.text, isEditing]);
  useLayoutEffect(() => {
    if (!isOpen || !field.current) return;
    field.current.focus();
    field.current.setSelectionRange(task.notes.length, task.notes.length);
  }, [isOpen]);
  const leave = () => {
    draft.leave();
    setOpen(false);
  };
  /** @param {MouseEvent} event */
  const editUnlessLink = (event) => {
    const isOn = event.target instanceof Element && event.target.closest("a, label, input, button");
    if (!isOn && getSelection()?.isCollapsed) setOpen(true);
  };
  return html`<section class="details-part" aria-labelledby=${id} onFocusOut=${leaving(leave)}>
    <div class="part-head">
      <h3 id=${id}>Notes</h3>
      ${!isEditing && task.notes && html`<button type="button" class="quiet-button" onClick=${() => setOpen(true)}>Edit<span class="unseen"> the notes</span></button>`}
    </div>
    ${
      isEditing
        ? html`<textarea
            ref=${field}
            class="notes-field"
            aria-label="Notes, in Markdown"
            aria-invalid=${draft.problem ? "true" : undefined}
            rows="4"
            dir="auto"
            value=${draft.text}
            onInput=${(/** @type {any} */ event) => draft.type(event.currentTarget.value)}
          />`
        : task.notes
          ? html`<div class="notes" onClick=${editUnlessLink}>
              ${renderMarkdown(task.notes, {
                onTick: (line) => editTask(task.key, { notes: toggleTick(task.notes, line) }),
              })}
            </div>`
          : html`<button type="button" class="notes-empty" onClick=${() => setOpen(true)}>Add notes</button>`
    }
    ${draft.problem && html`<p class="problem" role="status">${draft.problem}</p>`}
    <${ChangedElsewhere} draft=${draft} later="If you go on, both are kept." />
  </section>`;
}

/** @param {{task: Task}} props */
function Subtasks({ task }) {
  const [title, setTitle] = useState("");
  const id = useId();
  const children = childrenOf.value.get(task.key) ?? [];
  const done = children.filter((child) => child.done).length;
  const add = () => {
    const said = title.trim();
    if (said)
      addTask({ title: said.slice(0, TITLE_LENGTH), parentKey: task.key, listKey: task.listKey });
    setTitle("");
  };
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    add();
  };
  return html`<section class="details-part" aria-labelledby=${id}>
    <div class="part-head">
      <h3 id=${id}>Subtasks</h3>
      ${children.length > 0 && html`<span class="part-count">${done} of ${children.length}</span>`}
    </div>
    <ul class="subtasks">
      ${children.map(
        (child) => html`<li key=${child.key}>
        <${Check} task=${child} label=${`Done: ${child.title}`} />
        <button
          type="button"
          class=${classes("subtask", child.done && "is-done")}
          dir="auto"
          onClick=${() => go({ open: child.key })}
        >${child.title}</button>
        ${child.due && html`<span class="subtask-due day-words">${dayWords(child.due, clock.value)}</span>`}
      </li>`,
      )}
    </ul>
    <form class="subtask-add" onSubmit=${submit} onFocusOut=${leaving(add)}>
      <${Icon} name="plus" />
      <input
        type="text"
        aria-label="Add a subtask"
        placeholder="Add a subtask"
        autocomplete="off"
        dir="auto"
        value=${title}
        onInput=${(/** @type {any} */ event) => setTitle(event.currentTarget.value)}
      />
    </form>
  </section>`;
}

/** For `focusout`: calls where the focus goes from a field of this part to another part.
 * A button that goes because its part is edited now is not left.
 * @param {() => void} leave
 */
function leaving(leave) {
  /** @param {FocusEvent & {currentTarget: Element}} event */
  return ({ currentTarget, target, relatedTarget }) => {
    const isInside = relatedTarget instanceof Node && currentTarget.contains(relatedTarget);
    const isTyped = target instanceof Element && target.matches("input, textarea, .elsewhere *");
    if (isTyped && !isInside) leave();
  };
}

/** As high as its text. @param {HTMLTextAreaElement | null} field */
function fitHeight(field) {
  if (!field || CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

/** @param {Task} task */
function datesOf({ created_at, updated_at, completed_at }) {
  const said = [`Made ${moment(created_at)}`];
  if (updated_at !== created_at) said.push(`changed ${moment(updated_at)}`);
  if (completed_at) said.push(`done ${moment(completed_at)}`);
  return said.join(" · ");
}

/** @param {string} at */
function moment(at) {
  return dayWords(at, clock.value);
}
