// Between the replica and the server: the first load, the stream of changes, and healing by itself.
//
// One window of the browser does it for all (`tabs.js`). It reads the journal from its cursor on,
// then follows the events; whatever breaks off is taken up again from the cursor.

import { signal } from "../parts/html.js";
import { address, call, nextPage, Problem, Unreachable } from "./api.js";
import { canKeep, openDatabase } from "./database.js";
import { emptyHistory, fillHistory, tell } from "./history.js";
import {
  edits,
  emptyOutbox,
  fillOutbox,
  letGo,
  noteName,
  oldNumbers,
  takeEdits,
  takeRows,
} from "./outbox.js";
import { forgetAll, forgetServer, isLoaded, loading, publish, putAll } from "./replica.js";
import { makeSender, pause, refuseUncertain } from "./sending.js";
import { joinChannel, lead, tab } from "./tabs.js";

/** @typedef {import("./types.js").Connection} Connection */
/** @typedef {import("./types.js").Change} Change */
/** @typedef {import("./database.js").Batch} Batch */

const SECOND = 1000;
/** The server gives a sign of life every 15 seconds. */
const SILENCE = 40 * SECOND;
/** So long a server that was there a moment ago is taken to be starting again. */
const RESTART = 20 * SECOND;
const PAUSES = [0.1, 0.3, 0.7, 1.5, 3, 6, 12];
const LARGEST_PAGE = 500;
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
 * @param {{isStillOurs: () => boolean, accountIsOver: () => Promise<boolean>, whenTakenAway: () => void}} account
 *   `accountIsOver` asks the server who is logged in, and acts if it is somebody else
 * @returns {Promise<Replica>}
 */
export async function openReplica(name, { isStillOurs, accountIsOver, whenTakenAway }) {
  const database = await openDatabase(name, whenTakenAway);
  /** @type {number | undefined} */
  let cursor;
  let isLeading = false;
  let isReading = false;
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
    const known = kept.state.find(({ key }) => key === "cursor")?.value;
    fillOutbox(database, /** @type {any} */ (kept), { say: channel.say, wake });
    fillHistory(database, kept.undo);
    if (known !== undefined) show(kept, known);
    isReading = false;
    for (const message of later.splice(0)) receive(message);
    return kept;
  }

  /** @param {Record<string, any[]>} kept @param {number} upTo */
  function show(kept, upTo) {
    forgetServer();
    putAll("lists", kept.lists ?? []);
    putAll("tasks", kept.tasks ?? []);
    putAll("trash", kept.trash ?? []);
    cursor = upTo;
    publish();
    isLoaded.value = true;
    loading.value = null;
  }

  /** Another window is ahead of this one, or has started over. */
  async function readAgain() {
    if (isReading || isLeading) return;
    isReading = true;
    const kept = await database.read();
    const known = kept.state.find(({ key }) => key === "cursor")?.value;
    if (known !== undefined) {
      show(kept, known);
      const there = new Set(kept.outbox.map((edit) => edit.key));
      const gone = edits.peek().filter(({ key, state }) => state === "done" && !there.has(key));
      takeEdits(
        kept.outbox,
        gone.map(({ key }) => key),
      );
    }
    isReading = false;
    for (const message of later.splice(0)) receive(message);
  }

  /** @type {Batch} */
  let unwritten = {};
  let writing = Promise.resolve();

  /** Write down, some time soon, in the order in which it was said. @param {Batch} batch */
  function writeDown(batch) {
    const isFirst = Object.keys(unwritten).length === 0;
    for (const [store, { put = [], drop = [] }] of Object.entries(batch)) {
      const key = store === "tasks" || store === "trash" || store === "lists" ? "id" : "key";
      unwritten[/** @type {"tasks"} */ (store)] ??= {};
      const both = /** @type {import("./database.js").Writes} */ (
        unwritten[/** @type {"tasks"} */ (store)]
      );
      const now = new Set([...put.map((each) => each[key]), ...drop]);
      both.put = [...(both.put ?? []).filter((each) => !now.has(each[key])), ...put];
      both.drop = [...(both.drop ?? []).filter((each) => !now.has(each)), ...drop];
    }
    if (!isFirst) return;
    writing = writing.then(async () => {
      const all = unwritten;
      unwritten = {};
      await database.write(all).catch(() => {}); // what is missing comes again with the next start
    });
  }

  // The other windows

  function receive(/** @type {any} */ message) {
    if (isReading) {
      later.push(message);
      return;
    }
    if (message.type === "edits") {
      for (const [kind, key, id] of message.named ?? []) noteName(kind, key, id);
      takeEdits(message.put, message.drop);
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
      (message.type === "cursor" && message.cursor > (cursor ?? -1))
    ) {
      readAgain();
    } else if (message.type === "hello" && isLeading) {
      leadership.yieldTo();
      writing.then(() => {
        channel.say({ type: "connection", connection: connection.peek() });
        if (cursor !== undefined) channel.say({ type: "cursor", cursor });
      });
    }
  }

  /** Rows from the window that leads. @param {readonly Change[]} rows */
  function follow(rows) {
    if (isLeading || cursor === undefined) return;
    const known = cursor;
    const fresh = rows.filter(({ seq }) => seq > known);
    if (fresh.length === 0) return;
    if (fresh[0]?.seq !== known + 1) {
      setTimeout(() => channel.say({ type: "hello" }), 50); // it has written them down by then
      return;
    }
    cursor = fresh.at(-1)?.seq;
    takeRows(fresh);
  }

  function becomeVisible() {
    if (document.hidden) return;
    if (isLeading) wake();
    else channel.say({ type: "hello" });
  }

  /** @param {Connection} now */
  function set(now) {
    if (connection.peek() === now) return;
    connection.value = now;
    channel.say({ type: "connection", connection: now });
  }

  // The window that leads

  /** Send what there is, or find out sooner whether the server is back. */
  function wake() {
    if (!isLeading) return;
    if (connection.peek() === "online") sendAll();
    else if (Date.now() - lastTry > SECOND) hurry.abort();
  }

  function sendAll() {
    sender.send(leading).catch((/** @type {unknown} */ error) => {
      if (error instanceof Problem && error.is("cross-site")) set("forbidden");
      else hurry.abort(error); // the loop below finds out what is wrong
    });
  }

  async function keepFollowing(/** @type {AbortSignal} */ signal) {
    leading = signal;
    isLeading = true;
    let failures = 0;
    let lostAnswers = 0;
    try {
      const kept = await database.state("cursor"); // another window may have led until now
      if (kept !== undefined && kept !== cursor) {
        isLeading = false;
        await readAgain();
        isLeading = true;
      }
      while (!signal.aborted) {
        hurry = new AbortController();
        const either = AbortSignal.any([signal, hurry.signal]);
        lastTry = Date.now();
        try {
          if (await accountIsOver()) return;
          await catchUp(either);
          failures = 0;
          set("online");
          sendAll();
          await listen(either).finally(() => {
            wasOnline = Date.now();
          });
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
      isLeading = false;
      await writing;
    }
  }

  /** @param {unknown} error @param {number} failures */
  async function fail(error, failures) {
    if (error instanceof Problem && error.status === 410) {
      cursor = undefined; // start over; the outbox stays
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
    if (cursor === undefined) await load(signal);
    const before = new Set(
      edits
        .peek()
        .filter(({ state }) => state === "done")
        .map(({ key }) => key),
    );
    for (let more = true; more; ) {
      const { body } = await call(
        "GET",
        `changes?after=${cursor}&limit=${LARGEST_PAGE}`,
        undefined,
        { signal },
      );
      take(body.changes);
      more = body.more;
    }
    writeDown(letGo(({ key }) => before.has(key)));
  }

  /** @param {readonly Change[]} rows */
  function take(rows) {
    const known = cursor ?? 0;
    const fresh = rows.filter(({ seq }) => seq > known);
    if (fresh.length === 0) return;
    if (fresh[0]?.seq !== known + 1) throw new Error("The journal has a gap.");
    cursor = fresh.at(-1)?.seq;
    const batch = takeRows(fresh);
    channel.say({ type: "rows", rows: fresh });
    writeDown({ ...batch, state: { put: [{ key: "cursor", value: cursor }] } });
  }

  /** Everything, as it is now. @param {AbortSignal} signal */
  async function load(signal) {
    const begin = (await call("GET", "changes", undefined, { signal })).body.cursor;
    const { count } = (await call("GET", "tasks/count", undefined, { signal })).body;
    const progress = { done: 0, total: count };
    const report = () => {
      loading.value = { ...progress };
      channel.say({ type: "loading", loading: loading.value });
    };
    if (!isLoaded.peek()) report();
    await writing;
    await database.write({
      tasks: { clear: true },
      trash: { clear: true },
      lists: { clear: true },
      state: { clear: true },
    });
    const isFirst = !isLoaded.peek();
    /** @type {Record<"lists" | "tasks" | "trash", any[]>} */
    const found = { lists: [], tasks: [], trash: [] };
    for (const store of /** @type {const} */ (["lists", "tasks", "trash"])) {
      for (let query = `?limit=${LARGEST_PAGE}`; query; ) {
        const page = await call("GET", store + query, undefined, { signal });
        found[store].push(...page.body);
        await database.write({ [store]: { put: page.body } });
        if (isFirst) {
          putAll(store, page.body);
          publish();
          if (store === "tasks") progress.done += page.body.length;
          report();
        }
        query = nextPage(page.headers) ?? "";
      }
    }
    await refuseUncertain();
    show(found, begin);
    await database.write({
      state: { put: [{ key: "cursor", value: begin }] },
      numbers: { drop: oldNumbers() },
    });
    channel.say({ type: "loading", loading: null });
    channel.say({ type: "reset" });
  }

  /** Follow the events until the stream ends. @param {AbortSignal} signal */
  async function listen(signal) {
    const silent = new AbortController();
    let timer = setTimeout(() => silent.abort(), SILENCE);
    const rowsTimer = setInterval(() => confirm(signal), ROWS_COME_WITHIN);
    try {
      const answer = await reach(
        address(`events?after=${cursor}`),
        AbortSignal.any([signal, silent.signal]),
      );
      const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body)
        .pipeThrough(/** @type {any} */ (new TextDecoderStream()))
        .getReader();
      for (let rest = ""; ; ) {
        const { done, value } = await reader.read().catch(() => ({ done: true, value: "" }));
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(), SILENCE);
        const events = (rest + value).split("\n\n");
        rest = /** @type {string} */ (events.pop());
        take(events.flatMap(changeIn));
      }
    } finally {
      clearTimeout(timer);
      clearInterval(rowsTimer);
    }
  }

  /** Edits that are answered, but of which the journal tells nothing: ask it, then let them go. @param {AbortSignal} signal */
  async function confirm(signal) {
    const waiting = edits
      .peek()
      .filter(({ state }) => state === "done")
      .map(({ key }) => key);
    if (waiting.length === 0) return;
    try {
      const { body } = await call(
        "GET",
        `changes?after=${cursor}&limit=${LARGEST_PAGE}`,
        undefined,
        { signal },
      );
      take(body.changes);
      if (!body.more) writeDown(letGo(({ key }) => waiting.includes(key)));
    } catch (error) {
      hurry.abort(error);
    }
  }

  const retryNow = () => hurry.abort();
  addEventListener("online", retryNow);
  document.addEventListener("visibilitychange", becomeVisible);
  addEventListener("pageshow", becomeVisible);

  connection.value = "connecting";
  await fill();
  const leadership = lead(name, keepFollowing, isShared);
  channel.say({ type: "hello" });

  return {
    name,
    async close() {
      removeEventListener("online", retryNow);
      document.removeEventListener("visibilitychange", becomeVisible);
      removeEventListener("pageshow", becomeVisible);
      hurry.abort();
      channel.close();
      const ended = leadership.end();
      forgetAll();
      emptyOutbox();
      emptyHistory();
      await ended;
      database.close();
    },
  };
}

/** @param {URL} url @param {AbortSignal} signal */
async function reach(url, signal) {
  let answer;
  try {
    answer = await fetch(url, {
      signal,
      cache: "no-store",
      headers: { Accept: "text/event-stream" },
    });
  } catch {
    throw new Unreachable();
  }
  if (answer.ok && answer.body) return answer;
  throw new Problem(answer.status, await answer.json().catch(() => null), answer.headers);
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html @param {string} event @returns {Change[]} */
function changeIn(event) {
  const data = event
    .split("\n")
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(5).trimStart());
  return data.length > 0 ? [JSON.parse(data.join("\n"))] : [];
}
