// The edits that the server doesn't know yet, or whose journal rows are not here yet.
//
// Every window holds all of them; the one that leads sends them (`sending.js`). What is in the
// outbox is on the disk: IndexedDB first, then the word to the other windows.

import { computed, signal } from "../parts/html.js";
import { inMemory } from "./database.js";
import { isPartOf, madeAt, meet, needs, notBefore, same } from "./edits.js";
import {
  applyRow,
  canonical,
  idOf,
  isOver,
  lists,
  nameObject,
  overlayEdit,
  publish,
  removeEdit,
  tasks,
} from "./replica.js";

/** @typedef {import("./types.js").Edit} Edit */
/** @typedef {import("./types.js").Effect} Effect */
/** @typedef {import("./types.js").Field} Field */
/** @typedef {import("./types.js").Conflict} Conflict */
/** @typedef {import("./types.js").Change} Change */
/** @typedef {import("./database.js").Batch} Batch */

const DAY = 24 * 3600 * 1000;
const REMEMBERED = 30 * DAY;
const MOST_OVER = 5000;
const ON_ITS_WAY = "It may be saved already, so it can't be dropped. Undo it instead.";
export const NO_ROOM = "This browser has no room to keep it. Make some, then try again.";

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
export const inView = (kind, key) => (kind === "task" ? tasks : lists).value.get(key) ?? {};

let database = inMemory();
let say = (/** @type {any} */ _message) => {};
let wake = () => {};

/** The ids of what was made here, and the first rows of edits in the journal. @type {Map<string, number>} */
export const numbers = new Map();
/** Edits that are over: a late word about them means nothing any more. @type {Set<string>} */
const over = new Set();
/** Edits of this window on their way to the disk. @type {Set<string>} */
const beingKept = new Set();

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
  noteNumbers(kept.numbers);
  for (const { key } of kept.outbox) notBefore(key);
  takeEdits(kept.outbox, []);
}

/** @param {{key: string, number: number}[]} known */
function noteNumbers(known) {
  for (const { key, number } of known) {
    numbers.set(key, number);
    if (!key.startsWith("new-")) continue;
    // Which of the two it is doesn't matter: nothing else goes by this key.
    nameObject("task", key, number);
    nameObject("list", key, number);
  }
}

export function emptyOutbox() {
  database = inMemory();
  say = wake = () => {};
  numbers.clear();
  over.clear();
  edits.value = [];
}

/** Whichever window leads. */
export function wakeSender() {
  say({ type: "wake" });
  wake();
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
    ({ key, state }) => !over.has(key) || (state === "done" && findEdit(key)),
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
  noteOver(drop);
  for (const { key } of put) beingKept.add(key);
  try {
    await database.write({ outbox: { put: [...put], drop: [...drop] } }, { strict: true });
    for (const { key } of put) beingKept.delete(key);
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
 * Change edits as they are on the disk, whichever window had them last: all at once.
 *
 * @typedef {[key: string, change: (found: Edit) => Edit | null | undefined]} Amendment undefined
 *   leaves it as it is, null takes it away
 * @param {readonly Amendment[]} changes
 * @returns {Promise<Map<string, Edit | null | undefined>>} as they are now
 */
export async function changeEdits(changes) {
  const now = await database.change(
    "outbox",
    changes.map(([key, change]) => [key, (found) => (found ? change(found) : undefined)]),
  );
  const put = [...now.values()].filter(Boolean);
  const drop = [...now.keys()].filter((key) => !now.get(key));
  noteOver(drop);
  takeEdits(put, drop);
  say({ type: "edits", put, drop });
  return now;
}

/** The same for what a person does: in view at once. @param {readonly Amendment[]} changes */
export async function amendEdits(changes) {
  const here = changes.map(([key, change]) => {
    const edit = findEdit(key);
    return { key, now: edit && change(edit) };
  });
  takeEdits(
    here.flatMap(({ now }) => now ?? []),
    here.flatMap(({ key, now }) => (now === null ? [key] : [])),
  );
  const now = await changeEdits(changes);
  wakeSender();
  return now;
}

/** One of them. @param {string} key @param {Amendment[1]} change @returns {Promise<Edit | null | undefined>} */
export const changeEdit = async (key, change) => (await changeEdits([[key, change]])).get(key);

/** An edit that is on its way, or was, goes as it is. @param {Edit} edit */
export const canChange = ({ sent, state }) => sent === null && state !== "done";

/** An edit with other effects; null where it has none. @param {(effect: Effect) => Effect[]} change @returns {(found: Edit) => Edit | null} */
export const withEffects = (change) => (found) => {
  const effects = found.effects.flatMap(change);
  return effects.length > 0 ? { ...found, effects } : null;
};

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

/** @param {readonly string[]} keys */
function noteOver(keys) {
  for (const key of keys) over.add(key);
  for (const key of over) {
    if (over.size <= MOST_OVER) break;
    over.delete(key); // the oldest
  }
}

/** What another window says about edits. @param {{put: Edit[], drop: string[], named?: ["task" | "list", string, number][]}} word */
export function hearOf({ put, drop, named = [] }) {
  for (const [kind, key, id] of named) noteName(kind, key, id);
  noteOver(drop);
  takeEdits(put, drop);
}

/**
 * Read what is on the disk, and have no edit that isn't there: this window missed a word.
 *
 * @template {{outbox: Edit[], numbers: {key: string, number: number}[]}} Kept
 * @param {() => Promise<Kept>} read
 * @returns {Promise<Kept>}
 */
export async function readKept(read) {
  const before = edits.peek().flatMap(({ key }) => (beingKept.has(key) ? [] : [key]));
  const kept = await read();
  noteNumbers(kept.numbers);
  const there = new Set(kept.outbox.map(({ key }) => key));
  takeEdits(
    kept.outbox,
    before.filter((key) => !there.has(key)),
  );
  return kept;
}

/** Edits on the disk whose window was closed before it could tell. @param {readonly string[]} keys */
export async function fetchMissing(keys) {
  for (const key of keys) {
    if (!findEdit(key) && !over.has(key)) await changeEdit(key, () => undefined);
  }
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
    if (row.key !== null) noteOver([row.key]);
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
  const done = [...toldNow].filter(isOver);
  const rest = [...toldNow]
    .filter((key) => !done.includes(key))
    .map((key) => /** @type {Edit} */ ({ ...findEdit(key), state: "done", sent: null }));
  for (const key of done) store("outbox").drop.add(key);
  for (const edit of rest) store("outbox").put.set(edit.key, edit);
  takeEdits(rest, done);
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

/** The journal has told all it tells of these edits. @param {Set<string>} keys */
export function letGo(keys) {
  const gone = edits
    .peek()
    .flatMap(({ key, state }) => (state === "done" && keys.has(key) ? [key] : []));
  if (gone.length === 0) return {};
  noteOver(gone);
  takeEdits([], gone);
  say({ type: "edits", put: [], drop: gone });
  return { outbox: { drop: gone } };
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
    const waits =
      meet(touched, blocked) ||
      meet(referred, missing) ||
      // The journal is still to say what there is to undo.
      (edit.of !== undefined &&
        !edit.seq &&
        !numbers.has(edit.of) &&
        findEdit(edit.of) !== undefined);
    if (edit.state === "waiting" && !waits) return edit;
    for (const key of touched) blocked.add(key);
    for (const key of made) missing.add(key);
  }
  return null;
}

// Taking an edit back

/**
 * Forget an edit that the server doesn't know, with what can't be without it.
 *
 * @param {string} key
 * @returns {Promise<boolean>} whether it is gone: one that is on its way can't be called back
 */
export async function dropEdit(key) {
  const dropped = findEdit(key);
  if (!dropped) return true;
  const made = new Set(
    dropped.effects.filter(({ does }) => does === "make").map((each) => each.key),
  );
  const amend = withEffects((effect) =>
    made.has(effect.key) ? [] : [before(dropped, withoutReferences(effect, made))],
  );
  const behind = edits
    .peek()
    .filter((edit) => edit.key > key && canChange(edit) && isAbout(edit, dropped, made));
  let isGone = true;
  const now = await amendEdits([
    [
      key,
      (found) => {
        isGone = canChange(found) || found.state === "refused";
        return isGone ? null : undefined;
      },
    ],
    ...behind.map(
      (edit) =>
        /** @type {Amendment} */ ([
          edit.key,
          (found) => (isGone && canChange(found) ? amend(found) : undefined),
        ]),
    ),
  ]);
  const left = now.get(key);
  if (left?.state === "waiting") takeEdits([{ ...left, problem: ON_ITS_WAY }], []);
  return isGone;
}

/** Whether it has to do with what another edit did. @param {Edit} edit @param {Edit} dropped @param {Set<string>} made */
const isAbout = (edit, dropped, made) =>
  edit.effects.some(
    ({ kind, key, set }) =>
      made.has(set?.listKey) ||
      made.has(set?.parentKey) ||
      dropped.effects.some((each) => each.kind === kind && each.key === key),
  );

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

/** Whether others have come to rest on it, so that it can't just be dropped. @param {Edit} edit */
export function isNeeded(edit) {
  const { touched, made } = needs(edit);
  return edits.peek().some((other) => {
    if (other.key <= edit.key || isPartOf(other.key, edit.key)) return false;
    const of = needs(other);
    return meet(of.referred, made) || (made.size > 0 && meet(of.touched, touched));
  });
}
