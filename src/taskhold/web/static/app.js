// The page: who is here, and then the frame around the view.

import { lastAction } from "./actions.js";
import { account, start } from "./data/account.js";
import { findList, findTask, isLoaded } from "./data/replica.js";
import { loadAhead, menuItem, pick, pickers } from "./commands.js";
import { followKeys } from "./keys.js";
import { Confirm } from "./parts/confirm.js";
import { classes, effect, html, render, useEffect, useRef } from "./parts/html.js";
import { later } from "./parts/later.js";
import { Menu, openMenu } from "./parts/menu.js";
import { followAddress, go, rename, route } from "./router.js";
import {
  clearSelection,
  dialog,
  focused,
  focusRow,
  followClock,
  followPreferences,
  followWidth,
  isNarrow,
  openTask,
  resting,
  selected,
  sheetOpen,
} from "./state.js";
import { Toast } from "./panels/toast.js";
import { BatchBar, Notice } from "./views/bars.js";
import { Dragged } from "./views/dragging.js";
import { Loading } from "./views/empty.js";
import { Elsewhere, Header, title } from "./views/header.js";
import { emptyQuickAdd, QuickAdd } from "./views/quick-add.js";
import { items, keys, places, watchCompletions } from "./views/shown.js";
import { Sidebar } from "./views/sidebar.js";
import { TaskList } from "./views/task-list.js";

const Login = later(() => import("./panels/login.js"), "Login");
const Setup = later(() => import("./panels/login.js"), "Setup");
const Settings = later(() => import("./panels/settings.js"), "Settings");
const Details = later(() => import("./panels/details.js"), "Details");
const DIALOGS = {
  palette: later(() => import("./panels/palette.js"), "Palette"),
  help: later(() => import("./panels/help.js"), "Help"),
  unsent: later(() => import("./panels/unsent.js"), "UnsentEdits"),
  conflicts: later(() => import("./panels/conflicts.js"), "Conflicts"),
};

function App() {
  const who = account.value;
  if (who === null) return html`<main class="alone" aria-busy="true"></main>`;
  if (who.ready) return html`<${Frame} />`;
  return who.needed ? html`<${Setup} />` : html`<${Login} />`;
}

function Frame() {
  const key = openTask.value;
  const isCovered = sheetOpen.value || (key !== null && isNarrow.value);
  const Open = dialog.value && DIALOGS[dialog.value];
  return html`
    <div class=${classes("frame", key !== null && "has-details")}>
      <${Sidebar} />
      <${Main} isCovered=${isCovered} />
      ${key !== null && html`<${DetailsPlace} taskKey=${key} />`}
    </div>
    ${Open && html`<${Open} />`}
    ${pickers.value && html`<${pickers.value} />`}
    <${Menu} />
    <${Confirm} />
    <${Dragged} />
    <${Toast} />
  `;
}

/** @param {{isCovered: boolean}} props */
function Main({ isCovered }) {
  const { view } = route.value;
  const isBusy = !isLoaded.value;
  return html`<main class="main scroller" aria-busy=${isBusy} inert=${isCovered}>
    <div class="column">
      <${Notice} />
      ${
        view === "settings"
          ? html`<${Settings} />`
          : html`<${Header} />
            <${QuickAdd} />
            ${isBusy ? html`<${Loading} />` : html`<${TaskList} label=${title.value} onPick=${pickFor} onMore=${openRowMenu} /><${Elsewhere} />`}
            <${BatchBar} />`
      }
    </div>
  </main>`;
}

/** Beside the list where there is room, else over it. @param {{taskKey: string}} props */
function DetailsPlace({ taskKey }) {
  const ref = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    // By key one goes into the panel; by mouse the list keeps the focus, unless it is covered.
    if (isOver() || document.querySelector(".rows :focus-visible, body:focus")) {
      focusWhenThere(ref.current);
    }
  }, [taskKey]);
  useEffect(
    () => () => {
      requestAnimationFrame(() => {
        const isLost = document.activeElement === document.body;
        if (isLost)
          focusRow(places.peek().has(taskKey) ? taskKey : (resting.peek() ?? keys.peek()[0]));
      });
    },
    [taskKey],
  );
  return html`<div ref=${ref} class="details-place">
    <${Details} taskKey=${taskKey} />
  </div>`;
}

/** The panel's module may still be on its way. @param {HTMLElement | null} place */
function focusWhenThere(place) {
  const panel = /** @type {HTMLElement | null | undefined} */ (place?.querySelector(".details"));
  if (panel) panel.focus();
  else if (place?.isConnected) requestAnimationFrame(() => focusWhenThere(place));
}

const isOver = () => !matchMedia("(min-width: 70rem)").matches;

/** @param {"due" | "list"} kind @param {string} key @param {Element} anchor */
function pickFor(kind, key, anchor) {
  pick(kind, selected.peek().has(key) ? [...selected.peek()] : [key], anchor);
}

/** @param {string} key @param {Element} anchor */
function openRowMenu(key, anchor) {
  if (!selected.peek().has(key)) clearSelection();
  focused.value = key;
  resting.value = key;
  openMenu(anchor, "Task", [
    menuItem("open", { icon: "note" }),
    menuItem("rename", { icon: "pencil" }),
    null,
    menuItem("due", { icon: "calendar" }),
    menuItem("priority", { icon: "flag" }),
    menuItem("tags", { icon: "tag" }),
    menuItem("list", { icon: "list" }),
    null,
    menuItem("indent", { icon: "indent" }),
    menuItem("outdent", { icon: "outdent" }),
    menuItem("up", { icon: "sort" }),
    menuItem("down", { icon: "sort" }),
    null,
    menuItem("select", { icon: "select" }),
    menuItem("trash", { icon: "trash", isDanger: true }),
  ]);
}

/** What was made here gets its number into the address, so that a reload finds it. */
function followNames() {
  effect(() => {
    const now = route.value;
    const list = now.listKey === undefined ? undefined : findList(now.listKey);
    const task = now.open === undefined ? undefined : findTask(now.open);
    const listKey = list?.id ? String(list.id) : now.listKey;
    const open = task?.id ? String(task.id) : now.open;
    if (listKey !== now.listKey || open !== now.open) rename({ ...now, listKey, open });
  });
}

/** A view begins at its top, and with nothing selected. */
function followPlace() {
  let place = "";
  effect(() => {
    const { view, listKey, tags } = route.value;
    const now = `${view} ${listKey} ${view === "tag" ? tags[0] : ""}`;
    if (now === place) return;
    place = now;
    clearSelection();
    document.querySelector(".scroller")?.scrollTo({ top: 0, behavior: "instant" });
  });
}

/** Who comes next sees nothing of what the last one typed and looked at. */
function followAccount() {
  let wasReady = false;
  effect(() => {
    const isReady = account.value?.ready === true;
    if (wasReady && !isReady) {
      emptyQuickAdd();
      clearSelection();
      resting.value = null;
      focused.value = null;
      dialog.value = null;
      go({ view: "today", q: "", tags: [], open: undefined }, { replace: true });
    }
    wasReady = isReady;
  });
}

/** Where what had the focus is gone or was moved, it goes to the rows; not where a click let it go. */
function keepFocus() {
  let hadIt = false;
  document.addEventListener("focusin", () => {
    hadIt = true;
  });
  document.addEventListener("pointerdown", () => {
    hadIt = false;
  });
  effect(() => {
    items.value;
    route.value;
    dialog.value;
    lastAction.value;
    requestAnimationFrame(() => {
      const isLost = document.activeElement === document.body && hadIt;
      if (!isLost || route.peek().view === "settings" || !account.peek()?.ready) return;
      focusRow(focused.peek() ?? resting.peek() ?? keys.peek()[0]);
    });
  });
}

/** Outside of the rows and what floats above them, keys aren't about a row any more. */
function followFocus() {
  document.addEventListener("focusin", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (target.closest(".rows, dialog, [popover], .toasts, .batch, .header-line h1")) return;
    focused.value = null;
  });
  window.addEventListener("focus-lost", () =>
    focusRow(focused.peek() ?? resting.peek() ?? undefined),
  );
}

effect(() => {
  document.title = account.value?.ready ? `${title.value} · Taskhold` : "Taskhold";
});

const stopWaiting = effect(() => {
  if (!isLoaded.value) return;
  loadAhead();
  queueMicrotask(() => stopWaiting());
});

followPreferences();
followClock();
followAddress();
followNames();
followPlace();
followAccount();
followFocus();
keepFocus();
followWidth();
followKeys();
watchCompletions();
render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
start();
