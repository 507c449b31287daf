// Above the rows: what this is, the search, the filters.

import { dayHeading, today } from "../days.js";
import { classes, computed, html, signal } from "../parts/html.js";
import { Icon, IconButton } from "../parts/icons.js";
import { openMenu } from "../parts/menu.js";
import { DUE_FILTERS, go, route } from "../router.js";
import { clock, focusRow, resting, selecting, sheetOpen } from "../state.js";
import { listMenu } from "./sidebar.js";
import { tagName } from "./filters.js";
import { counts, elsewhere, isFiltered, keys, thisList } from "./shown.js";
import { emptyTrash } from "./empty.js";
import { PRIORITY_NAMES } from "./task-row.js";

/** @type {Record<string, string>} */
const TITLES = {
  today: "Today",
  upcoming: "Upcoming",
  all: "All",
  done: "Done",
  trash: "Trash",
  settings: "Settings",
};
/** @type {Record<string, string>} */
const DUE_NAMES = {
  past: "Overdue",
  today: "Due today",
  week: "Due in a week",
  some: "With a due date",
  none: "Without a due date",
};
/** @type {[string | undefined, string][]} */
const SORT_NAMES = [
  [undefined, "Usual order"],
  ["due", "By due date"],
  ["priority", "By priority"],
  ["title", "By title"],
  ["newest", "Newest first"],
];

/** What the view is called. */
export const title = computed(() => {
  const { view, tags } = route.value;
  if (view === "list") return thisList.value?.name ?? "List";
  if (view === "tag") return `#${tags[0]}`;
  return TITLES[view] ?? "Taskhold";
});

/** Whether the filters are unfolded. */
const filtersShown = signal(false);

export function Header() {
  const { view, q } = route.value;
  const hint = view === "today" ? dayHeading(today(clock.value), clock.value).hint : "";
  const count = keys.value.length;
  return html`<header class="header">
      <div class="header-line">
        <${IconButton}
          icon="menu"
          label="Lists and views"
          class="only-narrow"
          aria-expanded=${sheetOpen.value}
          onClick=${() => {
            sheetOpen.value = true;
          }}
        />
        <h1 tabindex="-1" id="view-title"><span dir="auto">${title.value}</span></h1>
        ${hint && html`<span class="header-hint">${hint}</span>`}
        ${thisList.value?.archived && html`<span class="header-hint">archived</span>`}
        <span class="unseen" role="status">${q ? `${count} found` : ""}</span>
        <div class="header-tools">
          <${SearchField} />
          <${IconButton}
            icon="filter"
            label="Filters"
            class=${isFiltered.value && !q ? "is-on" : ""}
            aria-expanded=${filtersShown.value}
            aria-controls="filters"
            onClick=${() => {
              filtersShown.value = !filtersShown.value;
            }}
          />
          <${IconButton}
            icon="more"
            label="Order and more"
            aria-haspopup="menu"
            onClick=${(/** @type {Event} */ event) => openViewMenu(/** @type {Element} */ (event.currentTarget))}
          />
        </div>
      </div>
      ${filtersShown.value && html`<${Filters} />`}
      <${FilterChips} />
    </header>`;
}

function SearchField() {
  const { q, view } = route.value;
  return html`<label class=${classes("search", q && "is-used")}>
    <${Icon} name="search" />
    <input
      id="search"
      type="search"
      value=${q}
      dir="auto"
      placeholder="Search"
      aria-label=${view === "list" || view === "tag" ? `Search in ${title.value}` : `Search ${title.value}`}
      maxlength="200"
      autocomplete="off"
      enterkeyhint="search"
      onInput=${(/** @type {Event} */ event) => {
        const text = /** @type {HTMLInputElement} */ (event.currentTarget).value;
        // One step on the way back for the whole search.
        go({ q: text }, { replace: route.peek().q !== "" });
      }}
      onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
        if (event.isComposing) return;
        if (event.key === "Escape") {
          if (q) go({ q: "" });
          else focusRow(resting.peek() ?? keys.peek()[0]);
        } else if (event.key === "Enter" || event.key === "ArrowDown") focusRow(keys.peek()[0]);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    />
  </label>`;
}

/** The tags that are filtered by; in the view of a tag it isn't one of them. */
function filteredTags() {
  const { view, tags } = route.value;
  return view === "tag" ? tags.slice(1) : tags;
}

/** @param {string[]} tags */
function goTags(tags) {
  const { view, tags: now } = route.peek();
  go({ tags: view === "tag" ? [...now.slice(0, 1), ...tags] : tags });
}

/** @param {{isOn: boolean, onClick: () => void, children: import("../parts/html.js").Children}} props */
function Choice({ isOn, onClick, children }) {
  return html`<button type="button" class="toggle" aria-pressed=${isOn} onClick=${onClick}>${children}</button>`;
}

function Filters() {
  const { priority, due } = route.value;
  const on = filteredTags();
  const tags = [...counts.value.tags.values()].sort((a, b) => b.count - a.count);
  const isOn = (/** @type {string} */ tag) => on.some((each) => tagName(each) === tagName(tag));
  return html`<div class="filters" id="filters">
    <fieldset>
      <legend>Priority</legend>
      ${Object.entries(PRIORITY_NAMES).map(
        ([name, words]) =>
          html`<${Choice}
            key=${name}
            isOn=${priority === name}
            onClick=${() => go({ priority: priority === name ? undefined : name })}
            >${name === "none" ? "None" : words.replace(" priority", "")}<//
          >`,
      )}
    </fieldset>
    <fieldset>
      <legend>Due</legend>
      ${DUE_FILTERS.map(
        (name) =>
          html`<${Choice}
            key=${name}
            isOn=${due === name}
            onClick=${() => go({ due: due === name ? undefined : name })}
            >${DUE_NAMES[name]}<//
          >`,
      )}
    </fieldset>
    ${
      tags.length > 0 &&
      html`<fieldset>
        <legend>Tags</legend>
        <div class="filter-tags">
          ${tags.map(
            ({ tag }) =>
              html`<${Choice}
                key=${tag}
                isOn=${isOn(tag)}
                onClick=${() => goTags(isOn(tag) ? on.filter((each) => tagName(each) !== tagName(tag)) : [...on, tag])}
                ><span dir="auto">${tag}</span><//
              >`,
          )}
        </div>
      </fieldset>`
    }
  </div>`;
}

/** The filters that are on, each with its way out. */
function FilterChips() {
  const { priority, due, sort } = route.value;
  /** @type {[string, () => void][]} */
  const chips = [];
  if (priority) {
    const name = PRIORITY_NAMES[/** @type {keyof typeof PRIORITY_NAMES} */ (priority)];
    chips.push([name, () => go({ priority: undefined })]);
  }
  if (due) chips.push([DUE_NAMES[due] ?? "", () => go({ due: undefined })]);
  for (const tag of filteredTags()) {
    chips.push([`#${tag}`, () => goTags(filteredTags().filter((each) => each !== tag))]);
  }
  if (sort) {
    const name = SORT_NAMES.find(([each]) => each === sort)?.[1] ?? "";
    chips.push([name, () => go({ sort: undefined })]);
  }
  if (chips.length === 0) return null;
  return html`<div class="chips" role="group" aria-label="Filters that are on">
    ${chips.map(
      ([words, undo]) => html`<button
        key=${words}
        type="button"
        class="chip"
        aria-label=${`${words}: take it off`}
        onClick=${() => {
          undo();
          document.getElementById("view-title")?.focus();
        }}
      >
        <span dir="auto">${words}</span><${Icon} name="close" />
      </button>`,
    )}
  </div>`;
}

/** @param {Element} anchor */
function openViewMenu(anchor) {
  const { view, sort, done } = route.peek();
  const list = thisList.peek();
  const isEmpty = keys.peek().length === 0;
  /** @type {(import("../parts/menu.js").MenuItem | null)[]} */
  const lines = [];
  if (view !== "done" && view !== "trash") {
    for (const [name, words] of SORT_NAMES) {
      lines.push({ title: words, checked: sort === name, run: () => go({ sort: name }) });
    }
    lines.push(null);
  }
  lines.push({
    title: "Select tasks",
    icon: "select",
    isDisabled: isEmpty,
    run: () => {
      selecting.value = true;
    },
  });
  if (list) {
    const words = done ? "Hide done tasks" : "Show done tasks";
    lines.push({ title: words, icon: "done", run: () => go({ done: !done || undefined }) });
    lines.push(null, ...listMenu(list));
  }
  if (view === "trash") {
    const words = "Empty the trash";
    lines.push({
      title: words,
      icon: "trash",
      isDanger: true,
      isDisabled: isEmpty,
      run: emptyTrash,
    });
  }
  openMenu(anchor, "Order and more", lines);
}

/** Below the rows of a search: what else there is. */
export function Elsewhere() {
  const { q, view, tags, priority, due } = route.value;
  const { all, done } = elsewhere.value;
  if (!q || (all === 0 && done === 0)) return null;
  const kept = { q, tags: view === "tag" ? tags.slice(1) : tags, priority, due };
  return html`<p class="search-elsewhere">
    ${all > 0 && html`<button type="button" class="link" onClick=${() => go({ view: "all", ...kept })}>${all} more in all tasks</button>`}
    ${done > 0 && html`<button type="button" class="link" onClick=${() => go({ view: "done", ...kept })}>${done} done</button>`}
  </p>`;
}
