// Where the person is, kept in the address: `?view=list&list=3&tag=home&q=paint&open=5`.
//
// Back, forward and reload show the same. Only the query is ours, so it works below any path.

import { signal } from "./parts/html.js";

/**
 * @typedef {"today" | "upcoming" | "all" | "done" | "trash" | "list" | "tag" | "settings"} View
 * @typedef {object} Route
 * @property {View} view
 * @property {string} [listKey] the list of the view "list"
 * @property {string} q what is searched for
 * @property {string[]} tags the filter; the first one is the view's own in the view "tag"
 * @property {string} [priority] the filter: none, low, medium or high
 * @property {string} [due] the filter: past, today, week, some or none
 * @property {string} [sort] due, priority, title or newest; else the view's own order
 * @property {boolean} [done] whether done tasks are shown among the open ones
 * @property {string} [open] the task in the details panel
 * @property {string} [section] of the settings
 */

const VIEWS = ["today", "upcoming", "all", "done", "trash", "list", "tag", "settings"];
const PRIORITIES = ["none", "low", "medium", "high"];
export const DUE_FILTERS = ["past", "today", "week", "some", "none"];
export const SORTS = ["due", "priority", "title", "newest"];

/** @param {string | null} found @param {readonly string[]} known */
const oneOf = (found, known) => (found !== null && known.includes(found) ? found : undefined);

/** What an address means; what it doesn't know of is left out. @param {string} query @returns {Route} */
export function parse(query) {
  const found = new URLSearchParams(query);
  const listKey = found.get("list") ?? undefined;
  const tags = [...new Set(found.getAll("tag").filter(Boolean))];
  let view = /** @type {View} */ (oneOf(found.get("view"), VIEWS) ?? "today");
  if ((view === "list" && !listKey) || (view === "tag" && tags.length === 0)) view = "all";
  return {
    view,
    listKey: view === "list" ? listKey : undefined,
    q: found.get("q") ?? "",
    tags,
    priority: oneOf(found.get("priority"), PRIORITIES),
    due: oneOf(found.get("due"), DUE_FILTERS),
    sort: oneOf(found.get("sort"), SORTS),
    done: found.get("done") === "shown" || undefined,
    open: found.get("open") ?? undefined,
    section: view === "settings" ? (found.get("section") ?? undefined) : undefined,
  };
}

/** The address of a route. @param {Route} route */
export function format(route) {
  const query = new URLSearchParams({ view: route.view });
  if (route.listKey) query.set("list", route.listKey);
  for (const tag of route.tags) query.append("tag", tag);
  if (route.q) query.set("q", route.q);
  if (route.priority) query.set("priority", route.priority);
  if (route.due) query.set("due", route.due);
  if (route.sort) query.set("sort", route.sort);
  if (route.done) query.set("done", "shown");
  if (route.section) query.set("section", route.section);
  if (route.open) query.set("open", route.open);
  return `?${query}`;
}

export const route = signal(parse(location.search));

/** Where `changes` lead: another view begins without filters. @param {Partial<Route>} changes @returns {Route} */
export function changed(changes) {
  const now = route.peek();
  const stays =
    (changes.view ?? now.view) === now.view &&
    (!("listKey" in changes) || changes.listKey === now.listKey);
  /** @type {Route} */
  const next = { ...(stays ? now : { view: now.view, q: "", tags: [] }), ...changes };
  return parse(format(next));
}

/** The address that a link to there has. @param {Partial<Route>} changes */
export const linkTo = (changes) => format(changed(changes));

/**
 * Go there. `replace` leaves no step for the way back.
 *
 * @param {Partial<Route>} changes
 * @param {{replace?: boolean}} [how]
 */
export function go(changes, { replace = false } = {}) {
  const next = changed(changes);
  const address = format(next);
  if (address === format(route.peek())) return;
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  route.value = next;
}

/** A click on a link to there, unless it asks for a new tab. @param {MouseEvent} event @param {Partial<Route>} changes */
export function followLink(event, changes) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0) return;
  event.preventDefault();
  go(changes);
}

/** The address after what was made here got its number; the way back doesn't grow. @param {Route} named */
export function rename(named) {
  history.replaceState(null, "", format(named));
}

export function followAddress() {
  addEventListener("popstate", () => {
    route.value = parse(location.search);
  });
}
