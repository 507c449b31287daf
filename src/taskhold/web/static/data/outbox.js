// The edits that the server doesn't know yet, or whose journal rows are not here yet.
//
// Every window holds all of them; the one that leads sends them (`sending.js`). What is in the
// outbox is on the disk: IndexedDB first, then the word to the other windows.

import { computed, signal } from "../parts/html.js";
import { inMemory } from "./database.js";
import { both, isPartOf, madeAt, meet, needs, newName, notBefore, same } from "./edits.js";
import {
  applyRow,
  canonical,
  idOf,
  isOver,
  lists,
  nameObject,
  onServer,
  overlayEdit,
  publish,
  removeEdit,
  tasks,
  trashed,
} from "./replica.js";

/** @typedef {import("./types.js").Edit} Edit */
/** @typedef {import("./types.js").Effect} Effect */
/** @typedef {import("./types.js").Field} Field */
/** @typedef {import("./types.js").Conflict} Conflict */
/** @typedef {import("./types.js").Change} Change */
/** @typedef {import("./database.js").Batch} Batch */

const DAY = 24 * 3600 * 1000;
const REMEMBERED = 30 * DAY;
const NO_ROOM = "This browser has no room to keep it. Make some, then try again.";

/** In the order of their keys. @type {import("../parts/html.js").Signal<readonly Edit[]>} */
export const edits = signal([]);
/** The key of the one that is on its way. @type {import("../parts/html.js").Signal<string | null>} */
export const onItsWay = signal(null);

/** What the server doesn't know yet, oldest first. @type {import("../parts/html.js").ReadonlySignal<readonly Edit[]>} */
export const unsent = computed(() =>
  edits.value
    .filter((edit) => edit.state !== "done")
    .map((edit) => (edit.key === onItsWay.value ? { ...edit, state: "sending" } : edit)),
);

/** @type {import("../parts/html.js").ReadonlySignal<readonly Conflict[]>} */
export const conflicts = computed(() =>
  edits.value
    .filter((edit) => edit.state === "conflict" && edit.fields)
    .map((edit) => {
      const { kind, key } = /** @type {Effect} */ (edit.effects[0]);
      // Mine is what is seen here: edits behind this one may have changed the field again.
      const seen = inView(kind, key);
      const fields = /** @type {Field[]} */ (edit.fields).map((field) =>
        field.field in seen ? { ...field, mine: seen[field.field] } : field,
      );
      return { key: edit.key, taskKey: key, kind, title: seen.title ?? seen.name ?? "", fields };
    }),
);

/** @param {"task" | "list"} kind @param {string} key @returns {any} */
const inView = (kind, key) => (kind === "task" ? tasks : lists).value.get(key) ?? {};

let database = inMemory();
let say = (/** @type {any} */ _message) => {};
let wake = () => {};

/** The ids of what was made here, and the first rows of edits in the journal. @type {Map<string, number>} */
export const numbers = new Map();
/** Edits that the journal has told of: a late word about them means nothing any more. @type {Set<string>} */
const told = new Set();

/**
 * What this browser kept of an account.
 *
 * @param {import("./database.js").Database} opened
 * @param {{outbox: Edit[], numbers: {key: string, number: number}[]}} kept
 * @param {{say: (message: any) => void, wake: () => void}} others
 */
export function fillOutbox(opened, kept, others) {
  database = opened;
  ({ say, wake } = others);
  for (const { key, number } of kept.numbers) {
    if (key.startsWith("new-")) nameObject("task", key, number);
    numbers.set(key, number);
  }
  for (const { key } of kept.outbox) notBefore(key);
  takeEdits(kept.outbox, []);
}

export function emptyOutbox() {
  database = inMemory();
  say = wake = () => {};
  numbers.clear();
  told.clear();
  edits.value = [];
}

/** Numbers that nothing asks for any more. */
export const oldNumbers = () =>
  [...numbers.keys()].filter((key) => Date.now() - madeAt(key) > REMEMBERED);

/** @param {string} key */
export const findEdit = (key) => edits.peek().find((edit) => edit.key === key);

/** An edit by names that mean something in this window. @param {Edit} edit @returns {Edit} */
const inOurNames = (edit) => ({
  ...edit,
  effects: edit.effects.map((effect) => ({
    ...effect,
    key: canonical(effect.kind, effect.key),
    ...(effect.set && { set: namesIn(effect.set) }),
    ...(effect.was && { was: namesIn(effect.was) }),
  })),
  ...(edit.taskKey && { taskKey: canonical("task", edit.taskKey) }),
});

/** @param {Record<string, any>} fields */
function namesIn(fields) {
  const named = { ...fields };
  if (named.listKey) named.listKey = canonical("list", named.listKey);
  if (named.parentKey) named.parentKey = canonical("task", named.parentKey);
  return named;
}

/** In memory and in view, here. @param {readonly Edit[]} put @param {readonly string[]} drop */
export function takeEdits(put, drop) {
  const fresh = put.filter(
    ({ key, state }) => !told.has(key) || (state === "done" && findEdit(key)),
  );
  const gone = new Set([...drop, ...fresh.map((edit) => edit.key)]);
  for (const key of drop) removeEdit(key);
  const ours = fresh.map(inOurNames);
  for (const edit of ours) overlayEdit(edit);
  const next = [...edits.peek().filter((edit) => !gone.has(edit.key)), ...ours];
  edits.value = next.sort((a, b) => (a.key < b.key ? -1 : 1));
  publish();
}

/** Everywhere: in view at once, then on the disk, then in the other windows. @param {readonly Edit[]} put @param {readonly string[]} [drop] */
export async function saveEdits(put, drop = []) {
  takeEdits(put, drop);
  try {
    await database.write({ outbox: { put: [...put], drop: [...drop] } }, { strict: true });
  } catch {
    takeEdits(
      put.map((edit) => ({ ...edit, state: "refused", problem: NO_ROOM })),
      [],
    );
    return;
  }
  say({ type: "edits", put, drop });
  wake();
}

/**
 * Change an edit as it is on the disk, whichever window had it last. What `change` gives is as for
 * `Database.change`.
 *
 * @param {string} key
 * @param {(found: Edit) => Edit | null | undefined} change
 * @returns {Promise<Edit | null>} as it is now
 */
export async function changeEdit(key, change) {
  const now = await database.change("outbox", key, (found) => (found ? change(found) : undefined));
  const [put, drop] = now ? [[now], []] : [[], [key]];
  takeEdits(put, drop);
  say({ type: "edits", put, drop });
  return now ?? null;
}

/** The server has done it: what it is called there, until the journal says the rest. @param {Edit} edit @param {[kind: "task" | "list", key: string, id: number][]} named */
export async function noteDone(edit, named) {
  if (!findEdit(edit.key)) return; // the journal was faster
  /** @type {Edit} */
  const done = { ...edit, state: "done", sent: null };
  delete done.problem;
  for (const [kind, key, id] of named) noteName(kind, key, id);
  takeEdits([done], []);
  const put = named.map(([, key, id]) => ({ key, number: id }));
  say({ type: "edits", put: [done], drop: [], named });
  await database.write({ outbox: { put: [done] }, numbers: { put } });
}

/** @param {"task" | "list"} kind @param {string} key @param {number} id */
export function noteName(kind, key, id) {
  numbers.set(key, id);
  nameObject(kind, key, id);
}

/**
 * Rows of the journal, in their order: into the replica, and edits that they tell of out of here.
 *
 * @param {readonly Change[]} rows
 * @returns {Batch} what the window that leads writes down
 */
export function takeRows(rows) {
  /** @type {Record<string, {put: Map<any, any>, drop: Set<any>}>} */
  const stores = {};
  const store = (/** @type {string} */ name) => {
    stores[name] ??= { put: new Map(), drop: new Set() };
    return stores[name];
  };
  const keep = (
    /** @type {string} */ name,
    /** @type {any} */ put,
    /** @type {number} */ drop = put.id,
  ) => {
    store(name).put.delete(drop);
    store(name).drop.delete(drop);
    if (put) store(name).put.set(drop, put);
    else store(name).drop.add(drop);
  };
  /** @type {Set<string>} */
  const toldNow = new Set();
  for (const row of rows) {
    const edit = row.key === null ? undefined : findEdit(row.key);
    if (row.key !== null) {
      told.add(row.key);
      if (told.size > 5000) told.delete(/** @type {string} */ (told.values().next().value));
    }
    if (edit) {
      toldNow.add(edit.key);
      if (!numbers.has(edit.key)) {
        numbers.set(edit.key, row.operation);
        store("numbers").put.set(edit.key, { key: edit.key, number: row.operation });
      }
      const made = row.action === "create" ? madeBy(edit, row) : undefined;
      if (made) {
        noteName(row.kind, made.key, row.id);
        store("numbers").put.set(made.key, { key: made.key, number: row.id });
      }
    }
    applyRow(row, keep);
  }
  const over = [...toldNow].filter(isOver);
  const rest = [...toldNow]
    .filter((key) => !over.includes(key))
    .map((key) => /** @type {Edit} */ ({ ...findEdit(key), state: "done", sent: null }));
  for (const key of over) store("outbox").drop.add(key);
  for (const edit of rest) store("outbox").put.set(edit.key, edit);
  takeEdits(rest, over);
  return Object.fromEntries(
    Object.entries(stores).map(([name, { put, drop }]) => [
      name,
      { put: [...put.values()], drop: [...drop] },
    ]),
  );
}

/** Which of the things that an edit makes a row is about: they are told in their order. @param {Edit} edit @param {Change} row */
const madeBy = (edit, row) =>
  edit.effects.find(({ does, kind, key }) => {
    if (does !== "make" || kind !== row.kind || !key.startsWith("new-")) return false;
    const id = idOf(key);
    return id === null || id === row.id;
  });

/** All that the server has done is in the journal as it is here now. @param {(edit: Edit) => boolean} which */
export function letGo(which) {
  const over = edits.peek().filter((edit) => edit.state === "done" && which(edit));
  const keys = over.map((edit) => edit.key);
  if (keys.length === 0) return {};
  takeEdits([], keys);
  say({ type: "edits", put: [], drop: keys });
  return { outbox: { drop: keys } };
}

/** The edit to send now: the oldest that waits for no other. */
export function nextEdit() {
  /** @type {Set<string>} */
  const blocked = new Set();
  /** @type {Set<string>} */
  const missing = new Set();
  for (const edit of edits.peek()) {
    if (edit.state === "done") continue;
    const { touched, made, referred } = needs(edit);
    const waits = meet(touched, blocked) || meet(referred, missing);
    if (edit.state === "waiting" && !waits) return edit;
    for (const key of touched) blocked.add(key);
    for (const key of made) missing.add(key);
  }
  return null;
}

// What a person does with an edit

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
  say({ type: "wake" });
  wake();
}

/**
 * Forget an edit that the server doesn't know, with what can't be without it.
 *
 * @param {string} key
 * @returns {Promise<boolean>} whether it is gone: one that is on its way can't be called back
 */
export async function dropEdit(key) {
  const dropped = findEdit(key);
  if (!dropped) return true;
  takeEdits([], [key]);
  let isGone = true;
  const left = await database.change("outbox", key, (found) => {
    isGone = !found || (found.state !== "done" && (!found.sent || found.state === "refused"));
    return found && isGone ? null : undefined;
  });
  if (!isGone) {
    takeEdits([left], []);
    return false;
  }
  const { put, drop } = withoutIt(dropped);
  await saveEdits(put, [key, ...drop]);
  return true;
}

/** What becomes of the edits behind one that is dropped. @param {Edit} dropped */
function withoutIt(dropped) {
  /** @type {Edit[]} */
  const put = [];
  /** @type {string[]} */
  const drop = [];
  const made = new Set(dropped.effects.filter(({ does }) => does === "make").map(({ key }) => key));
  for (const edit of edits.peek()) {
    if (edit.key < dropped.key || edit.state === "done" || edit.sent) continue;
    const effects = edit.effects
      .filter(({ key }) => !made.has(key))
      .map((effect) => before(dropped, withoutReferences(effect, made)));
    if (effects.length === 0) drop.push(edit.key);
    else if (effects.some((effect, i) => effect !== edit.effects[i]))
      put.push({ ...edit, effects });
  }
  return { put, drop };
}

/** @param {Effect} effect @param {Set<string>} made */
function withoutReferences(effect, made) {
  const { listKey, parentKey } = effect.set ?? {};
  if (!made.has(listKey) && !made.has(parentKey)) return effect;
  const set = { ...effect.set };
  if (made.has(listKey)) set.listKey = null;
  if (made.has(parentKey)) set.parentKey = null;
  return { ...effect, set };
}

/** What was there before an effect, now that an earlier one is not. @param {Edit} dropped @param {Effect} effect */
function before(dropped, effect) {
  const earlier = dropped.effects.find(
    ({ kind, key, does }) => does === "set" && kind === effect.kind && key === effect.key,
  );
  if (!earlier || effect.does !== "set") return effect;
  const was = { ...effect.was };
  for (const [field, value] of Object.entries(earlier.set ?? {})) {
    if (field in was && same(was[field], value)) was[field] = earlier.was?.[field];
  }
  return same(Object.values(was), Object.values(effect.was ?? {})) ? effect : { ...effect, was };
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
        edit.state !== "done" && !edit.sent && edit.effects.every((each) => each.key === old),
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
  const { fields, problem, ...rest } = edit;
  /** @type {Edit[]} */
  const put = [];
  const drop = [];
  if (Object.keys(set).length > 0) {
    put.push({
      ...rest,
      state: "waiting",
      sent: null,
      effects: [{ ...effect, set, was }, ...edit.effects.slice(1)],
    });
  } else {
    drop.push(key);
  }
  for (const later of edits.peek()) {
    if (later.key <= key || later.state === "done" || later.sent) continue;
    const effects = later.effects.flatMap((each) => without(each, conflict, decided));
    if (effects.length === 0) drop.push(later.key);
    else if (
      effects.length < later.effects.length ||
      effects.some((each, i) => each !== later.effects[i])
    ) {
      put.push({ ...later, effects });
    }
  }
  await saveEdits(put, drop);
}

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

/** Whether others have come to rest on it, so that it can't just be dropped. @param {Edit} edit */
export function isNeeded(edit) {
  const { touched, made } = needs(edit);
  return edits.peek().some((other) => {
    if (other.key <= edit.key || isPartOf(other.key, edit.key)) return false;
    const of = needs(other);
    return meet(of.referred, made) || (made.size > 0 && meet(of.touched, touched));
  });
}
