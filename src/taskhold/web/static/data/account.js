// Who is logged in, and whose replica is open.
//
// One replica for one account of one server. What this browser remembers of who it was lets the page
// open without a network; the server has the last word as soon as it can be asked.

import { signal } from "../parts/html.js";
import { base, call, Problem, Unreachable } from "./api.js";
import { connection, openReplica } from "./connection.js";
import { canKeep, deleteDatabase, openDatabase } from "./database.js";
import { unsent } from "./outbox.js";
import { pause } from "./sending.js";
import { joinChannel, placeName, replicaName, whileNobodySends } from "./tabs.js";

/** @typedef {import("./types.js").Account} Account */
/** @typedef {import("./types.js").User} User */
/** @typedef {{needed: boolean, open_mode: boolean, registration: boolean, user: User | null}} Setup what GET /setup says */
/**
 * @typedef {object} Remembered
 * @property {string} [replica] the name of the one that is open in this browser
 * @property {Account} [account]
 * @property {boolean} [wentOnOpen]
 * @property {boolean} [logsOut] logged out without a network: the server is still to be told
 */

const SECOND = 1000;
const PAUSES = [0.5, 1, 2, 4, 8, 15];
/** The first account is the one that was open to all until then, with the same tasks. */
const FIRST_ACCOUNT_ID = 1;
const NEVER = new AbortController().signal;

/** Null until it is known. @type {import("../parts/html.js").Signal<Account | null>} */
export const account = signal(null);

/** @type {import("./connection.js").Replica | null} */
let replica = null;
/** Changes of account, one after the other. @type {Promise<unknown>} */
let turn = Promise.resolve();
/** Counts logins and logouts: what the server said before the last one means nothing any more. */
let era = 0;
const channel = joinChannel(placeName("account"), () => {
  era += 1;
  ask().catch(lookAtMemory);
});

const MEMORY = placeName("account");

/** @type {Remembered} where the browser keeps nothing for the page */
let inMemory = {};

/** @returns {Remembered} */
function remembered() {
  try {
    return JSON.parse(localStorage.getItem(MEMORY) ?? "{}");
  } catch {
    return inMemory;
  }
}

/** @param {Remembered} what */
function remember(what) {
  inMemory = what;
  try {
    localStorage.setItem(MEMORY, JSON.stringify(what));
  } catch {
    // it lasts as long as the window does
  }
}

/** Open what this browser has, and ask the server who is logged in. */
export async function start() {
  // Without it the page works, but opens only where there is a network.
  navigator.serviceWorker?.register(new URL("service-worker.js", base)).catch(() => {});
  const { account: known, replica: name, logsOut } = remembered();
  if (known?.ready && name && !logsOut) {
    account.value = known;
    await inTurn(() => open(name));
    ask().catch(() => {}); // the replica asks again until there is an answer
    return;
  }
  for (let failures = 0; ; failures++) {
    try {
      await ask();
      return;
    } catch (error) {
      connection.value = error instanceof Unreachable ? "offline" : "restarting";
      await pause((PAUSES[Math.min(failures, PAUSES.length - 1)] ?? 1) * SECOND, NEVER);
    }
  }
}

/** Ask the server, and become what it says. */
async function ask() {
  const then = era;
  const said = await asked();
  await inTurn(() => become(said, then));
}

/** @returns {Promise<Setup>} */
async function asked() {
  if (remembered().logsOut) {
    await endSession();
    remember({ ...remembered(), logsOut: false });
  }
  return (await call("GET", "setup")).body;
}

/** @template T @param {() => Promise<T>} change @returns {Promise<T>} */
function inTurn(change) {
  const done = turn.then(change);
  turn = done.catch(() => {});
  return done;
}

/** @param {Setup} said @param {number} then */
async function become({ needed, open_mode, registration, user }, then) {
  if (then !== era) return;
  const isOpen = open_mode && remembered().wentOnOpen === true;
  /** @type {Account} */
  const now = { user, openMode: open_mode, needed, registration, ready: user !== null || isOpen };
  const name = now.ready ? replicaName(user) : undefined;
  const wasOpen = replica !== null;
  if (!now.ready && !needed) Object.assign(now, whoWas());
  remember({ ...remembered(), account: now, replica: name });
  if (replica && replica.name !== name) await close();
  if (name && user?.id === FIRST_ACCOUNT_ID) await takeOver(replicaName(null), name);
  account.value = now;
  if (name) await open(name);
  else connection.value = wasOpen ? "logged-out" : "online";
}

/** Whose session is over: the same account goes on where it was. */
function whoWas() {
  const { user = null, kept = 0 } = remembered().account ?? {};
  return { user, kept: replica ? unsent.peek().length : kept };
}

/** @param {string} name */
async function open(name) {
  if (replica?.name === name) return;
  await close();
  replica = await openReplica(name, {
    isStillOurs: () => remembered().replica === name,
    accountIsOver,
    whenTakenAway: () => {
      if (replica?.name === name) inTurn(close).then(ask).catch(lookAtMemory);
    },
  });
}

async function close() {
  const closing = replica;
  replica = null;
  await closing?.close();
}

/** Whether it is somebody else who is logged in by now. Raises Unreachable where nobody can tell. */
async function accountIsOver() {
  const then = era;
  const open = replica?.name;
  const said = await asked();
  inTurn(() => become(said, then)); // not waited for: it waits for the one who asks to end
  return !(said.user || said.open_mode) || replicaName(said.user) !== open;
}

/** Without the server: another window has logged out. */
function lookAtMemory() {
  if (replica && remembered().replica !== replica.name) {
    inTurn(async () => {
      await close();
      account.value = {
        user: null,
        openMode: false,
        needed: false,
        registration: false,
        ready: false,
      };
      connection.value = "logged-out";
    });
  }
}

/** Raises Problem with a sentence where the name or the password is wrong. @param {string} username @param {string} password */
export const login = (username, password) => enter("login", { username, password });

/** Make the first account. @param {{username: string, password: string, code: string}} who */
export const setUp = (who) => enter("setup", who);

/** Make an account for oneself, where the server lets anybody, and log in. @param {{username: string, password: string, display_name?: string}} who */
export async function register(who) {
  await call("POST", "register", who);
  await login(who.username, who.password);
}

/** @param {string} path @param {object} body */
async function enter(path, body) {
  await whileNobodySends(async () => {
    const { user } = (await call("POST", path, body)).body;
    // From here on no window sends what is another's.
    remember({ ...remembered(), replica: replicaName(user), logsOut: false }); // it took its place
    era += 1;
  });
  channel.say({ type: "changed" });
  await ask();
}

/** Work without an account, where the server lets who sits at its machine. */
export async function goOnOpen() {
  remember({ ...remembered(), wentOnOpen: true });
  await ask();
}

/**
 * Log out, and leave nothing of the account in this browser.
 *
 * @param {{discard?: boolean}} [how]
 * @returns {Promise<{unsent: number}>} how many edits would be lost; 0 where it is done
 */
export async function logout({ discard = false } = {}) {
  const count = unsent.peek().length;
  if (count > 0 && !discard) return { unsent: count };
  const name = replica?.name;
  await whileNobodySends(async () => {
    let logsOut = false;
    await endSession().catch((error) => {
      if (!(error instanceof Unreachable)) throw error;
      logsOut = true;
    });
    remember({ logsOut });
    era += 1;
  });
  channel.say({ type: "changed" });
  await inTurn(async () => {
    await close();
    if (name) await deleteDatabase(name);
  });
  await ask().catch(() => {
    account.value = {
      user: null,
      openMode: false,
      needed: false,
      registration: false,
      ready: false,
    };
    connection.value = "offline";
  });
  return { unsent: 0 };
}

async function endSession() {
  try {
    await call("POST", "logout");
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) throw error; // else it is over already
  }
}

/** What was done here before there was an account, and isn't sent yet. @param {string} from @param {string} to */
async function takeOver(from, to) {
  if (!canKeep || !(await indexedDB.databases()).some(({ name }) => name === from)) return;
  const old = await openDatabase(from, () => {});
  const { outbox, numbers } = await old.read();
  old.close();
  const mine = await openDatabase(to, () => {});
  await mine.write({ outbox: { put: outbox }, numbers: { put: numbers } }, { strict: true });
  mine.close();
  await deleteDatabase(from);
}

addEventListener("storage", (/** @type {any} */ event) => {
  if (event.key === null) ask().catch(lookAtMemory); // all was cleared
});
