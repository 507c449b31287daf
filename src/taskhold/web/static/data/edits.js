// Edits: what they do to objects, how they are taken back, and where they meet another's.
//
// An edit is one request. Its effects say what it does here at once: to the objects that it names,
// and `along` to those that the server changes with them. Nothing in this module keeps a state.

/** @typedef {import("./types.js").Effect} Effect */
/** @typedef {import("./types.js").Field} Field */
/** @typedef {{object: any, place: "here" | "trash" | "nowhere"}} Found */

/** @type {Found} */
export const NOTHING = { object: null, place: "nowhere" };

const TASK = {
  title: "",
  done: false,
  notes: "",
  due: null,
  priority: "none",
  tags: [],
  listKey: null,
  parentKey: null,
  position: "a0",
};
const LIST = { name: "", archived: false };
const API_NAMES = { listKey: "list_id", parentKey: "parent_id" };

let newest = 0;

/** A name in the order of time, also for what other windows of this browser make, and like no other. */
export function newName() {
  newest = Math.max(Date.now() * 8, newest + 1);
  const random = crypto.getRandomValues(new Uint8Array(10));
  const text = [...random].map((byte) => byte.toString(36).padStart(2, "0")).join("");
  return newest.toString(36).padStart(10, "0") + text;
}

/** Later names come behind those that are here already, whatever the clock says. @param {string} name */
export function notBefore(name) {
  newest = Math.max(newest, Number.parseInt(name.slice(0, 10), 36) || 0);
}

/** When a name was made, in milliseconds since 1970. @param {string} name */
export const madeAt = (name) => Number.parseInt(name.replace(/^new-/, "").slice(0, 10), 36) / 8;

/** @param {Found} found @param {Effect} effect @param {string} at @returns {Found} */
export function apply({ object, place }, effect, at) {
  const { kind, key, does, set = {} } = effect;
  if (does === "make") {
    if (object) return { object, place };
    const made = { ...(kind === "task" ? TASK : LIST), ...set, key, id: null, version: 0 };
    const stamps = { created_at: at, updated_at: at, completed_at: set.done ? at : null };
    return { object: { ...made, ...stamps }, place: "here" };
  }
  if (!object) return NOTHING;
  if (does === "gone") return NOTHING;
  if (does === "trash") return { object: { ...object, deleted_at: at }, place: "trash" };
  const changed = { ...object, ...set, updated_at: at };
  if ("done" in set && set.done !== object.done) changed.completed_at = set.done ? at : null;
  return { object: changed, place: does === "back" ? "here" : place };
}

/** What takes it back, in the order in which that is done. @param {readonly Effect[]} effects @returns {Effect[]} */
export function inverse(effects) {
  /** @type {Effect[]} */
  const back = [];
  for (const { kind, key, does, set, was, along } of [...effects].reverse()) {
    if (does === "set") back.push({ kind, key, does, set: was, was: set, along });
    else if (does === "trash") back.push({ kind, key, does: "back", along });
    else if (does !== "gone") back.push({ kind, key, does: "trash", along });
  }
  return back;
}

/** @param {any} a @param {any} b */
export const same = (a, b) =>
  a === b || (Array.isArray(a) && Array.isArray(b) && JSON.stringify(a) === JSON.stringify(b));

/**
 * The fields that were changed elsewhere, too, and to something else. A position is nothing that
 * anybody wrote: the later one stands.
 *
 * @param {Effect} effect a `set`
 * @param {any} now the object as the server has it
 * @returns {Field[]}
 */
export function collisions({ set = {}, was = {} }, now) {
  return Object.keys(set)
    .filter(
      (name) => name !== "position" && !same(now[name], was[name]) && !same(now[name], set[name]),
    )
    .map((field) => ({ field, base: was[field], mine: set[field], theirs: now[field] }));
}

/**
 * Both versions of a field: tags together, the rest in the notes.
 *
 * @param {Field} field
 * @param {{notes: string}} task as it would be with mine
 * @returns {Record<string, any>} the fields to set
 */
export function both({ field, mine, theirs }, task) {
  if (field === "tags") {
    const known = new Set(theirs.map(foldTag));
    const more = mine.filter((/** @type {string} */ tag) => !known.has(foldTag(tag)));
    return { tags: [...theirs, ...more] };
  }
  if (field === "notes") return { notes: [theirs, mine].filter(Boolean).join("\n\n---\n\n") };
  if (field === "title") {
    return {
      title: mine,
      notes: [task.notes, `Other title: ${theirs}`].filter(Boolean).join("\n\n"),
    };
  }
  return { [field]: mine };
}

/** What two spellings of one tag have in common, as the server sees it. @param {string} tag */
export const foldTag = (tag) => tag.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");

/** A tag's new name in a task's tags; it stands where the first of the two stood. @param {readonly string[]} tags @param {string} from @param {string} to */
export function renamed(tags, from, to) {
  const names = new Set([foldTag(from), foldTag(to)]);
  const first = tags.findIndex((tag) => names.has(foldTag(tag)));
  return tags.flatMap((tag, at) => (at === first ? [to] : names.has(foldTag(tag)) ? [] : [tag]));
}

/**
 * Fields as the API takes them. A subtask is in its parent's list, so that isn't said.
 *
 * @param {Record<string, any>} set
 * @param {(kind: "task" | "list", key: string) => number | string | null} reference
 */
export function forApi(set, reference) {
  /** @type {Record<string, any>} */
  const fields = {};
  for (const [name, value] of Object.entries(set)) {
    if (name === "listKey" || name === "parentKey") {
      if (name === "listKey" && set.parentKey) continue;
      const kind = name === "listKey" ? "list" : "task";
      fields[API_NAMES[name]] = value === null ? null : reference(kind, value);
    } else {
      fields[name] = value;
    }
  }
  return fields;
}

/**
 * What an edit can't be sent before: edits of the same objects, and those that make what it refers to.
 *
 * @param {{effects: readonly Effect[]}} edit
 */
export function needs({ effects }) {
  /** @type {Set<string>} */
  const touched = new Set();
  /** @type {Set<string>} */
  const made = new Set();
  /** @type {Set<string>} */
  const referred = new Set();
  for (const { kind, key, does, set, along } of effects) {
    if (along) continue;
    touched.add(`${kind} ${key}`);
    if (does === "make") made.add(`${kind} ${key}`);
    if (set?.listKey) referred.add(`list ${set.listKey}`);
    if (set?.parentKey) referred.add(`task ${set.parentKey}`);
  }
  return { touched, made, referred };
}

/** An edit's name and those of the parts that were split off. @param {string} name @param {string} edit */
export const isPartOf = (name, edit) => name === edit || name.startsWith(`${edit}~`);

/** @template T @param {Set<T>} some @param {Set<T>} others */
export function meet(some, others) {
  for (const each of some) if (others.has(each)) return true;
  return false;
}
