// What is kept in this browser: IndexedDB, or memory where there is none (or no Web Locks, without
// which windows can't share it).
//
//   tasks, trash, lists   as the server's journal has them up to a place in it
//   outbox                edits that wait, by their keys
//   undo                  what can be taken back, by keys in the order of time
//   numbers               the ids of what was made here, and the journal's numbers of edits
//   state                 how far the journal is known

/** @typedef {"tasks" | "trash" | "lists" | "outbox" | "undo" | "numbers" | "state"} Store */
/** @typedef {{clear?: boolean, put?: any[], drop?: (string | number)[]}} Writes clears first */
/** @typedef {Partial<Record<Store, Writes>>} Batch */
/** @typedef {[key: string, change: (found: any) => any]} Change undefined leaves it as it is, null takes it away */

/** @type {Store[]} */
export const STORES = ["tasks", "trash", "lists", "outbox", "undo", "numbers", "state"];
const BY_ID = new Set(["tasks", "trash", "lists"]);
/** By what its records are told apart. @param {Store} store */
export const keyOf = (store) => (BY_ID.has(store) ? "id" : "key");

export const canKeep =
  typeof indexedDB === "object" && indexedDB !== null && Boolean(navigator.locks);

/**
 * @typedef {object} Database
 * @property {boolean} isKept whether it outlives the page
 * @property {() => Promise<Record<Store, any[]>>} read all of it, as of one moment
 * @property {(store: Store) => Promise<any[]>} all
 * @property {(key: string) => Promise<any>} state
 * @property {(batch: Batch, how?: {strict?: boolean}) => Promise<void>} write all or nothing
 * @property {(store: Store, changes: readonly Change[]) => Promise<Map<string, any>>} change
 *   records as they are then, after all of these changes or none
 * @property {() => void} close
 */

/** @param {string} name @param {() => void} whenTakenAway @returns {Promise<Database>} */
export async function openDatabase(name, whenTakenAway) {
  if (!canKeep) return inMemory();
  try {
    return kept(await opened(name), whenTakenAway);
  } catch {
    return inMemory(); // no room, or forbidden in this window
  }
}

/** @param {string} name */
export async function deleteDatabase(name) {
  if (!canKeep) return;
  await new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = request.onerror = resolve;
    request.onblocked = () => {}; // other windows close theirs when they are told
  });
}

/** @param {string} name @returns {Promise<IDBDatabase>} */
function opened(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      for (const store of STORES) {
        request.result.createObjectStore(store, { keyPath: keyOf(store) });
      }
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
}

/** @param {IDBDatabase} database @param {() => void} whenTakenAway @returns {Database} */
function kept(database, whenTakenAway) {
  database.onversionchange = () => {
    database.close();
    whenTakenAway();
  };
  database.onclose = whenTakenAway;

  return {
    isKept: true,
    async read() {
      const transaction = database.transaction(STORES, "readonly");
      const found = STORES.map((store) => result(transaction.objectStore(store).getAll()));
      const rows = await Promise.all(found);
      return /** @type {any} */ (Object.fromEntries(STORES.map((store, i) => [store, rows[i]])));
    },
    async all(store) {
      return await result(database.transaction(store, "readonly").objectStore(store).getAll());
    },
    async state(key) {
      const transaction = database.transaction("state", "readonly");
      return await result(transaction.objectStore("state").get(key));
    },
    async write(batch, { strict = false } = {}) {
      const stores = /** @type {Store[]} */ (Object.keys(batch));
      if (stores.length === 0) return;
      const transaction = database.transaction(stores, "readwrite", durability(strict));
      for (const store of stores) {
        const { clear, put = [], drop = [] } = /** @type {Writes} */ (batch[store]);
        const place = transaction.objectStore(store);
        if (clear) place.clear();
        for (const key of drop) place.delete(key);
        for (const record of put) place.put(record);
      }
      transaction.commit(); // now: a window that is being closed hears no answers to go on with
      await committed(transaction);
    },
    async change(store, changes) {
      const transaction = database.transaction(store, "readwrite", durability(true));
      const place = transaction.objectStore(store);
      const found = await Promise.all(changes.map(([key]) => result(place.get(key))));
      const now = new Map();
      for (const [i, [key, change]] of changes.entries()) {
        const changed = change(found[i]);
        if (changed === null) place.delete(key);
        else if (changed !== undefined) place.put(changed);
        now.set(key, changed === undefined ? found[i] : changed);
      }
      await committed(transaction);
      return now;
    },
    close: () => database.close(),
  };
}

/** @param {boolean} strict @returns {IDBTransactionOptions} */
const durability = (strict) => ({ durability: strict ? "strict" : "relaxed" });

/** @param {IDBRequest} request @returns {Promise<any>} */
function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
function committed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

/** @returns {Database} */
export function inMemory() {
  const stores = new Map(STORES.map((store) => [store, new Map()]));
  const place = (/** @type {string} */ store) =>
    /** @type {Map<any, any>} */ (stores.get(/** @type {Store} */ (store)));
  return {
    isKept: false,
    async read() {
      return /** @type {any} */ (
        Object.fromEntries(STORES.map((store) => [store, [...place(store).values()]]))
      );
    },
    all: async (store) => [...place(store).values()],
    state: async (key) => place("state").get(key),
    async write(batch) {
      for (const [store, { clear, put = [], drop = [] }] of Object.entries(batch)) {
        if (clear) place(store).clear();
        for (const key of drop) place(store).delete(key);
        for (const record of put)
          place(store).set(record[keyOf(/** @type {Store} */ (store))], record);
      }
    },
    async change(store, changes) {
      const now = new Map();
      for (const [key, change] of changes) {
        const found = place(store).get(key);
        const changed = change(found);
        if (changed === null) place(store).delete(key);
        else if (changed !== undefined) place(store).set(key, changed);
        now.set(key, changed === undefined ? found : changed);
      }
      return now;
    },
    close() {},
  };
}
