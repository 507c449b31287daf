// What this window shows and points at. None of it is a task's: that is the replica's.
//
// focused    the row that the keys act on; null while the focus is in another part of the page
// resting    the row that Tab comes back to
// selected   the rows that are ticked; `targets()` is them, else the focused one, else the open one
// editing    the row whose title is being edited in place
// dialog     the modal that is open

import { findTask } from "./data/replica.js";
import { computed, effect, signal } from "./parts/html.js";
import { route } from "./router.js";

/** @typedef {import("./parts/html.js").Signal<string | null>} KeySignal */

/** @type {KeySignal} */
export const focused = signal(null);
/** @type {KeySignal} */
export const resting = signal(null);
/** @type {import("./parts/html.js").Signal<ReadonlySet<string>>} */
export const selected = signal(new Set());
/** Whether a tap selects instead of opening. */
export const selecting = signal(false);
/** @type {KeySignal} */
export const editing = signal(null);
/** The row that the focus shall go to; the list does it when the row is there. "" is the list itself.
 * @type {import("./parts/html.js").Signal<{key: string} | null>}
 */
export const focusWanted = signal(null);
/** @type {import("./parts/html.js").Signal<null | "palette" | "help" | "unsent" | "conflicts">} */
export const dialog = signal(null);
/** Whether a picker is on its way: what is typed until it is there isn't meant for the list. */
export const isPicking = signal(false);
/** Whether the sidebar lies over the list, where there is no room beside it. */
export const sheetOpen = signal(false);

/** Whether the sidebar and the details lie over the list: as shell.css has it. */
export const isNarrow = signal(false);

/** Now, to the minute: what is due and past goes by it. */
export const clock = signal(new Date());

/** Keeps `isNarrow` true to the window. */
export function followWidth() {
  const narrow = matchMedia("(max-width: 50rem)");
  const look = () => {
    isNarrow.value = narrow.matches;
    if (!narrow.matches) sheetOpen.value = false;
  };
  look();
  narrow.addEventListener("change", look);
}

/** Keeps `clock` going; a machine that slept is told at once. */
export function followClock() {
  const tick = () => {
    clock.value = new Date();
  };
  setInterval(tick, 60_000);
  document.addEventListener("visibilitychange", tick);
}

/** What an edit by key, menu or palette is about. @returns {string[]} */
export function targets() {
  if (selected.peek().size > 0) return [...selected.peek()];
  const key = focused.peek() ?? openTask.peek();
  return key === null ? [] : [key];
}

/** @param {string | undefined} key */
export function focusRow(key) {
  focused.value = key ?? null;
  resting.value = key ?? null;
  focusWanted.value = { key: key ?? "" };
}

/** The key of the task in the details panel, while there is such a task. */
export const openTask = computed(() => {
  const { open } = route.value;
  return open ? (findTask(open)?.key ?? null) : null;
});

export function clearSelection() {
  selecting.value = false;
  if (selected.peek().size > 0) selected.value = new Set();
}

/**
 * @typedef {object} Preferences
 * @property {boolean} singleKeys whether a single letter is a command
 * @property {"system" | "light" | "dark"} theme
 * @property {boolean} tagsShown whether the sidebar's tags are unfolded
 * @property {boolean} archivedShown the same for archived lists
 * @property {string[]} folded the tasks whose subtasks are folded away
 */

const PLACE = "taskhold-preferences";
/** @type {Preferences} */
const DEFAULTS = {
  singleKeys: true,
  theme: "system",
  tagsShown: false,
  archivedShown: false,
  folded: [],
};

/** @returns {Preferences} */
function stored() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(PLACE) ?? "{}") };
  } catch {
    return DEFAULTS; // storage is off, or holds what isn't ours
  }
}

/** Kept in this browser, whoever is logged in. */
export const preferences = signal(stored());

/**
 * @template {keyof Preferences} Name
 * @param {Name} name
 * @param {Preferences[Name]} value
 */
export function prefer(name, value) {
  preferences.value = { ...preferences.peek(), [name]: value };
  try {
    localStorage.setItem(PLACE, JSON.stringify(preferences.peek()));
  } catch {
    // it lasts as long as the window does
  }
}

/** Another window of this browser has other preferences now. */
export function followPreferences() {
  window.addEventListener("storage", (event) => {
    if (event.key === PLACE || event.key === null) preferences.value = stored();
  });
  effect(() => {
    const { theme } = preferences.value;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  });
}
