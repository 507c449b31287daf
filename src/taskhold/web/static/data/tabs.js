// The windows of one browser: they tell each other what happens, and one of them leads.
//
// The leader follows the server's events and sends the outbox, for all. A window that is closed,
// frozen, or long out of sight hands over.

import { base } from "./api.js";

/** @typedef {Record<string, any> & {type: string}} Message */

const LONG_HIDDEN = 60_000;
const place = new URL(base).pathname;
const locks = typeof navigator === "object" ? navigator.locks : undefined;

/** This window's name: it stays when the page is loaded anew. */
export const tab = (() => {
  const fresh = Math.random().toString(36).slice(2);
  try {
    const kept = sessionStorage.getItem("taskhold.tab") ?? fresh;
    sessionStorage.setItem("taskhold.tab", kept);
    return kept;
  } catch {
    return fresh;
  }
})();

/** What the replica of an account at this server is called. @param {import("./types.js").User | null} user */
export const replicaName = (user) =>
  user ? `taskhold ${place} ${user.id} ${user.username}` : `taskhold ${place} open`;

/** For what this browser remembers of this server beside replicas. @param {string} what */
export const placeName = (what) => `taskhold ${place} ${what}`;

/** @param {string} name @param {(message: any) => void} receive @param {boolean} [isShared] @returns {{say: (message: Message) => void, close: () => void}} */
export function joinChannel(name, receive, isShared = true) {
  if (typeof BroadcastChannel !== "function" || !isShared) return { say() {}, close() {} };
  const channel = new BroadcastChannel(name);
  channel.onmessage = (event) => receive(event.data);
  let isOpen = true;
  return {
    say: (message) => isOpen && channel.postMessage(message),
    close() {
      isOpen = false;
      channel.close();
    },
  };
}

/**
 * Do `work` while this window is the one that leads; its signal says when to stop. Where windows share
 * nothing each leads for itself.
 *
 * @param {string} name
 * @param {(signal: AbortSignal) => Promise<void>} work
 * @param {boolean} isShared
 * @returns {{end: () => Promise<void>, yieldTo: () => void}}
 */
export function lead(name, work, isShared) {
  let stop = new AbortController();
  let hasEnded = false;
  /** @type {Promise<unknown>} */
  let running = Promise.resolve();
  let hiddenSince = document.hidden ? Date.now() : 0;

  const run = () => {
    if (hasEnded) return;
    const { signal } = stop;
    running =
      locks && isShared
        ? locks.request(`${name} leads`, { signal }, () => work(signal)).catch(() => {})
        : work(signal);
  };
  const pause = () => stop.abort();
  const goOn = () => {
    if (!stop.signal.aborted || hasEnded) return;
    stop = new AbortController();
    run();
  };
  const look = () => {
    hiddenSince = document.hidden ? Date.now() : 0;
  };
  addEventListener("pagehide", pause);
  addEventListener("pageshow", goOn);
  document.addEventListener("freeze", pause);
  document.addEventListener("resume", goOn);
  document.addEventListener("visibilitychange", look);
  run();

  return {
    async end() {
      hasEnded = true;
      stop.abort();
      removeEventListener("pagehide", pause);
      removeEventListener("pageshow", goOn);
      document.removeEventListener("freeze", pause);
      document.removeEventListener("resume", goOn);
      document.removeEventListener("visibilitychange", look);
      await running;
    },
    /** Another window is in view; its timers run on time. */
    yieldTo() {
      if (!hiddenSince || Date.now() - hiddenSince < LONG_HIDDEN || stop.signal.aborted) return;
      stop.abort();
      running.then(goOn);
    },
  };
}

const TURN = placeName("account");

/** While this runs, nobody logs in or out in another window of this browser. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
export const whileLoggedIn = (work) =>
  locks ? locks.request(TURN, { mode: "shared" }, work) : work();

/** While this runs, no window sends anything in an account's name. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
export const whileNobodySends = (work) => (locks ? locks.request(TURN, work) : work());
