import { signal } from "./parts/html.js";

/** @typedef {import("./data/types.js").TaskFields} TaskFields */

/** @type {import("./parts/html.js").Signal<import("./data/types.js").LastAction | null>} */
export const lastAction = signal(null);

/** @param {{title: string} & Partial<TaskFields>} fields @returns {string} its key */
export function addTask(fields) {
  throw new Error(fields.title);
}
/** @param {string} _key @param {Partial<TaskFields>} _changes */
export function editTask(_key, _changes) {}
/** @param {readonly string[]} _keys @param {boolean} _done */
export function setDone(_keys, _done) {}
/** @param {readonly string[]} _keys @param {string | null} _due */
export function setDue(_keys, _due) {}
/** @param {readonly string[]} _keys @param {import("./data/types.js").Priority} _priority */
export function setPriority(_keys, _priority) {}
/** @param {readonly string[]} _keys @param {readonly string[]} _tags */
export function addTags(_keys, _tags) {}
/** @param {readonly string[]} _keys @param {readonly string[]} _tags */
export function removeTags(_keys, _tags) {}
/** @param {readonly string[]} _keys @param {string | null} _listKey */
export function moveToList(_keys, _listKey) {}
/** @param {string} _key */
export function indent(_key) {}
/** @param {string} _key */
export function outdent(_key) {}
/** @param {string} _key @param {readonly string[]} _siblingsShown */
export function moveUp(_key, _siblingsShown) {}
/** @param {string} _key @param {readonly string[]} _siblingsShown */
export function moveDown(_key, _siblingsShown) {}
/** @param {readonly string[]} _keys @param {string} _targetKey @param {"before" | "after" | "under"} _where */
export function moveBeside(_keys, _targetKey, _where) {}
/** @param {readonly string[]} _keys */
export function trash(_keys) {}
/** @param {readonly string[]} _keys */
export function restore(_keys) {}
/** @param {readonly string[]} _keys */
export function purge(_keys) {}
/** @param {string} name @returns {string} its key */
export function addList(name) {
  throw new Error(name);
}
/** @param {string} _key @param {{name?: string, archived?: boolean}} _changes */
export function editList(_key, _changes) {}
/** @param {string} _key */
export function trashList(_key) {}
/** @param {string} _old @param {string} _new */
export function renameTag(_old, _new) {}
/** @returns {string | null} what was undone, as a sentence */
export function undo() {
  return null;
}
/** @returns {string | null} */
export function redo() {
  return null;
}
