// Sending the outbox: in order, one request at a time, each exactly once.
//
// A request is written down before it is sent and repeated as it is, under the same key, until
// there is a definite answer: so whatever got lost on the way, its effect is there once. Before it is
// first sent its fields are compared with what the server has by now.

import { call, Problem, Unreachable } from "./api.js";
import { collisions, forApi, newName } from "./edits.js";
import {
  changeEdit,
  edits,
  findEdit,
  nextEdit,
  noteDone,
  numbers,
  onItsWay,
  saveEdits,
} from "./outbox.js";
import { answered, idOf, onServer, publish, tasks, trashed } from "./replica.js";
import { whileLoggedIn } from "./tabs.js";

/** @typedef {import("./types.js").Edit} Edit */
/** @typedef {import("./types.js").Effect} Effect */
/** @typedef {import("./types.js").Sent} Sent */

const SECOND = 1000;
const KEPT_BY_THE_SERVER = 23 * 3600 * SECOND;
const MOST_FAILURES = 5;
const WAITS = [1, 2, 4, 8, 15, 30];
const NOT_ADDED = "What this belongs to was not added.";
const GONE = "This task was deleted meanwhile.";
const NOT_IN_TRASH = "This task is not in the trash any more.";
const LIST_GONE = "This list was deleted meanwhile.";
const UNDO_TOO_LATE = "That can't be undone any more: it has been changed since.";
const UNDO_GONE = "That can't be undone: what it changed is gone for good.";

/** Somebody else is logged in than the account whose edits these are. */
export class AnotherAccount extends Error {}

/** What stops an edit before it is sent, or instead of it. */
class Stop {
  /** @param {(edit: Edit) => Promise<unknown>} act */
  constructor(act) {
    this.act = act;
  }
}

/**
 * @typedef {object} Sender
 * @property {(signal: AbortSignal) => Promise<void>} send all that can be sent now. Raises Unreachable,
 *   AnotherAccount, and Problem where the account may not any more
 */

/**
 * @param {{isStillOurs: () => boolean, tell: (edit: Edit, sentence: string) => void}} how
 * @returns {Sender}
 */
export function makeSender({ isStillOurs, tell }) {
  let isSending = false;
  let pausedUntil = 0;

  async function send(/** @type {AbortSignal} */ signal) {
    if (isSending) return;
    isSending = true;
    try {
      for (let edit = nextEdit(); edit && !signal.aborted; edit = nextEdit()) {
        const rest = pausedUntil - Date.now();
        if (rest > 0) await pause(rest, signal);
        else await sendOne(edit, signal);
      }
    } finally {
      isSending = false;
    }
  }

  async function sendOne(/** @type {Edit} */ edit, /** @type {AbortSignal} */ signal) {
    const request = edit.sent ?? (await prepare(edit, signal));
    if (request instanceof Stop) {
      await request.act(edit);
      return;
    }
    const written = edit.sent
      ? findEdit(edit.key)
      : await changeEdit(edit.key, (found) =>
          found.state === "waiting" ? { ...found, sent: request } : undefined,
        );
    if (written?.state !== "waiting" || signal.aborted) return; // taken back meanwhile
    onItsWay.value = edit.key;
    try {
      const headers = {
        "Idempotency-Key": edit.key,
        ...(request.match && { "If-Match": request.match }),
      };
      const answer = await whileLoggedIn(() => {
        if (!isStillOurs()) throw new AnotherAccount();
        return call(request.method, request.path, request.body, { headers, signal });
      });
      pausedUntil = 0;
      await done(edit, request, answer.body);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      await failed(edit, request, error);
    } finally {
      onItsWay.value = null;
    }
  }

  async function failed(
    /** @type {Edit} */ edit,
    /** @type {Sent} */ request,
    /** @type {Problem} */ problem,
  ) {
    const { status } = problem;
    if (status === 401 || problem.is("cross-site")) {
      throw problem;
    } else if (status === 412 && problem.body.current) {
      const isList = "open_count" in problem.body.current;
      answered(isList ? "list" : "task", problem.body.current);
      await changeEdit(edit.key, (found) => ({ ...found, sent: null }));
    } else if (
      problem.is("undo-conflict") ||
      (edit.request === "undo" && [404, 410].includes(status))
    ) {
      tell(edit, status === 410 ? UNDO_GONE : UNDO_TOO_LATE);
      await saveEdits([], [edit.key]);
    } else if (status === 410 || problem.is("idempotency-mismatch")) {
      await done(edit, request, null); // it was done, but there is nothing left to show
    } else if (status === 404 && isDoneWhereNothingIs(edit)) {
      await saveEdits([], [edit.key]);
    } else if (status === 404 && edit.request === "tasks" && (edit.failures ?? 0) < MOST_FAILURES) {
      // The journal will tell which of its tasks was deleted meanwhile.
      pausedUntil = Date.now() + SECOND / 2;
      const failures = (edit.failures ?? 0) + 1;
      await changeEdit(edit.key, (found) => ({ ...found, sent: null, failures }));
    } else if (status === 404) {
      await refuse(
        edit,
        edit.request === "restore" ? NOT_IN_TRASH : GONE,
        edit.request === "tasks",
      );
    } else if (status >= 500 || status === 429 || status === 409 || status === 408) {
      const failures = (edit.failures ?? 0) + 1;
      if (status === 500 && failures >= MOST_FAILURES) {
        await changeEdit(edit.key, (found) => ({
          ...found,
          state: "refused",
          problem: problem.detail,
          failures: 0,
        }));
        return;
      }
      const wait = (WAITS[Math.min(failures, WAITS.length) - 1] ?? 1) * SECOND;
      pausedUntil = Date.now() + Math.max(problem.wait, wait * (0.5 + Math.random() / 2));
      await changeEdit(edit.key, (found) => ({ ...found, problem: problem.detail, failures }));
    } else {
      await refuse(edit, problem.detail, false);
    }
  }

  return { send };
}

/** Whether it only takes away what is gone already. @param {Edit} edit */
const isDoneWhereNothingIs = ({ request, effects }) =>
  request === "purge" ||
  request === "tag" ||
  (request === "list" && effects.some(({ kind, does }) => kind === "list" && does === "trash"));

/** @param {Edit} edit @param {string} problem @param {boolean} again */
async function refuse(edit, problem, again) {
  const effect = edit.effects.find(({ along }) => !along);
  const seen = effect && (tasks.peek().get(effect.key) ?? trashed.peek().get(effect.key));
  const canBeAnew = again && effect?.kind === "task" && effect.does === "set";
  await changeEdit(edit.key, (found) => ({
    ...found,
    state: "refused",
    problem,
    sent: null,
    ...(canBeAnew && { again: true, ...(seen && { copy: seen }) }),
  }));
}

/** The server has done it. @param {Edit} edit @param {Sent} request @param {any} answer null where it can't be told */
async function done(edit, request, answer) {
  /** @type {["task" | "list", string, number][]} */
  const named = [];
  const made = edit.effects.filter(({ does }) => does === "make");
  if (edit.request === "tasks" && answer) {
    const operations = JSON.parse(request.body).operations;
    for (const [i, task] of answer.results.entries()) {
      if (!task) continue;
      answered("task", task);
      const effect = operations[i].op === "create" ? made.shift() : undefined;
      if (effect) named.push(["task", effect.key, task.id]);
    }
  } else if (edit.request === "list" && answer) {
    answered("list", answer);
    if (made[0]) named.push(["list", made[0].key, answer.id]);
  } else if (edit.request === "restore" && answer) {
    answered("task", answer);
  } else if (edit.request === "undo" && answer?.changes[0]) {
    numbers.set(edit.key, answer.changes[0].operation);
    for (const { kind, after } of answer.changes) if (after) answered(kind, after);
  }
  await noteDone(edit, named);
  publish();
}

// What is sent

/** @param {Edit} edit @param {AbortSignal} signal @returns {Promise<Sent | Stop>} */
async function prepare(edit, signal) {
  const effect = /** @type {Effect} */ (
    edit.effects.find(({ along }) => !along) ?? edit.effects[0]
  );
  const sent = (
    /** @type {string} */ method,
    /** @type {string} */ path,
    /** @type {any} */ body,
    /** @type {string} */ match,
  ) => ({
    method,
    path,
    body: body === undefined ? "" : JSON.stringify(body),
    at: Date.now(),
    ...(match && { match }),
  });
  if (edit.request === "tasks") {
    const operations = operationsOf(edit);
    if (operations instanceof Stop) return operations;
    return operations.length > 0 ? sent("POST", "tasks/batch", { operations }, "") : nothingLeft();
  }
  if (edit.request === "undo") {
    const seq = edit.seq ?? numbers.get(edit.of ?? "");
    return seq ? sent("POST", `changes/${seq}/undo`, undefined, "") : nothingLeft();
  }
  if (edit.request === "tag") {
    return sent("PATCH", `tags/${encodeURIComponent(edit.tag ?? "")}`, { tag: edit.newTag }, "");
  }
  if (effect.does === "make") return sent("POST", "lists", effect.set, "");
  const id = idOf(effect.key);
  if (id === null) return refusal(NOT_ADDED);
  if (edit.request === "restore") return sent("POST", `trash/${id}/restore`, undefined, "");
  if (edit.request === "purge") return sent("DELETE", `trash/${id}`, undefined, "");
  if (effect.does === "trash") return sent("DELETE", `lists/${id}`, undefined, "");
  return await listChange(edit, effect, id, sent, signal);
}

/** A list's ETag is asked for: changes and pages don't show it. @param {Edit} edit @param {Effect} effect @param {number} id @param {any} sent @param {AbortSignal} signal @returns {Promise<Sent | Stop>} */
async function listChange(edit, effect, id, sent, signal) {
  let present;
  try {
    present = await call("GET", `lists/${id}`, undefined, { signal });
  } catch (error) {
    if (error instanceof Problem && error.status === 404) {
      return refusal(LIST_GONE);
    }
    throw error;
  }
  answered("list", present.body);
  publish();
  const fields = collisions(effect, present.body);
  if (fields.length > 0) return collision(edit, effect, fields);
  return sent("PATCH", `lists/${id}`, effect.set, present.headers.get("ETag"));
}

/** @param {Edit} edit @returns {any[] | Stop} */
function operationsOf(edit) {
  /** @type {any[]} */
  const operations = [];
  /** @type {Map<string, string>} */
  const made = new Map();
  let isMissing = false;
  const reference = (/** @type {"task" | "list"} */ kind, /** @type {string} */ key) => {
    const found = (kind === "task" ? made.get(key) : undefined) ?? idOf(key);
    isMissing ||= found === null;
    return found;
  };
  for (const effect of edit.effects) {
    if (effect.along) continue;
    if (effect.does === "make") {
      made.set(effect.key, `#${operations.length}`);
      operations.push({ op: "create", task: forApi(effect.set ?? {}, reference) });
      continue;
    }
    const { object: now, place } = onServer("task", effect.key);
    if (effect.does === "trash") {
      if (place === "here") operations.push({ op: "delete", id: now.id, if_version: now.version });
      continue;
    }
    if (place !== "here") return gone(edit, effect);
    const fields = collisions(effect, now);
    if (fields.length > 0) return collision(edit, effect, fields);
    const changes = forApi(effect.set ?? {}, reference);
    operations.push({ op: "update", id: now.id, changes, if_version: now.version });
  }
  return isMissing ? missing() : operations;
}

/** Another window may have dropped what it belongs to, and changed it: the disk knows. */
const missing = () =>
  new Stop(async ({ key, effects }) => {
    const now = await changeEdit(key, () => undefined);
    if (now && now.effects.length === effects.length && !isFreed(now)) {
      await refuse(now, NOT_ADDED, false);
    }
  });

/** Whether it belongs to nothing that isn't there. @param {Edit} edit */
const isFreed = ({ effects }) =>
  effects.every(({ set }) =>
    [set?.listKey, set?.parentKey].every(
      (key) => !key || idOf(key) !== null || effects.some((each) => each.key === key),
    ),
  );

/** @param {string} problem */
const refusal = (problem) => new Stop((edit) => refuse(edit, problem, false));

const nothingLeft = () => new Stop((edit) => saveEdits([], [edit.key]));

/** One of its tasks can't have it: that one waits for a word, and the others go on. @param {Edit} edit @param {Effect} effect */
const gone = (edit, effect) =>
  apart(edit, effect, {
    state: "refused",
    problem: GONE,
    again: true,
    copy: trashed.peek().get(effect.key),
  });

/** @param {Edit} edit @param {Effect} effect @param {import("./types.js").Field[]} fields */
const collision = (edit, effect, fields) => apart(edit, effect, { state: "conflict", fields });

/** @param {Edit} edit @param {Effect} effect @param {Partial<Edit>} how */
function apart(edit, effect, how) {
  const isIt = (/** @type {Effect} */ each) => each.kind === effect.kind && each.key === effect.key;
  return new Stop(async () => {
    const rest = edit.effects.filter((each) => !isIt(each));
    if (rest.every(({ along }) => along)) {
      await changeEdit(edit.key, (found) => ({ ...found, ...how, effects: [effect, ...rest] }));
      return;
    }
    /** @type {Edit} */
    const part = { ...edit, ...how, key: `${edit.key}~${newName()}`, effects: [effect] };
    if (effect.kind === "task") part.taskKey = effect.key;
    const left = await changeEdit(edit.key, (found) => ({ ...found, effects: rest }));
    if (left) await saveEdits([part]);
  });
}

/**
 * The journal was read from its present end: whether edits without an answer were done can't be
 * seen in it any more, and the server has forgotten the keys of old ones.
 */
export async function refuseUncertain() {
  const now = Date.now();
  const uncertain = edits
    .peek()
    .filter(({ state, sent }) => state === "waiting" && sent && now - sent.at > KEPT_BY_THE_SERVER);
  const problem = "Whether this was saved can't be told any more. Look, then try again or drop it.";
  const put = uncertain.map((edit) => ({
    ...edit,
    state: /** @type {const} */ ("refused"),
    problem,
    sent: null,
  }));
  if (put.length > 0) await saveEdits(put);
}

/** @param {number} milliseconds @param {AbortSignal} signal @returns {Promise<void>} */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}

export { Unreachable };
