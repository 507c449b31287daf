import { signal } from "../parts/html.js";

/** @type {import("../parts/html.js").Signal<readonly import("./types.js").Edit[]>} */
export const unsent = signal([]);
/** @type {import("../parts/html.js").Signal<readonly import("./types.js").Conflict[]>} */
export const conflicts = signal([]);
/** @param {string} key */
export function retryEdit(key) {
  throw new Error(key);
}
/** @param {string} key */
export function dropEdit(key) {
  throw new Error(key);
}
/** The task of a refused edit is gone: add it anew, as it was seen here. @param {string} key */
export function addAnew(key) {
  throw new Error(key);
}
/** @param {string} key @param {Record<string, "mine" | "theirs" | "both">} choices */
export function settleConflict(key, choices) {
  throw new Error(key + choices);
}
