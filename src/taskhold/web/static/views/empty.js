// What stands where no row is, and where the tasks are still coming.

import { isLoaded, loading, trashed } from "../data/replica.js";
import { html } from "../parts/html.js";
import { confirm } from "../parts/confirm.js";
import { purge } from "../actions.js";
import { go, route } from "../router.js";
import { isFiltered, thisList } from "./shown.js";

/** @type {Record<string, [string, string]>} */
const WORDS = {
  today: ["Nothing is due today", "Whatever is due today or late stands here."],
  upcoming: ["Nothing is coming up", "Tasks with a day after today stand here, day by day."],
  all: ["No open tasks", "What you add goes here."],
  list: ["This list is empty", "What you add here stays in this list."],
  tag: ["No open task has this tag", "Write #tag into a title to give it one."],
  done: ["Nothing is done yet", "What you complete is kept here."],
  trash: ["The trash is empty", "What you delete stays here for a while."],
};

export function Empty() {
  const { view, listKey, q } = route.value;
  if (!isLoaded.value) return null;
  if (isFiltered.value) {
    return html`<div class="empty">
      <p class="empty-title">${q ? html`Nothing matches “<span dir="auto">${q}</span>”` : "Nothing matches"}</p>
      <button
        type="button"
        class="button"
        onClick=${() => {
          const { tags } = route.peek();
          go({
            q: "",
            tags: view === "tag" ? tags.slice(0, 1) : [],
            priority: undefined,
            due: undefined,
          });
        }}
      >
        Clear the search
      </button>
    </div>`;
  }
  if (view === "list" && listKey !== undefined && !thisList.value) {
    return html`<div class="empty">
      <p class="empty-title">There is no such list</p>
      <p>It was deleted, or it isn't yours.</p>
    </div>`;
  }
  const [title, hint] = WORDS[view] ?? ["", ""];
  return html`<div class="empty">
    <p class="empty-title">${title}</p>
    <p>${hint}</p>
  </div>`;
}

/** The first time, when there is nothing to show yet. */
export function Loading() {
  const now = loading.value;
  const words = now?.total
    ? `${now.done.toLocaleString("en")} of ${now.total.toLocaleString("en")} tasks`
    : "";
  return html`<div class="loading" role="status">
    <p>Getting your tasks</p>
    <progress aria-label="Tasks that are here" max=${now?.total || 1} value=${now?.total ? now.done : undefined}></progress>
    <p class="loading-count">${words}</p>
  </div>`;
}

export function emptyTrash() {
  const keys = [...trashed.peek().keys()];
  confirm({
    question: `Delete ${keys.length === 1 ? "one task" : `${keys.length} tasks`} for good?`,
    explanation: "It can't be undone.",
    action: "Empty the trash",
    run: () => purge(keys),
  });
}
