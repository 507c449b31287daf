// What a person does about edits that the server didn't take: try again, add anew, settle a conflict.

import { both, newName } from "./edits.js";
import {
  amendEdits,
  canChange,
  changeEdit,
  conflicts,
  edits,
  findEdit,
  inView,
  NO_ROOM,
  saveEdits,
  wakeSender,
  withEffects,
} from "./outbox.js";
import { onServer, tasks, trashed } from "./replica.js";

/** @typedef {import("./types.js").Edit} Edit */
/** @typedef {import("./types.js").Effect} Effect */
/** @typedef {import("./types.js").Conflict} Conflict */

/** Send a refused edit again. @param {string} key */
export async function retryEdit(key) {
  const here = findEdit(key);
  if (here?.problem === NO_ROOM) {
    const { problem, ...rest } = here;
    await saveEdits([{ ...rest, state: "waiting" }]);
    return;
  }
  await changeEdit(key, (edit) => {
    if (edit.state !== "refused" && !edit.problem) return undefined;
    const { problem, again, ...rest } = edit;
    return { ...rest, state: "waiting" };
  });
  wakeSender();
}

/** The task of a refused edit is gone: add it anew, as it was seen here. @param {string} key @returns {Promise<string | null>} the new task's */
export async function addAnew(key) {
  const refused = findEdit(key);
  const effect = refused?.effects.find((each) => each.kind === "task" && !each.along);
  if (!refused?.again || !effect) return null;
  const old = effect.key;
  const seen = /** @type {any} */ (trashed.peek().get(old) ?? refused.copy ?? {});
  const { title, done, notes, due, priority, tags, listKey, parentKey, position } = {
    title: refused.label,
    ...seen,
    ...effect.set,
  };
  const all = { title, done, notes, due, priority, tags, listKey, parentKey, position };
  const set = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  if (set.listKey && onServer("list", set.listKey).place !== "here") set.listKey = null;
  if (set.parentKey && !tasks.peek().has(set.parentKey)) set.parentKey = null;
  const made = `new-${newName()}`;
  const { problem, again, copy, fields, ...rest } = refused;
  /** @type {Edit} */
  const anew = {
    ...rest,
    key: newName(),
    label: `Add “${title}” anew`,
    state: "waiting",
    request: "tasks",
    taskKey: made,
    effects: [{ kind: "task", key: made, does: "make", set }],
    sent: null,
  };
  const behind = edits
    .peek()
    .filter(
      (edit) =>
        edit.state !== "done" &&
        !edit.sent &&
        edit.effects.every(({ kind, key: on }) => kind === "task" && on === old),
    );
  await saveEdits([anew], [key, ...behind.map((edit) => edit.key)]);
  return made;
}

/**
 * End a conflict, field by field: `mine` stands, `theirs` does, or `both` are kept (of title, notes
 * and tags). What isn't named stays mine.
 *
 * @param {string} key
 * @param {Record<string, "mine" | "theirs" | "both">} choices
 */
export async function settleConflict(key, choices) {
  const conflict = conflicts.peek().find((each) => each.key === key);
  const edit = findEdit(key);
  const [effect] = edit?.effects ?? [];
  if (!conflict || !edit || !effect) return;
  const now = onServer(conflict.kind, conflict.taskKey).object ?? {};
  const seen = inView(conflict.kind, conflict.taskKey);
  const set = { ...effect.set };
  const decided = new Set(conflict.fields.map(({ field }) => field));
  for (const field of conflict.fields) {
    const choice = choices[field.field] ?? "mine";
    if (choice === "theirs") delete set[field.field];
    else set[field.field] = field.mine;
  }
  for (const field of conflict.fields.toSorted((a, b) => (a.field > b.field ? 1 : -1))) {
    if (choices[field.field] !== "both") continue;
    const notes = decided.has("notes") ? (set.notes ?? now.notes) : seen.notes;
    const added = both(field, { notes });
    Object.assign(set, added);
    for (const name of Object.keys(added)) decided.add(name);
  }
  const was = Object.fromEntries(
    Object.keys(set).map((name) => [name, decided.has(name) ? now[name] : effect.was?.[name]]),
  );
  const settled = { ...effect, set, was };
  const isEmpty = Object.keys(set).length === 0;
  const amend = withEffects((each) => without(each, conflict, decided));
  const later = edits.peek().filter((each) => each.key > key && each.effects.some(isSame(effect)));
  await amendEdits([
    [
      key,
      ({ fields, problem, ...found }) =>
        isEmpty
          ? null
          : { ...found, state: "waiting", effects: [settled, ...found.effects.slice(1)] },
    ],
    ...later.map(
      (edit) =>
        /** @type {import("./outbox.js").Amendment} */ ([
          edit.key,
          (found) => (canChange(found) ? amend(found) : undefined),
        ]),
    ),
  ]);
}

/** @param {Effect} effect @returns {(other: Effect) => boolean} */
const isSame = (effect) => (other) => other.kind === effect.kind && other.key === effect.key;

/** A later edit of a field that is settled now is part of what was settled. @param {Effect} effect @param {Conflict} conflict @param {Set<string>} decided @returns {Effect[]} */
function without(effect, { kind, taskKey }, decided) {
  if (effect.does !== "set" || effect.kind !== kind || effect.key !== taskKey) return [effect];
  const names = Object.keys(effect.set ?? {}).filter((name) => !decided.has(name));
  if (names.length === Object.keys(effect.set ?? {}).length) return [effect];
  if (names.length === 0) return [];
  const pick = (/** @type {any} */ fields) =>
    Object.fromEntries(names.map((name) => [name, fields[name]]));
  return [{ ...effect, set: pick(effect.set), was: pick(effect.was) }];
}
