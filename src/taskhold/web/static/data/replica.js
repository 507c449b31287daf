import { signal } from "../parts/html.js";

/** @typedef {import("./types.js").Task} Task */
/** @typedef {import("./types.js").Trashed} Trashed */
/** @typedef {import("./types.js").List} List */

/** @type {import("../parts/html.js").Signal<ReadonlyMap<string, Task>>} */
export const tasks = signal(new Map());
/** @type {import("../parts/html.js").Signal<ReadonlyMap<string, List>>} */
export const lists = signal(new Map());
/** @type {import("../parts/html.js").Signal<ReadonlyMap<string, Trashed>>} */
export const trashed = signal(new Map());
/** @type {import("../parts/html.js").Signal<ReadonlyMap<string | null, readonly Task[]>>} */
export const childrenOf = signal(new Map());
export const isLoaded = signal(false);
/** @type {import("../parts/html.js").Signal<{done: number, total: number} | null>} */
export const loading = signal(null);

/** @param {string} key @returns {Task | undefined} */
export const findTask = (key) => tasks.value.get(key);
/** @param {string} key @returns {List | undefined} */
export const findList = (key) => lists.value.get(key);
