// Between the replica and the server: the first load, the stream of changes, and healing by itself.
//
// One window of the browser does it for all (`tabs.js`). It reads the journal from its cursor on,
// then follows the events; whatever breaks off is taken up again from the cursor.

import { signal } from "../parts/html.js";
import { Problem, speakFor, Unreachable } from "./api.js";
import { canKeep, keyOf, openDatabase } from "./database.js";
import { emptyHistory, fillHistory, tell } from "./history.js";
import {
  edits,
  emptyOutbox,
  fetchMissing,
  fillOutbox,
  hearOf,
  letGo,
  oldNumbers,
  readKept,
  takeRows,
} from "./outbox.js";
import { changesAfter, listen, pagesOf, whatThereIs } from "./reading.js";
import { forgetAll, forgetServer, isLoaded, loading, publish, putAll } from "./replica.js";
import { makeSender, pause, refuseUncertain } from "./sending.js";
import { joinChannel, lead, tab } from "./tabs.js";

/** @typedef {import("./types.js").Connection} Connection */
/** @typedef {import("./types.js").Change} Change */
/** @typedef {import("./database.js").Batch} Batch */
/** @typedef {{cursor: number, mark?: string}} Place how far the journal is known, and its last row by then */

const SECOND = 1000;
/** So long a server that was there a moment ago is taken to be starting again. */
const RESTART = 20 * SECOND;
/** What the server has, too. */
const MIRRORED = /** @type {const} */ (["tasks", "trash", "lists", "state"]);
const PAUSES = [0.1, 0.3, 0.7, 1.5, 3, 6, 12];
/** An answered edit whose rows don't come by themselves changed nothing. */
const ROWS_COME_WITHIN = 3 * SECOND;

/** @type {import("../parts/html.js").Signal<Connection>} */
export const connection = signal("connecting");

/** Whether the page opens and keeps edits without a network. Over plain http on a LAN it doesn't. */
export const canWorkOffline = canKeep && "serviceWorker" in navigator;

/**
 * The replica of one account in this window, opened.
 *
 * @typedef {object} Replica
 * @property {string} name
 * @property {() => Promise<void>} close
 */

/**
 * @param {string} name
 * @param {{accountId: number, isStillOurs: () => boolean, accountIsOver: () => Promise<boolean>, whenTakenAway: () => void}} account
 *   `accountIsOver` asks the server who is logged in, and acts if it is somebody else
 * @returns {Promise<Replica>}
 */
export async function openReplica(name, account) {
  const { accountId, isStillOurs, accountIsOver, whenTakenAway } = account;
  speakFor(accountId);
  const database = await openDatabase(name, whenTakenAway);
  /** @type {Place | undefined} */
  let place;
  let isLeading = false;
  let isReading = false;
  /** Whether all that others did until now is known here: before that nothing is sent. */
  let isCaughtUp = false;
  /** @type {any[]} messages that came while this window read what is kept */
  const later = [];
  /** @type {AbortController} ends a wait or a stream before its time */
  let hurry = new AbortController();
  let lastTry = 0;
  let wasOnline = 0;
  /** @type {AbortSignal} */
  let leading = AbortSignal.abort();

  const isShared = database.isKept;
  const channel = joinChannel(name, receive, isShared);
  const sender = makeSender({
    isStillOurs,
    tell: (edit, sentence) => {
      if (edit.tab === tab) tell(sentence);
      else channel.say({ type: "tell", tab: edit.tab, sentence });
    },
  });

  // What is kept in this browser

  async function fill() {
    isReading = true;
    const kept = await database.read();
    const known = kept.state.find(({ key }) => key === "place");
    fillOutbox(database, /** @type {any} */ (kept), { say: channel.say, wake });
    fillHistory(database, kept.undo);
    if (known) show(kept, known);
    writeDown({ numbers: { drop: oldNumbers() } });
    isReading = false;
    for (const message of later.splice(0)) receive(message);
  }

  /** @param {Record<string, any[]>} kept @param {Place} upTo */
  function show(kept, { cursor, mark }) {
    forgetServer();
    putAll("lists", kept.lists ?? []);
    putAll("tasks", kept.tasks ?? []);
    putAll("trash", kept.trash ?? []);
    place = { cursor, mark };
    publish();
    isLoaded.value = true;
    loading.value = null;
  }

  /** Another window is ahead of this one, or has started over. */
  async function readAgain() {
    if (isReading || isLeading) return;
    isReading = true;
    const kept = await readKept(database.read);
    const known = kept.state.find(({ key }) => key === "place");
    if (known) show(kept, known);
    isReading = false;
    for (const message of later.splice(0)) receive(message);
  }

  /** @type {Batch} */
  let unwritten = {};
  let writing = Promise.resolve();
  let hasFailed = false;

  /** Write down, some time soon, in the order in which it was said. @param {Batch} batch */
  function writeDown(batch) {
    const isFirst = Object.keys(unwritten).length === 0;
    for (const [name, { put = [], drop = [] }] of Object.entries(batch)) {
      const of = /** @type {import("./database.js").Store} */ (name);
      const key = keyOf(of);
      const now = new Set([...put.map((each) => each[key]), ...drop]);
      const { put: earlier = [], drop: gone = [] } = unwritten[of] ?? {};
      unwritten[of] = {
        put: [...earlier.filter((each) => !now.has(each[key])), ...put],
        drop: [...gone.filter((each) => !now.has(each)), ...drop],
      };
    }
    if (!isFirst) return;
    writing = writing.then(async () => {
      const all = unwritten;
      unwritten = {};
      await store(all);
    });
  }

  /** What can't be kept is read from the server again, when the page opens the next time. @param {Batch} batch */
  async function store(batch) {
    if (hasFailed) for (const name of MIRRORED) delete batch[name];
    try {
      await database.write(batch);
    } catch {
      hasFailed = true;
      await database.write({ state: { clear: true } }).catch(() => {});
    }
  }

  // The other windows

  function receive(/** @type {any} */ message) {
    if (isReading) {
      later.push(message);
      return;
    }
    if (message.type === "edits") {
      hearOf(message);
      wake();
    } else if (message.type === "rows") {
      follow(message.rows);
    } else if (message.type === "wake") {
      wake();
    } else if (message.type === "tell" && message.tab === tab) {
      tell(message.sentence);
    } else if (message.type === "connection" && !isLeading) {
      connection.value = message.connection;
    } else if (message.type === "loading" && !isLeading) {
      loading.value = message.loading;
    } else if (
      message.type === "reset" ||
      (message.type === "cursor" && message.cursor > (place?.cursor ?? -1))
    ) {
      readAgain();
    } else if (message.type === "hello" && isLeading) {
      leadership.yieldTo();
      fetchMissing(message.edits).then(wake);
      writing.then(() => {
        channel.say({ type: "connection", connection: connection.peek() });
        if (place) channel.say({ type: "cursor", cursor: place.cursor });
      });
    }
  }

  /** Rows from the window that leads. @param {readonly Change[]} rows */
  function follow(rows) {
    if (isLeading || place === undefined) return;
    const known = place.cursor;
    const fresh = rows.filter(({ seq }) => seq > known);
    // What is kept here has the older ones; word of their edits may have come late.
    hearOf({ put: [], drop: rows.flatMap(({ seq, key }) => (key && seq <= known ? [key] : [])) });
    const last = fresh.at(-1);
    if (!last) return;
    if (fresh[0]?.seq !== known + 1) {
      setTimeout(() => greet(), 50); // it has written them down by then
      return;
    }
    place = { cursor: last.seq, mark: markOf(last) };
    takeRows(fresh);
  }

  /** Tell the window that leads what this one has; it answers if this one is behind. */
  const greet = () => channel.say({ type: "hello", edits: edits.peek().map(({ key }) => key) });

  function becomeVisible() {
    if (document.hidden) return;
    if (isLeading) wake();
    else greet();
  }

  /** @param {Connection} now */
  function set(now) {
    if (connection.peek() === now) return;
    connection.value = now;
    channel.say({ type: "connection", connection: now });
    // What waits here must not be cleared away by a browser that needs room.
    if (now === "offline") navigator.storage?.persist?.();
  }

  // The window that leads

  /** Send what there is, or find out sooner whether the server is back. */
  function wake() {
    if (!isLeading) return;
    if (isCaughtUp) sendAll();
    else if (Date.now() - lastTry > SECOND) hurry.abort();
  }

  /** @type {Promise<unknown>} */
  let sending = Promise.resolve();

  function sendAll() {
    const sent = sender.send(leading).catch((/** @type {unknown} */ error) => {
      if (error instanceof Problem && error.is("cross-site")) set("forbidden");
      else hurry.abort(error); // the loop below finds out what is wrong
    });
    sending = sending.then(() => sent);
  }

  async function keepFollowing(/** @type {AbortSignal} */ signal) {
    leading = signal;
    isLeading = true;
    let failures = 0;
    let lostAnswers = 0;
    try {
      const kept = await database.state("place"); // another window may have led until now
      if (kept && kept.cursor !== place?.cursor) {
        isLeading = false;
        await readAgain();
        isLeading = true;
      }
      await readKept(async () => ({
        outbox: await database.all("outbox"),
        numbers: await database.all("numbers"),
      }));
      while (!signal.aborted) {
        hurry = new AbortController();
        const either = AbortSignal.any([signal, hurry.signal]);
        lastTry = Date.now();
        isCaughtUp = false;
        try {
          if (await accountIsOver()) return;
          await catchUp(either);
          failures = 0;
          isCaughtUp = true;
          set("online");
          sendAll();
          await followEvents(either);
        } catch (error) {
          if (signal.aborted) return;
          if (!hurry.signal.aborted) failures += 1;
          await fail(error, failures);
        }
        // Where only writes fail, reading well is no reason to try them without a pause.
        lostAnswers = hurry.signal.reason instanceof Unreachable ? lostAnswers + 1 : 0;
        const wait = PAUSES[Math.min(Math.max(failures, lostAnswers), PAUSES.length - 1)] ?? 1;
        const until = lostAnswers > 1 ? signal : either;
        await pause(wait * SECOND * (0.5 + Math.random() / 2), until);
      }
    } finally {
      isCaughtUp = false;
      await sending; // before another window takes over
      await writing;
      isLeading = false;
    }
  }

  async function followEvents(/** @type {AbortSignal} */ signal) {
    const asking = setInterval(() => confirm(signal), ROWS_COME_WITHIN);
    try {
      await listen(/** @type {Place} */ (place).cursor, signal, take);
    } finally {
      clearInterval(asking);
      wasOnline = Date.now();
    }
  }

  /** @param {unknown} error @param {number} failures */
  async function fail(error, failures) {
    if (error instanceof Problem && error.status === 410) {
      startOver();
    } else if (error instanceof Problem && error.status === 403) {
      set("forbidden");
    } else if (error instanceof Problem && error.status < 500 && error.status !== 429) {
      await accountIsOver().catch(() => false);
    } else if (failures > 1 || connection.peek() === "connecting") {
      const isRestarting = error instanceof Problem || Date.now() - wasOnline < RESTART;
      set(isRestarting && navigator.onLine ? "restarting" : "offline");
    }
  }

  /** Up to the present end of the journal. @param {AbortSignal} signal */
  async function catchUp(signal) {
    if (place === undefined) await load(signal);
    const before = answeredEdits();
    // From the last row that is known: another journal, of another database, has another one there.
    const from = /** @type {Place} */ (place);
    const { changes, more } = await changesAfter(Math.max(0, from.cursor - 1), signal);
    const last = changes.find(({ seq }) => seq === from.cursor);
    if (last && from.mark !== undefined && markOf(last) !== from.mark) {
      startOver();
      return await catchUp(signal);
    }
    take(changes);
    for (let goesOn = more; goesOn; ) {
      const page = await changesAfter(/** @type {Place} */ (place).cursor, signal);
      take(page.changes);
      goesOn = page.more;
    }
    writeDown(letGo(before));
  }

  /** @returns {Set<string>} */
  const answeredEdits = () =>
    new Set(edits.peek().flatMap(({ key, state }) => (state === "done" ? [key] : [])));

  /** @param {readonly Change[]} rows */
  function take(rows) {
    const known = place?.cursor ?? 0;
    const fresh = rows.filter(({ seq }) => seq > known);
    const last = fresh.at(-1);
    if (!last) return;
    if (fresh[0]?.seq !== known + 1) throw new Error("The journal has a gap.");
    place = { cursor: last.seq, mark: markOf(last) };
    const batch = takeRows(fresh);
    channel.say({ type: "rows", rows: fresh });
    writeDown({ ...batch, state: { put: [{ key: "place", ...place }] } });
    if (isCaughtUp) sendAll(); // what waited for these rows
  }

  /** Everything, as it is now. @param {AbortSignal} signal */
  async function load(signal) {
    const { cursor, count } = await whatThereIs(signal);
    const isFirst = !isLoaded.peek();
    let done = 0;
    const report = () => {
      if (isFirst) loading.value = { done, total: count };
      channel.say({ type: "loading", loading: loading.value });
    };
    report();
    await writing;
    await store({ tasks: { clear: true }, trash: { clear: true }, lists: { clear: true } });
    /** @type {Record<"lists" | "tasks" | "trash", any[]>} */
    const found = { lists: [], tasks: [], trash: [] };
    for (const name of /** @type {const} */ (["lists", "tasks", "trash"])) {
      for await (const page of pagesOf(name, signal)) {
        found[name].push(...page);
        await store({ [name]: { put: page } });
        if (!isFirst) continue;
        putAll(name, page);
        publish();
        if (name === "tasks") done += page.length;
        report();
      }
    }
    await refuseUncertain();
    show(found, { cursor });
    await store({ state: { put: [{ key: "place", cursor }] } });
    channel.say({ type: "loading", loading: null });
    channel.say({ type: "reset" });
  }

  /** The outbox stays. */
  function startOver() {
    place = undefined;
    writeDown({ state: { drop: ["place"] } });
  }

  /** Edits that are answered, but of which the journal tells nothing: ask it, then let them go. @param {AbortSignal} signal */
  async function confirm(signal) {
    const waiting = answeredEdits();
    if (waiting.size === 0 || place === undefined) return;
    try {
      const { changes, more } = await changesAfter(place.cursor, signal);
      take(changes);
      if (more) return;
      writeDown(letGo(waiting));
      sendAll();
    } catch (error) {
      hurry.abort(error);
    }
  }

  const retryNow = () => hurry.abort();
  addEventListener("online", retryNow);
  addEventListener("offline", retryNow); // a dead network doesn't end a stream; a request tells
  document.addEventListener("visibilitychange", becomeVisible);
  addEventListener("pageshow", becomeVisible);

  connection.value = "connecting";
  await fill();
  const leadership = lead(name, keepFollowing, isShared);
  greet();

  return {
    name,
    async close() {
      removeEventListener("online", retryNow);
      removeEventListener("offline", retryNow);
      document.removeEventListener("visibilitychange", becomeVisible);
      removeEventListener("pageshow", becomeVisible);
      hurry.abort();
      channel.close();
      speakFor(null);
      const ended = leadership.end();
      forgetAll();
      emptyOutbox();
      emptyHistory();
      await ended;
      database.close();
    },
  };
}

/** By what a row is known again. @param {Change} row */
const markOf = ({ at, kind, id, action }) => `${at} ${action} ${kind} ${id}`;
