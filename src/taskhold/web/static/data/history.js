// What was done in this window, and taking it back.
//
// An edit that the server doesn't know is dropped from the outbox; another is undone by the journal,
// through the outbox. Redoing is taking back what took it back.

import { signal } from "../parts/html.js";
import { inMemory } from "./database.js";
import { inverse, isPartOf, madeAt, newName, same } from "./edits.js";
import { dropEdit, edits, findEdit, isNeeded, numbers, onItsWay, saveEdits } from "./outbox.js";
import { lists, tasks } from "./replica.js";
import { tab } from "./tabs.js";

/** @typedef {import("./types.js").Edit} Edit */
/** @typedef {import("./types.js").Entry} Entry */
/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./types.js").Effect} Effect */

const MOST = 200;
const REMEMBERED = 30 * 24 * 3600 * 1000;

/** @type {import("../parts/html.js").Signal<import("./types.js").LastAction | null>} */
export const lastAction = signal(null);

let database = inMemory();
/** This window's, oldest first. @type {Entry[]} */
let entries = [];

/** @param {import("./database.js").Database} opened @param {Entry[]} kept */
export function fillHistory(opened, kept) {
  database = opened;
  entries = kept.filter((entry) => entry.tab === tab);
  const old = kept.filter(({ key }) => Date.now() - madeAt(key) > REMEMBERED);
  if (old.length > 0) keep([], old);
  // A window that is closed at once hears no answers: what it took back may be in the outbox still.
  for (const { key, steps } of entries) {
    for (const step of steps) if (step.dropped) drop(step, key);
  }
}

export function emptyHistory() {
  database = inMemory();
  entries = [];
  lastAction.value = null;
}

/** @param {string} sentence @param {{undo?: () => void, quiet?: boolean}} [more] */
export function tell(sentence, more = {}) {
  lastAction.value = { sentence, at: Date.now(), ...more };
}

/**
 * Do something that a person did: in view at once, then kept, then sent.
 *
 * @param {string} sentence
 * @param {Pick<Edit, "label" | "request" | "effects" | "tag" | "newTag">[]} wanted
 * @param {{quiet?: boolean, canBeUndone?: boolean}} [how]
 */
export function perform(sentence, wanted, { quiet = false, canBeUndone = true } = {}) {
  if (wanted.length === 0) return;
  const made = wanted.map(asEdit);
  saveEdits(made);
  const entry = {
    key: newName(),
    tab,
    sentence,
    state: /** @type {const} */ ("done"),
    steps: made.map(asStep),
  };
  if (canBeUndone) {
    const forgotten = entries.filter(({ state }) => state === "undone");
    keep([entry], [...forgotten, ...entries.slice(0, -MOST)]);
  }
  tell(sentence, { quiet, ...(canBeUndone && { undo: () => reverse(entry.key, "done") }) });
}

/** Take back what was done last in this window. @returns {string | null} what that was, as a sentence */
export function undo() {
  const entry = entries.findLast(({ state }) => state === "done");
  return entry ? (reverse(entry.key, "done") ?? undo()) : null;
}

/** @returns {string | null} */
export function redo() {
  const entry = entries.find(({ state }) => state === "undone");
  return entry ? (reverse(entry.key, "undone") ?? redo()) : null;
}

/** @param {string} key @param {"done" | "undone"} expected @returns {string | null} null where nothing came of it */
function reverse(key, expected) {
  const entry = entries.find((each) => each.key === key);
  if (entry?.state !== expected) return null;
  const steps = entry.steps.toReversed().flatMap((step) => reverseStep(step, key));
  if (steps.length === 0) {
    keep([], [entry]);
    return null;
  }
  const isUndone = expected === "done";
  keep([{ ...entry, state: isUndone ? "undone" : "done", steps }], []);
  const sentence = `${isUndone ? "Undone" : "Done again"}: ${entry.sentence}`;
  tell(sentence, { undo: () => reverse(key, isUndone ? "undone" : "done") });
  return sentence;
}

/** @param {Step} step @param {string} entryKey @returns {Step[]} what takes this step back, in its turn */
function reverseStep(step, entryKey) {
  if (step.dropped) {
    const { dropped, ...rest } = step;
    const again = asEdit({ ...rest, effects: rest.effects.map(fromNow) });
    saveEdits([again]);
    return [asStep(again)];
  }
  const parts = new Set(edits.peek().map((edit) => edit.key));
  for (const name of numbers.keys()) parts.add(name);
  return [...parts]
    .filter((name) => isPartOf(name, step.key))
    .sort()
    .reverse()
    .map((name) => {
      const edit = findEdit(name);
      const part = { ...step, key: name, effects: edit?.effects ?? step.effects };
      if (
        !edit ||
        edit.state === "done" ||
        edit.sent ||
        onItsWay.peek() === name ||
        isNeeded(edit)
      ) {
        return undoOf(part);
      }
      drop(part, entryKey);
      return { ...part, dropped: true };
    });
}

/** @param {Step} step @returns {Step} */
function undoOf(step) {
  const edit = asEdit({
    label: `Undo: ${step.label}`,
    request: "undo",
    effects: inverse(step.effects),
  });
  edit.of = step.key;
  edit.seq = numbers.get(step.key) ?? null;
  saveEdits([edit]);
  return asStep(edit);
}

/** @param {Step} step @param {string} entryKey */
function drop(step, entryKey) {
  dropEdit(step.key).then((isGone) => {
    if (!isGone) replaceStep(entryKey, step.key, undoOf(step));
  });
}

/** It was on its way already, so it is not dropped but undone. @param {string} entryKey @param {string} name @param {Step} step */
function replaceStep(entryKey, name, step) {
  const entry = entries.find(({ key }) => key === entryKey);
  if (!entry) return;
  const steps = entry.steps.map((each) => (each.dropped && each.key === name ? step : each));
  keep([{ ...entry, steps }], []);
}

/** What is there now is what it changes. @param {Effect} effect @returns {Effect} */
function fromNow(effect) {
  const object = /** @type {any} */ (
    (effect.kind === "task" ? tasks : lists).peek().get(effect.key)
  );
  if (effect.does !== "set" || !object || !effect.was) return effect;
  const was = Object.fromEntries(Object.keys(effect.was).map((name) => [name, object[name]]));
  return same(Object.values(was), Object.values(effect.was)) ? effect : { ...effect, was };
}

/** @param {Entry[]} put @param {Entry[]} drop */
function keep(put, drop) {
  const gone = new Set([...put, ...drop].map(({ key }) => key));
  entries = [...entries.filter(({ key }) => !gone.has(key)), ...put].sort((a, b) =>
    a.key < b.key ? -1 : 1,
  );
  // Without it nothing is lost but the way back.
  database.write({ undo: { put, drop: drop.map(({ key }) => key) } }).catch(() => {});
}

/** @param {Partial<Edit> & Pick<Edit, "label" | "request" | "effects">} wanted @returns {Edit} */
function asEdit(wanted) {
  const task = wanted.effects.find(({ kind, along }) => kind === "task" && !along);
  return {
    ...wanted,
    key: newName(),
    at: new Date().toISOString(),
    state: "waiting",
    sent: null,
    tab,
    ...(task && { taskKey: task.key }),
  };
}

/** @param {Edit | Step} edit @returns {Step} */
function asStep({ key, label, request, effects, of, tag, newTag }) {
  return { key, label, request, effects, ...(of && { of }), ...(tag && { tag, newTag }) };
}
