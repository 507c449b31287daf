// Two people, or two windows, changed the same field. Both versions are shown side by side; texts can
// be kept both, which is what happens unless one is chosen.

import { conflicts } from "../data/outbox.js";
import { findList, findTask } from "../data/replica.js";
import { settleConflict } from "../data/settling.js";
import { wholeDay } from "../days.js";
import { html, useState } from "../parts/html.js";
import { dialog } from "../state.js";
import { Dialog } from "./dialog.js";

/**
 * @typedef {import("../data/types.js").Conflict} Conflict
 * @typedef {import("../data/types.js").Field} Field
 * @typedef {"mine" | "theirs" | "both"} Choice
 */

/** @type {Record<string, string>} */
const NAMES = {
  title: "Title",
  done: "Done",
  notes: "Notes",
  due: "Due",
  priority: "Priority",
  tags: "Tags",
  listKey: "List",
  parentKey: "Part of",
  position: "Place in the order",
  name: "Name",
  archived: "Archived",
};
/** @type {Record<string, string>} */
const BOTH = {
  title: "Keep both: yours as the title, the other in the notes",
  notes: "Keep both, one below the other",
  tags: "Keep both",
};

export function Conflicts() {
  const close = () => {
    dialog.value = null;
  };
  const all = conflicts.value;
  const first = all[0];
  if (!first) {
    return html`<${Dialog} class="conflicts" title="Nothing is in conflict" heading onClose=${close}>
      <p class="quiet">Both versions are settled.</p>
    <//>`;
  }
  return html`<${Dialog} class="conflicts" title=${`“${first.title}” was changed elsewhere, too`} heading onClose=${close}>
    <p class="quiet">
      Nothing is lost: what you don’t choose stays in the history.
      ${all.length > 1 && ` ${all.length - 1} more after this one.`}
    </p>
    <${Settle} key=${first.key} conflict=${first} onDone=${() => all.length === 1 && close()} />
  <//>`;
}

/** @param {{conflict: Conflict, onDone: () => void}} props */
function Settle({ conflict, onDone }) {
  const [choices, setChoices] = useState(() =>
    Object.fromEntries(conflict.fields.map(({ field }) => [field, firstChoice(conflict, field)])),
  );
  /** @param {SubmitEvent} event */
  const settle = (event) => {
    event.preventDefault();
    settleConflict(conflict.key, choices);
    onDone();
  };
  return html`<form class="settle" onSubmit=${settle}>
    ${conflict.fields.map(
      (field) => html`<${Versions}
      key=${field.field}
      field=${field}
      mayKeepBoth=${mayKeepBoth(conflict, field.field)}
      choice=${choices[field.field] ?? "mine"}
      onChoose=${(/** @type {Choice} */ choice) => setChoices({ ...choices, [field.field]: choice })}
    />`,
    )}
    <div class="buttons is-end">
      <button type="button" class="button" onClick=${() => {
        dialog.value = null;
      }}>Later</button>
      <button type="submit" class="button is-main">Settle it so</button>
    </div>
  </form>`;
}

/** @param {Conflict} conflict @param {string} field @returns {Choice} */
function firstChoice(conflict, field) {
  return mayKeepBoth(conflict, field) ? "both" : "mine";
}

/** @param {Conflict} conflict @param {string} field */
function mayKeepBoth(conflict, field) {
  return conflict.kind === "task" && field in BOTH;
}

/**
 * @param {object} props
 * @param {Field} props.field
 * @param {boolean} props.mayKeepBoth
 * @param {Choice} props.choice
 * @param {(choice: Choice) => void} props.onChoose
 */
function Versions({ field: { field, mine, theirs }, mayKeepBoth: mayBoth, choice, onChoose }) {
  const texts = { mine: inWords(field, mine), theirs: inWords(field, theirs) };
  /** @param {Choice} value @param {string} name @param {any} [shown] */
  const option = (value, name, shown) => html`<label class=${`version is-${value}`}>
    <span class="version-head">
      <input type="radio" name=${field} checked=${choice === value} data-focus=${choice === value || undefined} onChange=${() => onChoose(value)} />
      ${name}
    </span>
    ${shown}
  </label>`;
  return html`<fieldset class="versions">
    <legend>${NAMES[field] ?? field}</legend>
    <div class="version-pair">
      ${option("mine", "Yours", html`<${Version} text=${texts.mine} other=${texts.theirs} />`)}
      ${option("theirs", "The other", html`<${Version} text=${texts.theirs} other=${texts.mine} />`)}
    </div>
    ${mayBoth && option("both", BOTH[field] ?? "Keep both")}
  </fieldset>`;
}

/** A text with the lines marked that the other one doesn't have. @param {{text: string, other: string}} props */
function Version({ text, other }) {
  const known = new Set(other.split("\n"));
  return html`<span class="version-text" dir="auto">
    ${text
      .split("\n")
      .map((line) =>
        known.has(line) ? html`<span>${line}${"\n"}</span>` : html`<mark>${line}${"\n"}</mark>`,
      )}
  </span>`;
}

/** @param {string} field @param {any} value */
function inWords(field, value) {
  if (value === null || value === undefined || value === "") return "None";
  switch (field) {
    case "done":
    case "archived":
      return value ? "Yes" : "No";
    case "due":
      return wholeDay(value);
    case "tags":
      return value.length > 0 ? value.join("\n") : "None";
    case "listKey":
      return findList(value)?.name ?? "Another list";
    case "parentKey":
      return findTask(value)?.title ?? "Another task";
    case "priority":
      return value[0].toUpperCase() + value.slice(1);
    case "position":
      return "Moved";
    default:
      return String(value);
  }
}
