// What happened to a task, in words. It is asked for when it is opened, and needs the network; each
// change can be taken back, whoever made it.

import { account } from "../data/account.js";
import { call, Unreachable } from "../data/api.js";
import { connection } from "../data/connection.js";
import { dayWords } from "../days.js";
import { html, useEffect, useState } from "../parts/html.js";
import { Icon } from "../parts/icons.js";
import { clock } from "../state.js";

/**
 * @typedef {import("../data/types.js").Task} Task
 * @typedef {import("../data/types.js").Change & {actor: string}} Change
 * @typedef {import("../data/types.js").ApiTask} ApiTask
 */

const PAGE = 20;
const SHORT = 60;

/** @param {{task: Task}} props */
export function History({ task }) {
  const [isOpen, setOpen] = useState(false);
  return html`<details class="history" onToggle=${(/** @type {any} */ event) => setOpen(event.currentTarget.open)}>
    <summary><h3>History</h3><${Icon} name="chevron" /></summary>
    ${isOpen && html`<${Changes} task=${task} />`}
  </details>`;
}

/** @param {{task: Task}} props */
function Changes({ task }) {
  const [changes, setChanges] = useState(/** @type {Change[] | null} */ (null));
  const [next, setNext] = useState(/** @type {string | null} */ (null));
  const [problem, setProblem] = useState("");
  const { id, version } = task;
  const isThere = connection.value === "online" && id !== null;

  /** @param {string} path @param {Change[]} before */
  const load = async (path, before) => {
    try {
      const { body, headers } = await call("GET", path);
      setChanges([...before, ...body]);
      setNext(nextPage(headers.get("Link")));
      setProblem("");
    } catch (error) {
      setProblem(
        error instanceof Unreachable ? "" : String(error instanceof Error ? error.message : error),
      );
    }
  };
  useEffect(() => {
    if (isThere) load(`tasks/${id}/history?limit=${PAGE}`, []);
  }, [id, version, isThere]);

  if (!isThere && !changes) {
    return html`<p class="quiet">${id === null ? "It hasn’t been sent to the server yet." : "The history is there as soon as the server is."}</p>`;
  }
  if (problem) return html`<p class="problem" role="alert">${problem}</p>`;
  if (!changes) return html`<p class="quiet" role="status">Looking it up …</p>`;
  return html`<ol class="changes">
      ${changes.map((change) => html`<${ChangeRow} key=${change.seq} change=${change} onProblem=${setProblem} />`)}
    </ol>
    ${next && html`<button type="button" class="quiet-button" onClick=${() => load(next, changes)}>Show more</button>`}`;
}

/** @param {{change: Change, onProblem: (text: string) => void}} props */
function ChangeRow({ change, onProblem }) {
  const said = inWords(change);
  const takeBack = async () => {
    try {
      await call("POST", `changes/${change.seq}/undo`);
    } catch (error) {
      onProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return html`<li>
    <div class="change-said" dir="auto">
      <span class="change-who">${who(change)}</span>${" "}${said.map((each, index) => html`<span key=${each}>${index > 0 ? ", " : ""}${each}</span>`)}
    </div>
    <time class="change-at" datetime=${change.at}>${dayWords(change.at, clock.peek())}</time>
    ${
      change.action === "update" &&
      html`<button type="button" class="quiet-button" onClick=${takeBack}>
      Take back<span class="unseen">: ${said.join(", ")}</span>
    </button>`
    }
  </li>`;
}

/** @param {Change} change */
function who({ actor }) {
  const user = account.value?.user;
  if (actor === "open" || actor === user?.username) return "You";
  if (actor === "outside") return "Another program";
  if (actor === "retention") return "Taskhold";
  return actor;
}

/** The path of the next page, from a Link header. @param {string | null} link */
function nextPage(link) {
  return /(tasks\/\d+\/history\?[^>]+)>; *rel="next"/.exec(link ?? "")?.[1] ?? null;
}

/** What it did. @param {Change} change @returns {string[]} */
export function inWords({ action, before, after, undoes }) {
  const back = undoes ? ["took something back"] : [];
  switch (action) {
    case "create":
      return ["added it"];
    case "delete":
      return ["moved it to the trash"];
    case "restore":
      return ["brought it back from the trash"];
    case "purge":
      return ["removed it for good"];
    default:
      if (!before || !after) return [...back, "changed it; what, isn’t kept any more"];
      return [...back, ...fieldsInWords(before, after)];
  }
}

/** @param {ApiTask} before @param {ApiTask} after */
function fieldsInWords(before, after) {
  /** @type {string[]} */
  const said = [];
  if (before.title !== after.title) said.push(`renamed it from “${short(before.title)}”`);
  if (before.done !== after.done) said.push(after.done ? "completed it" : "opened it again");
  if (before.notes !== after.notes) said.push(notesInWords(before.notes, after.notes));
  if (before.due !== after.due) said.push(dueInWords(before.due, after.due));
  if (before.priority !== after.priority) {
    said.push(
      after.priority === "none"
        ? "took the priority away"
        : `set the priority to ${after.priority}`,
    );
  }
  const added = after.tags.filter((tag) => !before.tags.includes(tag));
  const removed = before.tags.filter((tag) => !after.tags.includes(tag));
  if (added.length > 0) said.push(`tagged it ${added.map((tag) => `“${tag}”`).join(", ")}`);
  if (removed.length > 0)
    said.push(`took the tag ${removed.map((tag) => `“${tag}”`).join(", ")} away`);
  if (before.parent_id !== after.parent_id) {
    said.push(
      after.parent_id === null ? "made it a task of its own" : "made it a part of another task",
    );
  } else if (before.list_id !== after.list_id) {
    said.push(after.list_id === null ? "took it out of its list" : "moved it to another list");
  } else if (before.position !== after.position) said.push("moved it in the order");
  return said.length > 0 ? said : ["changed it"];
}

/** @param {string} before @param {string} after */
function notesInWords(before, after) {
  if (before === "") return "wrote notes";
  return after === "" ? "removed the notes" : "changed the notes";
}

/** @param {string | null} before @param {string | null} after */
function dueInWords(before, after) {
  const now = clock.peek();
  if (after === null) return "took the due date away";
  return before === null
    ? `set it due ${dayWords(after, now)}`
    : `moved it from ${dayWords(before, now)} to ${dayWords(after, now)}`;
}

/** @param {string} text */
function short(text) {
  return text.length > SHORT ? `${text.slice(0, SHORT)}…` : text;
}
