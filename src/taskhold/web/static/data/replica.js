// The tasks and lists that the page shows: what the server's journal says, and on top of it what
// was done here and is not in the journal yet.
//
// An object is computed anew when either changes, so it never shows a state between: an edit's
// effects stay on top until the journal row of the same object, which carries the edit's key.

import { batch, signal } from "../parts/html.js";
import { apply, NOTHING } from "./edits.js";
import { byPosition } from "./positions.js";

/** @typedef {import("./types.js").Task} Task */
/** @typedef {import("./types.js").Trashed} Trashed */
/** @typedef {import("./types.js").List} List */
/** @typedef {import("./types.js").Edit} Edit */
/** @typedef {import("./types.js").Effect} Effect */
/** @typedef {import("./types.js").Change} Change */
/** @typedef {"task" | "list"} Kind */
/** @typedef {import("./edits.js").Found} Found */

/** Not in the trash. @type {import("../parts/html.js").Signal<ReadonlyMap<string, Task>>} */
export const tasks = signal(new Map());
/** @type {import("../parts/html.js").Signal<ReadonlyMap<string, List>>} */
export const lists = signal(new Map());
/** @type {import("../parts/html.js").Signal<ReadonlyMap<string, Trashed>>} */
export const trashed = signal(new Map());
/** In the order of their positions; null has those at the top. @type {import("../parts/html.js").Signal<ReadonlyMap<string | null, readonly Task[]>>} */
export const childrenOf = signal(new Map());
/** Whether all of the tasks are here. */
export const isLoaded = signal(false);
/** How far they are, while they come for the first time. @type {import("../parts/html.js").Signal<{done: number, total: number} | null>} */
export const loading = signal(null);

/** @param {string} key its key, or its id @returns {Task | undefined} */
export const findTask = (key) => tasks.value.get(canonical("task", key));
/** @param {string} key @returns {List | undefined} */
export const findList = (key) => lists.value.get(canonical("list", key));

// As the server has it, by id
const server = { tasks: new Map(), lists: new Map(), trash: new Map() };
/** What answers said that the journal doesn't yet. @type {Map<string, any>} */
const ahead = new Map();
/** The effects on an object, in their order. @type {Map<string, {edit: Edit, effect: Effect}[]>} */
const overlay = new Map();
/** The edits on top, and the objects whose journal rows came already. @type {Map<string, {edit: Edit, lifted: Set<string>}>} */
const laid = new Map();
/** The ids of what was made here. @type {Map<string, number>} */
const ids = new Map();
/** And their keys. @type {Map<string, string>} */
const keys = new Map();
/** @type {Set<string>} */
let dirty = new Set();

/** @param {Kind} kind @param {number | string} key */
const name = (kind, key) => `${kind} ${key}`;

// Names

/** @param {string} key @returns {number | null} */
export const idOf = (key) => (key.startsWith("new-") ? (ids.get(key) ?? null) : Number(key));

/** @param {Kind} kind @param {number} id @returns {string} */
export const keyOf = (kind, id) => keys.get(name(kind, id)) ?? String(id);

/** The key that an object has in this page, by any name of it. @param {Kind} kind @param {string} key */
export function canonical(kind, key) {
  const id = idOf(key);
  return id === null ? key : keyOf(kind, id);
}

/** What was made here has got its id. @param {Kind} kind @param {string} key @param {number} id */
export function nameObject(kind, key, id) {
  if (ids.get(key) === id) return;
  ids.set(key, id);
  if (overlay.has(name(kind, key))) keys.set(name(kind, id), key); // else it isn't shown by that key
  dirty.add(name(kind, id)).add(name(kind, keyOf(kind, id)));
}

// What the server says

/** The newest that is known of the server's state. @param {Kind} kind @param {string} key @returns {Found} */
export function onServer(kind, key) {
  const id = idOf(key);
  if (id === null) return NOTHING;
  const here = kind === "task" ? server.tasks.get(id) : server.lists.get(id);
  const gone = kind === "task" && !here ? server.trash.get(id) : undefined;
  const answered = ahead.get(name(kind, id));
  if (answered && answered.version > ((here ?? gone)?.version ?? 0)) {
    return { object: shown(kind, answered), place: "here" };
  }
  if (here) return { object: shown(kind, here), place: "here" };
  return gone ? { object: shown(kind, gone), place: "trash" } : NOTHING;
}

/** An answer shows it as it is now. @param {Kind} kind @param {any} object */
export function answered(kind, object) {
  ahead.set(name(kind, object.id), object);
  dirty.add(name(kind, keyOf(kind, object.id)));
}

/**
 * A row of the journal, in its turn. What it says replaces what is on top of it.
 *
 * @param {Change} row
 * @param {(store: "tasks" | "lists" | "trash", put: any, drop?: number) => void} keep told what to write down
 */
export function applyRow({ kind, action, id, at, before, after, key }, keep) {
  const store = kind === "task" ? "tasks" : "lists";
  if (after) {
    server[store].set(id, after);
    keep(store, after);
    if (kind === "task" && server.trash.delete(id)) keep("trash", null, id);
  } else if (action === "delete" || action === "purge") {
    const last = before ?? server[store].get(id);
    if (server[store].delete(id)) keep(store, null, id);
    const isTrash = kind === "task" && action === "delete" && last;
    if (isTrash) {
      server.trash.set(id, { ...last, deleted_at: at });
      keep("trash", server.trash.get(id));
    } else if (kind === "task" && server.trash.delete(id)) {
      keep("trash", null, id);
    }
  }
  const known = ahead.get(name(kind, id));
  if (known && known.version <= ((after ?? before)?.version ?? Number.POSITIVE_INFINITY)) {
    ahead.delete(name(kind, id));
  }
  const touched = name(kind, keyOf(kind, id));
  dirty.add(touched);
  const edit = key === null ? undefined : laid.get(key);
  if (edit) {
    edit.lifted.add(touched);
    take(touched, edit.edit.key);
  }
}

/** Many at once: pages of the first load, or what this browser kept. @param {"tasks" | "lists" | "trash"} store @param {any[]} objects */
export function putAll(store, objects) {
  const kind = store === "lists" ? "list" : "task";
  for (const each of objects) {
    server[store].set(each.id, each);
    dirty.add(name(kind, keyOf(kind, each.id)));
  }
}

/** Forget what the server said; until the next `publish` it stays in view. */
export function forgetServer() {
  for (const [store, objects] of Object.entries(server)) {
    const kind = store === "lists" ? "list" : "task";
    for (const id of objects.keys()) dirty.add(name(kind, keyOf(kind, id)));
    objects.clear();
  }
  ahead.clear();
}

/** Forget everything: another account comes. */
export function forgetAll() {
  for (const map of [...Object.values(server), ahead, overlay, laid, ids, keys]) map.clear();
  dirty = new Set();
  batch(() => {
    tasks.value = lists.value = trashed.value = new Map();
    childrenOf.value = new Map();
    isLoaded.value = false;
    loading.value = null;
  });
}

// What was done here

/** Put an edit on top of what is there, or in the place of its former version. @param {Edit} edit */
export function overlayEdit(edit) {
  const lifted = laid.get(edit.key)?.lifted ?? new Set();
  removeEdit(edit.key);
  laid.set(edit.key, { edit, lifted });
  for (const effect of edit.effects) {
    const on = name(effect.kind, effect.key);
    if (lifted.has(on)) continue;
    const entries = overlay.get(on) ?? [];
    let at = entries.length;
    while (at > 0 && /** @type {any} */ (entries[at - 1]).edit.key > edit.key) at--;
    overlay.set(on, entries.toSpliced(at, 0, { edit, effect }));
    dirty.add(on);
  }
}

/** @param {string} editKey */
export function removeEdit(editKey) {
  for (const { kind, key } of laid.get(editKey)?.edit.effects ?? []) take(name(kind, key), editKey);
  laid.delete(editKey);
}

/** @param {string} on @param {string} editKey */
function take(on, editKey) {
  const entries = overlay.get(on);
  const others = entries?.filter((entry) => entry.edit.key !== editKey);
  if (!others || others.length === entries?.length) return;
  if (others.length > 0) overlay.set(on, others);
  else overlay.delete(on);
  dirty.add(on);
}

/** Whether the journal has told all that an edit did. @param {string} editKey */
export function isOver(editKey) {
  const on = laid.get(editKey);
  return !on || on.edit.effects.every(({ kind, key }) => on.lifted.has(name(kind, key)));
}

// Together

/** Whoever sees what changed of an object goes by the same names. @param {Kind} kind @param {any} object */
function shown(kind, object) {
  const { list_id, parent_id, open_count, ...rest } = object;
  rest.key = keyOf(kind, object.id);
  if (kind === "list") return rest;
  rest.listKey = list_id === null ? null : keyOf("list", list_id);
  rest.parentKey = parent_id === null ? null : keyOf("task", parent_id);
  return rest;
}

/** @param {Kind} kind @param {string} key @returns {Found} */
function compute(kind, key) {
  if (canonical(kind, key) !== key) return NOTHING; // it goes by another name by now
  let found = onServer(kind, key);
  let unsent = false;
  let conflict = false;
  for (const { edit, effect } of overlay.get(name(kind, key)) ?? []) {
    found = apply(found, effect, edit.at);
    unsent ||= edit.state !== "done" && !effect.along;
    conflict ||= edit.state === "conflict";
  }
  if (!found.object) return found;
  const id = found.object.id ?? idOf(key);
  return { object: { ...found.object, key, id, unsent, conflict }, place: found.place };
}

/** Show what has changed: one new map for all of it. */
export function publish() {
  if (dirty.size === 0) return;
  const changed = dirty;
  dirty = new Set();
  const nextTasks = new Map(tasks.peek());
  const nextLists = new Map(lists.peek());
  const nextTrashed = new Map(trashed.peek());
  /** @type {Map<string | null, Task[]>} */
  const arrivals = new Map();
  /** @type {Set<string>} */
  const touched = new Set();
  let listsChanged = false;
  for (const each of changed) {
    const kind = each.startsWith("task") ? "task" : "list";
    const key = each.slice(5);
    const { object, place } = compute(kind, key);
    if (kind === "list") {
      listsChanged = true;
      set(nextLists, key, place === "here" ? object : null);
      continue;
    }
    touched.add(key);
    const before = nextTasks.get(key);
    if (before) arrivals.set(before.parentKey, arrivals.get(before.parentKey) ?? []);
    set(nextTasks, key, place === "here" ? object : null);
    set(nextTrashed, key, place === "trash" ? object : null);
    if (place !== "here") continue;
    const siblings = arrivals.get(object.parentKey);
    if (siblings) siblings.push(object);
    else arrivals.set(object.parentKey, [object]);
  }
  const family = new Map(childrenOf.peek());
  for (const [parent, arrived] of arrivals) {
    const stayed = (family.get(parent) ?? []).filter((task) => !touched.has(task.key));
    const siblings = [...stayed, ...arrived].sort(byPosition);
    if (siblings.length > 0) family.set(parent, siblings);
    else family.delete(parent);
  }
  batch(() => {
    if (touched.size > 0) {
      tasks.value = nextTasks;
      trashed.value = nextTrashed;
      childrenOf.value = family;
    }
    if (listsChanged) lists.value = nextLists;
  });
}

/** @param {Map<string, any>} map @param {string} key @param {any} object */
function set(map, key, object) {
  if (object) map.set(key, object);
  else map.delete(key);
}
