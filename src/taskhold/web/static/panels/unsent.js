// What has not reached the server yet, and what could not: nothing waits unseen.

import { connection } from "../data/connection.js";
import { conflicts, dropEdit, unsent } from "../data/outbox.js";
import { addAnew, retryEdit } from "../data/settling.js";
import { html } from "../parts/html.js";
import { Icon } from "../parts/icons.js";
import { dialog } from "../state.js";
import { ago } from "./access.js";
import { Dialog } from "./dialog.js";
import { ConfirmButton } from "./forms.js";

/** @typedef {import("../data/types.js").Edit} Edit */

/** @type {Record<Edit["state"], string>} */
const STATES = {
  waiting: "Waits",
  sending: "Being sent",
  refused: "Refused",
  conflict: "Changed elsewhere, too",
  done: "Sent",
};
/** @type {Record<string, string>} */
const REASONS = {
  connecting: "The server is being asked.",
  offline: "There is no network. They are sent when it is back, in this order, each once.",
  restarting: "The server is away. They are sent when it is back, in this order, each once.",
  "logged-out": "You are logged out here. They are sent after the next login.",
  forbidden: "This account may not write right now.",
  online: "They are being sent.",
};

export function UnsentEdits() {
  const close = () => {
    dialog.value = null;
  };
  const edits = unsent.value;
  const count = edits.length === 1 ? "1 edit" : `${edits.length} edits`;
  return html`<${Dialog} class="unsent" title=${edits.length === 0 ? "Everything is sent" : `${count} not sent yet`} heading onClose=${close}>
    ${
      edits.length === 0
        ? html`<p class="quiet">Every edit has reached the server.</p>`
        : html`<p class="quiet">${reason(edits)}</p>
          <ol class="entries">
            ${edits.map((edit) => html`<${EditRow} key=${edit.key} edit=${edit} />`)}
          </ol>`
    }
  <//>`;
}

/** @param {readonly Edit[]} edits */
function reason(edits) {
  const isWaiting = edits.some(({ state }) => state === "waiting" || state === "sending");
  return isWaiting ? REASONS[connection.value] : "They can’t be sent as they are.";
}

/** @param {{edit: Edit}} props */
function EditRow({ edit }) {
  const { key, label, at, state, problem } = edit;
  const isStuck = state === "refused" || state === "conflict";
  /** @param {() => void} act */
  const now = (act) => async () => act();
  return html`<li class="entry">
    <div class="entry-main">
      <span class="entry-name" dir="auto">${label}</span>
      <span class=${isStuck ? "badge is-wrong" : "badge"}>
        ${isStuck && html`<${Icon} name="conflict" />`}${STATES[state]}
      </span>
      <span class="entry-more">${ago(at)}${problem ? `. ${problem}` : ""}</span>
    </div>
    <div class="entry-buttons">
      ${
        state === "conflict" &&
        conflicts.value.length > 0 &&
        html`<button type="button" class="quiet-button" onClick=${() => {
          dialog.value = "conflicts";
        }}>Look at both<span class="unseen">: ${label}</span></button>`
      }
      ${state === "refused" && edit.again && html`<button type="button" class="quiet-button" onClick=${() => addAnew(key)}>Add it anew<span class="unseen">: ${label}</span></button>`}
      ${state === "refused" && html`<button type="button" class="quiet-button" onClick=${() => retryEdit(key)}>Try again<span class="unseen">: ${label}</span></button>`}
      ${state !== "sending" && html`<${ConfirmButton} label="Drop" about=${label} what="Lose this edit?" yes="Drop it" run=${now(() => dropEdit(key))} />`}
    </div>
  </li>`;
}
