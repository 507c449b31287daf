// The bar of what is selected, and the line that says how things stand with the server.

import { restore, setDone, trash } from "../actions.js";
import { account } from "../data/account.js";
import { canWorkOffline, connection } from "../data/connection.js";
import { conflicts, unsent } from "../data/outbox.js";
import { tasks } from "../data/replica.js";
import { html, signal } from "../parts/html.js";
import { Icon, IconButton } from "../parts/icons.js";
import { route } from "../router.js";
import { clearSelection, dialog, focusRow, resting, selected, selecting } from "../state.js";
import { pick } from "../commands.js";
import { confirmPurge } from "./task-row.js";

export function BatchBar() {
  const count = selected.value.size;
  if (count === 0 && !selecting.value) return null;
  const keys = [...selected.value];
  const allDone = keys.length > 0 && keys.every((key) => tasks.value.get(key)?.done);
  /** @param {() => void} act */
  const andLeave = (act) => () => {
    clearSelection();
    act();
  };
  /** @param {"due" | "priority" | "tags" | "list"} kind @param {Event} event */
  const picks = (kind, event) => pick(kind, keys, /** @type {Element} */ (event.currentTarget));
  const isOff = count === 0;
  return html`<div class="batch" role="toolbar" aria-label="Selected tasks">
    <span class="batch-count" role="status"><b>${count}</b><span class="batch-word"> selected</span></span>
    ${
      route.value.view === "trash"
        ? html`<${IconButton} icon="undo" label="Restore" disabled=${isOff} onClick=${andLeave(() => restore(keys))} />
            <${IconButton} icon="trash" label="Delete for good" disabled=${isOff} onClick=${() => confirmPurge(keys)} />`
        : html`<${IconButton}
              icon="done"
              label=${allDone ? "Not done" : "Done"}
              keys="space"
              disabled=${isOff}
              onClick=${andLeave(() => setDone(keys, !allDone))}
            />
            <${IconButton} icon="calendar" label="Due date" keys="d" disabled=${isOff} onClick=${(/** @type {Event} */ event) => picks("due", event)} />
            <${IconButton} icon="flag" label="Priority" keys="p" disabled=${isOff} onClick=${(/** @type {Event} */ event) => picks("priority", event)} />
            <${IconButton} icon="tag" label="Tags" keys="t" disabled=${isOff} onClick=${(/** @type {Event} */ event) => picks("tags", event)} />
            <${IconButton} icon="list" label="Move to a list" keys="l" disabled=${isOff} onClick=${(/** @type {Event} */ event) => picks("list", event)} />
            <${IconButton} icon="trash" label="Delete" keys="#" disabled=${isOff} onClick=${andLeave(() => trash(keys))} />`
    }
    <${IconButton}
      icon="close"
      class="batch-close"
      label="Clear the selection"
      keys="Esc"
      onClick=${() => {
        clearSelection();
        focusRow(resting.peek() ?? undefined);
      }}
    />
  </div>`;
}

/** The note about plain http can be put away. */
const isNoted = signal(false);

/** One quiet line, only while there is something to say. */
export function Notice() {
  const waiting = unsent.value.length;
  const clashes = conflicts.value.length;
  const refused = unsent.value.filter(({ state }) => state === "refused").length;
  const edits = waiting === 1 ? "1 unsent edit" : `${waiting} unsent edits`;
  const state = connection.value;
  /** @type {import("../parts/html.js").VNode[]} */
  const said = [];
  if (state === "offline") said.push(html`<span><${Icon} name="offline" />Offline</span>`);
  if (state === "restarting")
    said.push(html`<span><${Icon} name="offline" />The server is restarting</span>`);
  if (state === "logged-out") {
    said.push(html`<span><${Icon} name="user" />You are logged out.</span>`);
    said.push(
      html`<button type="button" class="link" onClick=${() => location.reload()}>Log in again</button>`,
    );
  }
  if (state === "forbidden")
    said.push(
      html`<span><${Icon} name="conflict" />You may look at this, but not change it.</span>`,
    );
  // Online, edits are on their way: they are worth a word when they are stuck.
  if (waiting > 0 && (state !== "online" || refused > 0)) {
    const words = refused > 0 && state === "online" ? `${refused} refused` : edits;
    said.push(
      html`<button key="unsent" type="button" class="link" onClick=${() => {
        dialog.value = "unsent";
      }}>${words}</button>`,
    );
  }
  if (clashes > 0) {
    const words = clashes === 1 ? "1 conflict to settle" : `${clashes} conflicts to settle`;
    said.push(
      html`<button key="conflicts" type="button" class="link late" onClick=${() => {
        dialog.value = "conflicts";
      }}>${words}</button>`,
    );
  }
  if (said.length === 0 && !canWorkOffline && account.value?.ready && !isNoted.value) {
    said.push(
      html`<span><${Icon} name="offline" />Without https this page needs the network.</span>`,
    );
    said.push(
      html`<button type="button" class="link" onClick=${() => {
        isNoted.value = true;
      }}>All right</button>`,
    );
  }
  return html`<div class="status-line" role="status" hidden=${said.length === 0}>${said}</div>`;
}
