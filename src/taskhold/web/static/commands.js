// Everything that can be done by key, from the palette and from menus, each under one name.

import {
  moveBeside,
  moveDown,
  moveUp,
  redo,
  lastAction,
  setDone,
  setPriority,
  trash,
  undo,
} from "./actions.js";
import { conflicts, unsent } from "./data/outbox.js";
import { findTask, tasks } from "./data/replica.js";
import { signal } from "./parts/html.js";
import { openMenu } from "./parts/menu.js";
import { go, route } from "./router.js";
import {
  clearSelection,
  dialog,
  editing,
  focused,
  focusRow,
  isPicking,
  openTask,
  prefer,
  preferences,
  resting,
  selected,
  selecting,
  sheetOpen,
  targets,
} from "./state.js";
import { fits } from "./views/dragging.js";
import { canReorder, items, keys, places, siblingsOf, thisList, withFold } from "./views/shown.js";
import { listMenu, startList } from "./views/sidebar.js";
import { anchor, extendTo, toggleSelected } from "./views/task-list.js";

/**
 * @typedef {object} Command
 * @property {string} id
 * @property {string} title
 * @property {string[]} keys as they are shown: "g t", "ctrl-k"
 * @property {"Tasks" | "Moving" | "Selecting" | "Going" | "Page"} group
 * @property {() => boolean} isEnabled
 * @property {() => void} run
 * @property {boolean} [isQuiet] not worth a line in the palette: moving the focus and the like
 *
 * @typedef {"due" | "tags" | "list" | "priority" | "parent"} Picker
 */

/** The component that shows pickers, once one was opened: it is loaded then. */
export const pickers = signal(/** @type {((props: {}) => any) | null} */ (null));
const loadPickers = () => import("./panels/pickers.js");

/** @param {Picker} kind @param {string[]} about @param {Element} [beside] */
export async function pick(kind, about, beside) {
  isPicking.value = true;
  try {
    const { openPicker, Pickers } = await loadPickers();
    if (!isPicking.peek()) return;
    openPicker(kind, about, beside ?? document.getElementById(`row-${about[0]}`));
    pickers.value = Pickers;
    requestAnimationFrame(() => {
      isPicking.value = false;
    });
  } catch {
    isPicking.value = false;
    say("This can't be loaded without a network.");
  }
}

/** What the first keys are likely to need, once there is nothing else to do. */
export function loadAhead() {
  const load = () => {
    for (const part of [
      loadPickers,
      () => import("./panels/details.js"),
      () => import("./panels/palette.js"),
    ]) {
      part().catch(() => {}); // it is tried again when it is needed
    }
  };
  if ("requestIdleCallback" in globalThis) requestIdleCallback(load, { timeout: 3000 });
  else setTimeout(load, 1000);
}

/** Tells a person what happened or why it didn't. @param {string} sentence */
export function say(sentence) {
  lastAction.value = { sentence, at: Date.now() };
}

/** Those that can be edited: not what is in the trash. */
const living = () => targets().filter((key) => tasks.peek().has(key));
const hasTargets = () => living().length > 0;
const always = () => true;

/** The one task that a command for one is about. */
function single() {
  const about = living();
  return about.length === 1 ? findTask(about[0] ?? "") : undefined;
}

/** @param {number} step @param {boolean} extends_ */
function move(step, extends_) {
  const all = keys.peek();
  if (all.length === 0) return;
  const key = focused.peek() ?? resting.peek();
  const at = places.peek().get(key ?? "");
  const isBack = focused.peek() === null && at !== undefined && Number.isFinite(step);
  const next = (at ?? (Number.isFinite(step) ? -step : 0)) + (isBack ? 0 : step);
  const to = all[Math.max(0, Math.min(all.length - 1, next))];
  if (to === undefined) return;
  if (extends_) {
    anchor.value ??= key;
    extendTo(to);
  } else anchor.value = to;
  focusRow(to);
}

function complete() {
  const about = living();
  const isDone = about.every((key) => findTask(key)?.done);
  setDone(about, !isDone);
  clearSelection();
}

function putInTrash() {
  const about = living();
  if (about.includes(openTask.peek() ?? "")) go({ open: undefined }, { replace: true });
  trash(about);
  clearSelection();
}

/** Where `]` would put a task: under the row above it at the same depth. */
function newParent() {
  const task = single();
  if (!task || !canReorder.peek()) return undefined;
  const siblings = siblingsOf(task.key);
  return siblings[siblings.indexOf(task.key) - 1];
}

function indent() {
  const [task, under] = [single(), newParent()];
  if (!task || under === undefined) return;
  if (!fits(under, "under", new Set([task.key]))) {
    say("Subtasks go eight levels deep, no deeper.");
    return;
  }
  const parent = findTask(under);
  if (parent) prefer("folded", withFold(parent, false));
  moveBeside([task.key], under, "under");
  focusRow(task.key);
}

function outdent() {
  const task = single();
  if (!task?.parentKey) return;
  moveBeside([task.key], task.parentKey, "after");
  focusRow(task.key);
}

/** @param {-1 | 1} step */
function reorder(step) {
  const key = single()?.key;
  if (key === undefined) return;
  if (!canReorder.peek()) {
    say("Rows can be moved in a list or in All, in their usual order and without a filter.");
    return;
  }
  const siblings = siblingsOf(key);
  const next = siblings.indexOf(key) + step;
  if (next < 0 || next >= siblings.length) return;
  if (step < 0) moveUp(key, siblings);
  else moveDown(key, siblings);
  focusRow(key);
}

/** @param {boolean} isFolded */
function fold(isFolded) {
  const item = items.peek().find(({ key }) => key === focused.peek());
  if (item?.kind !== "task") return;
  if (item.isFolded === !isFolded) prefer("folded", withFold(item.task, isFolded));
  else if (isFolded && item.depth > 0 && item.task.parentKey) focusRow(item.task.parentKey);
  else if (!isFolded && item.isFolded === false) move(1, false);
}

/** One step back from wherever one is. */
function back() {
  const { view, q, tags, priority, due, open } = route.peek();
  const panel = document.querySelector(".details-place");
  if (sheetOpen.peek()) sheetOpen.value = false;
  else if (open && (selected.peek().size === 0 || panel?.contains(document.activeElement)))
    closeDetails();
  else if (selected.peek().size > 0 || selecting.peek()) clearSelection();
  else if (q || priority || due || tags.length > (view === "tag" ? 1 : 0)) {
    const own = view === "tag" ? tags.slice(0, 1) : [];
    go({ q: "", tags: own, priority: undefined, due: undefined });
  } else if (view === "settings") go({ view: "today" });
}

/** Closes the panel; the focus goes to the task's row. */
export function closeDetails() {
  const key = openTask.peek();
  go({ open: undefined });
  focusRow(key !== null && places.peek().has(key) ? key : (resting.peek() ?? keys.peek()[0]));
}

/** @param {string} id */
function focusField(id) {
  sheetOpen.value = false;
  if (route.peek().view === "settings") go({ view: "today" });
  const focus = () => {
    const field = /** @type {HTMLInputElement | null} */ (document.getElementById(id));
    field?.focus();
    field?.select();
    return field !== null;
  };
  // At once, so that what is typed next goes there.
  if (!focus()) requestAnimationFrame(focus);
}

/** @param {import("./router.js").View} view */
const goTo = (view) => () => {
  go({
    view,
    q: "",
    tags: [],
    priority: undefined,
    due: undefined,
    sort: undefined,
    open: undefined,
  });
  sheetOpen.value = false;
  if (view !== "settings") focusRow(keys.peek()[0]);
};

/** @param {"high" | "medium" | "low" | "none"} priority */
const prioritize = (priority) => () => setPriority(living(), priority);

/** @type {Command[]} */
export const commands = [
  of("add", "Add a task", ["n"], "Tasks", always, () => focusField("quick-add")),
  of("complete", "Complete, or open again", ["space"], "Tasks", hasTargets, complete),
  of(
    "open",
    "Open the details",
    ["enter"],
    "Tasks",
    () => single() !== undefined,
    () => {
      const key = single()?.key;
      if (key !== undefined) go({ open: key });
    },
  ),
  of(
    "rename",
    "Edit the title in place",
    ["e"],
    "Tasks",
    () => single() !== undefined,
    () => {
      const key = single()?.key ?? null;
      if (key !== null && places.peek().has(key)) editing.value = key;
    },
  ),
  of("due", "Set the due date", ["d"], "Tasks", hasTargets, () => pick("due", living())),
  of("priority", "Set the priority", ["p"], "Tasks", hasTargets, () => pick("priority", living())),
  of("priority-high", "High priority", ["1"], "Tasks", hasTargets, prioritize("high")),
  of("priority-medium", "Medium priority", ["2"], "Tasks", hasTargets, prioritize("medium")),
  of("priority-low", "Low priority", ["3"], "Tasks", hasTargets, prioritize("low")),
  of("priority-none", "No priority", ["4"], "Tasks", hasTargets, prioritize("none")),
  of("tags", "Set the tags", ["t"], "Tasks", hasTargets, () => pick("tags", living())),
  of("list", "Move to a list", ["l"], "Tasks", hasTargets, () => pick("list", living())),
  of("trash", "Delete: to the trash", ["#", "delete"], "Tasks", hasTargets, putInTrash),
  of(
    "indent",
    "Make it a subtask of the task above",
    ["]"],
    "Moving",
    () => newParent() !== undefined,
    indent,
  ),
  of("outdent", "Make it no subtask", ["["], "Moving", () => Boolean(single()?.parentKey), outdent),
  of(
    "up",
    "Move up",
    ["alt-↑"],
    "Moving",
    () => single() !== undefined,
    () => reorder(-1),
  ),
  of(
    "down",
    "Move down",
    ["alt-↓"],
    "Moving",
    () => single() !== undefined,
    () => reorder(1),
  ),
  quiet("next", "Next task", ["j", "↓"], "Moving", () => move(1, false)),
  quiet("previous", "Previous task", ["k", "↑"], "Moving", () => move(-1, false)),
  quiet("first", "First task", ["home"], "Moving", () => move(-Infinity, false)),
  quiet("last", "Last task", ["end"], "Moving", () => move(Infinity, false)),
  quiet("fold", "Fold the subtasks away", ["←"], "Moving", () => fold(true)),
  quiet("unfold", "Show the subtasks", ["→"], "Moving", () => fold(false)),
  of(
    "select",
    "Select, or not any more",
    ["x"],
    "Selecting",
    () => (focused.peek() ?? openTask.peek()) !== null,
    () => {
      const key = focused.peek() ?? openTask.peek();
      if (key !== null && places.peek().has(key)) toggleSelected(key);
    },
  ),
  quiet("extend-down", "Extend the selection down", ["shift-j", "shift-↓"], "Selecting", () =>
    move(1, true),
  ),
  quiet("extend-up", "Extend the selection up", ["shift-k", "shift-↑"], "Selecting", () =>
    move(-1, true),
  ),
  of(
    "select-all",
    "Select all that is shown",
    [],
    "Selecting",
    () => keys.peek().length > 0,
    () => {
      selected.value = new Set(keys.peek());
    },
  ),
  of(
    "start-selecting",
    "Select by tapping",
    [],
    "Selecting",
    () => keys.peek().length > 0,
    () => {
      selecting.value = true;
    },
  ),
  of("search", "Search", ["/"], "Going", always, () => focusField("search")),
  of("today", "Go to Today", ["g t"], "Going", always, goTo("today")),
  of("upcoming", "Go to Upcoming", ["g u"], "Going", always, goTo("upcoming")),
  of("all", "Go to All", ["g a"], "Going", always, goTo("all")),
  of("done", "Go to Done", [], "Going", always, goTo("done")),
  of("trash-view", "Go to the trash", [], "Going", always, goTo("trash")),
  of("settings", "Settings", [], "Going", always, goTo("settings")),
  of("undo", "Undo", ["z", "ctrl-z"], "Page", always, () => {
    if (undo() === null) say("There is nothing to undo.");
  }),
  of("redo", "Redo", ["shift-z", "ctrl-shift-z"], "Page", always, () => {
    if (redo() === null) say("There is nothing to do again.");
  }),
  of("palette", "Find or do anything", ["ctrl-k"], "Page", always, () => {
    dialog.value = "palette";
  }),
  of("help", "Show all keys", ["?"], "Page", always, () => {
    dialog.value = "help";
  }),
  quiet("back", "One step back", ["esc"], "Page", back),
  of("add-list", "Add a list", [], "Page", always, startList),
  of(
    "list-menu",
    "Rename, archive or delete this list",
    [],
    "Page",
    () => thisList.peek() !== undefined,
    () => {
      const list = thisList.peek();
      const title = document.getElementById("view-title");
      if (list && title) openMenu(title, `List ${list.name}`, listMenu(list));
    },
  ),
  of(
    "unsent",
    "Show unsent edits",
    [],
    "Page",
    () => unsent.peek().length > 0,
    () => {
      dialog.value = "unsent";
    },
  ),
  of(
    "conflicts",
    "Settle conflicts",
    [],
    "Page",
    () => conflicts.peek().length > 0,
    () => {
      dialog.value = "conflicts";
    },
  ),
  of(
    "light",
    "Light colours",
    [],
    "Page",
    () => preferences.peek().theme !== "light",
    () => prefer("theme", "light"),
  ),
  of(
    "dark",
    "Dark colours",
    [],
    "Page",
    () => preferences.peek().theme !== "dark",
    () => prefer("theme", "dark"),
  ),
  of(
    "system",
    "Colours as the system has them",
    [],
    "Page",
    () => preferences.peek().theme !== "system",
    () => prefer("theme", "system"),
  ),
  of("single-keys", "Switch single-letter keys on or off", [], "Page", always, () => {
    const isOn = !preferences.peek().singleKeys;
    prefer("singleKeys", isOn);
    say(isOn ? "Single-letter keys are on." : "Single-letter keys are off.");
  }),
];

/** @type {ReadonlyMap<string, Command>} */
export const byId = new Map(commands.map((command) => [command.id, command]));

/** A command as a line of a menu. @param {string} id @param {Partial<import("./parts/menu.js").MenuItem>} [more] */
export function menuItem(id, more = {}) {
  const command = /** @type {Command} */ (byId.get(id));
  return {
    title: command.title,
    keys: command.keys[0],
    isDisabled: !command.isEnabled(),
    run: command.run,
    ...more,
  };
}

/**
 * @param {string} id
 * @param {string} title
 * @param {string[]} shownKeys
 * @param {Command["group"]} group
 * @param {() => boolean} isEnabled
 * @param {() => void} run
 * @returns {Command}
 */
function of(id, title, shownKeys, group, isEnabled, run) {
  return { id, title, keys: shownKeys, group, isEnabled, run };
}

/**
 * @param {string} id
 * @param {string} title
 * @param {string[]} shownKeys
 * @param {Command["group"]} group
 * @param {() => void} run
 * @returns {Command}
 */
function quiet(id, title, shownKeys, group, run) {
  return { id, title, keys: shownKeys, group, isEnabled: always, run, isQuiet: true };
}
