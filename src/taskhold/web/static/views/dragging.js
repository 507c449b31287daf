// Rows that are dragged: by mouse after a few pixels, by finger after a long press. A line shows where
// they would go, and how deep; lists in the sidebar take them, too.

import { moveBeside, moveToList } from "../actions.js";
import { childrenOf, findTask, tasks } from "../data/replica.js";
import { computed, html, signal } from "../parts/html.js";
import { focusRow, prefer, selected } from "../state.js";
import { canReorder, items, withFold } from "./shown.js";

/**
 * @typedef {{kind: "row", key: string, where: "before" | "after" | "under", depth: number, top: number}} RowTarget
 * @typedef {{kind: "list", listKey: string | null}} ListTarget
 * @typedef {{keys: string[], title: string, x: number, y: number}} Drag
 */

const MOUSE_SLACK = 5;
const FINGER_SLACK = 8;
const LONG_PRESS = 380;
const INDENT = 24;
const EDGE = 56;
const MOST_LEVELS = 8;

/** @type {import("../parts/html.js").Signal<Drag | null>} */
const drag = signal(null);
export const isDragging = computed(() => drag.value !== null);
/** @type {import("../parts/html.js").Signal<RowTarget | ListTarget | null>} */
export const dropTarget = signal(null);

/** What follows the pointer. */
export function Dragged() {
  const now = drag.value;
  if (!now) return null;
  const more = now.keys.length - 1;
  return html`<div
    class="dragged"
    aria-hidden="true"
    style=${{ transform: `translate(${now.x}px, ${now.y}px)` }}
  >
    <span dir="auto">${now.title}</span>${more > 0 && html`<b>+${more}</b>`}
  </div>`;
}

/** @param {HTMLElement} list @returns {() => void} stops it */
export function followDrags(list) {
  /** @type {AbortController | null} */
  let going = null;

  /** @param {PointerEvent} event */
  function onPointerDown(event) {
    const target = /** @type {Element} */ (event.target);
    const row = /** @type {HTMLElement | null} */ (target.closest("[data-key]"));
    const key = row?.dataset.key;
    if (going || !row || key === undefined || event.button !== 0 || !event.isPrimary) return;
    if (!tasks.peek().has(key) || target.closest("input, .row-actions, .fold")) return;
    const isFinger = event.pointerType === "touch";
    const [x, y] = [event.clientX, event.clientY];
    const control = new AbortController();
    going = control;
    const { signal: until } = control;
    const timer = isFinger ? setTimeout(() => begin(key, x, y, true), LONG_PRESS) : undefined;
    until.addEventListener("abort", () => {
      clearTimeout(timer);
      going = null;
      drag.value = null;
      dropTarget.value = null;
    });
    /** @param {PointerEvent} move */
    const onMove = (move) => {
      if (drag.peek()) {
        follow(move.clientX, move.clientY);
        return;
      }
      const far = Math.hypot(move.clientX - x, move.clientY - y);
      if (isFinger && far > FINGER_SLACK) control.abort();
      else if (!isFinger && far > MOUSE_SLACK) begin(key, move.clientX, move.clientY, false);
    };
    /** @param {KeyboardEvent} press */
    const onKey = (press) => {
      if (press.key !== "Escape" || !drag.peek()) return;
      press.preventDefault();
      press.stopPropagation();
      control.abort();
    };
    window.addEventListener("pointermove", onMove, { signal: until });
    window.addEventListener("pointerup", () => drop(control), { signal: until });
    window.addEventListener("pointercancel", () => control.abort(), { signal: until });
    window.addEventListener("blur", () => control.abort(), { signal: until });
    window.addEventListener("keydown", onKey, { signal: until, capture: true });
  }

  /** @param {string} key @param {number} x @param {number} y @param {boolean} isFinger */
  function begin(key, x, y, isFinger) {
    const several = selected.peek().has(key) && selected.peek().size > 1;
    const keys = several ? [...selected.peek()].filter((each) => tasks.peek().has(each)) : [key];
    drag.value = { keys, title: findTask(key)?.title ?? "", x, y };
    getSelection()?.removeAllRanges();
    if (isFinger) navigator.vibrate?.(8);
    follow(x, y);
    requestAnimationFrame(scrollAtEdges);
  }

  /** @param {number} x @param {number} y */
  function follow(x, y) {
    const now = drag.peek();
    if (!now) return;
    drag.value = { ...now, x, y };
    dropTarget.value = targetAt(list, now.keys, x, y);
  }

  function scrollAtEdges() {
    const now = drag.peek();
    const scroller = list.closest(".scroller");
    if (!now || !scroller) return;
    const { top, bottom, left, right } = scroller.getBoundingClientRect();
    if (now.x >= left && now.x <= right) {
      const up = Math.max(0, top + EDGE - now.y);
      const down = Math.max(0, now.y - (bottom - EDGE));
      if (up || down) {
        scroller.scrollTop += (Math.min(down, EDGE) - Math.min(up, EDGE)) / 4;
        dropTarget.value = targetAt(list, now.keys, now.x, now.y);
      }
    }
    requestAnimationFrame(scrollAtEdges);
  }

  /** @param {AbortController} control */
  function drop(control) {
    const [now, target] = [drag.peek(), dropTarget.peek()];
    control.abort();
    if (!now) return;
    // The click that the browser makes of it opens nothing.
    const swallow = (/** @type {Event} */ click) => {
      click.stopPropagation();
      click.preventDefault();
    };
    window.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => window.removeEventListener("click", swallow, { capture: true }), 50);
    if (target?.kind === "list") moveToList(now.keys, target.listKey);
    if (target?.kind !== "row") return;
    moveBeside(now.keys, target.key, target.where);
    const under = target.where === "under" ? findTask(target.key) : undefined;
    if (under) prefer("folded", withFold(under, false));
    focusRow(now.keys[0]);
  }

  // A finger that drags doesn't scroll; for that the listener has to be there before the finger.
  const onTouchMove = (/** @type {TouchEvent} */ event) => {
    if (drag.peek()) event.preventDefault();
  };
  const onContextMenu = (/** @type {Event} */ event) => {
    if (drag.peek()) event.preventDefault();
  };
  list.addEventListener("pointerdown", onPointerDown);
  list.addEventListener("touchmove", onTouchMove, { passive: false });
  list.addEventListener("contextmenu", onContextMenu);
  return () => {
    going?.abort();
    list.removeEventListener("pointerdown", onPointerDown);
    list.removeEventListener("touchmove", onTouchMove);
    list.removeEventListener("contextmenu", onContextMenu);
  };
}

/**
 * @param {HTMLElement} list
 * @param {string[]} keys
 * @param {number} x
 * @param {number} y
 * @returns {RowTarget | ListTarget | null}
 */
function targetAt(list, keys, x, y) {
  const below = document.elementFromPoint(x, y);
  const place = /** @type {HTMLElement | null} */ (below?.closest("[data-drop-list]") ?? null);
  if (place) return { kind: "list", listKey: place.dataset.dropList || null };
  if (!canReorder.peek()) return null;
  const box = list.getBoundingClientRect();
  if (x < box.left - 80 || x > box.right + 80) return null;
  /** @type {HTMLElement[]} */
  const rows = [...list.querySelectorAll("[data-key]")].map(
    (row) => /** @type {HTMLElement} */ (row),
  );
  const row = rows.find((each) => y < each.getBoundingClientRect().bottom) ?? rows.at(-1);
  if (!row?.dataset.key) return null;
  const isRtl = getComputedStyle(list).direction === "rtl";
  const inside = Math.max(0, (isRtl ? box.right - x : x - box.left) - INDENT * 2);
  return targetBeside(row, box.top, y, Math.floor(inside / INDENT), new Set(keys));
}

/**
 * Between two rows there may be several places, one for each depth: how far the pointer is to the
 * end of the line says which. What is moved counts as gone.
 *
 * @param {HTMLElement} row
 * @param {number} listTop
 * @param {number} y
 * @param {number} depthWanted
 * @param {ReadonlySet<string>} moved
 * @returns {RowTarget | null}
 */
function targetBeside(row, listTop, y, depthWanted, moved) {
  const all = items.peek();
  const { top, bottom, height } = row.getBoundingClientRect();
  const at = all.findIndex((item) => item.key === row.dataset.key);
  const isLower = y > top + height / 2;
  let above = isLower ? at : at - 1;
  while (above >= 0 && isMoved(all[above], moved)) above--;
  let below = isLower ? at + 1 : at;
  while (below < all.length && isMoved(all[below], moved)) below++;
  const [upper, lower] = [all[above], all[below]];
  const line = { top: (isLower ? bottom : top) - listTop - 1 };
  // Right below its parent it comes before the first subtask; anywhere else behind the upper row, or
  // behind one that the upper row is the end of.
  if (lower?.kind === "task" && (upper?.kind !== "task" || lower.depth > upper.depth)) {
    return placed(lower.key, "before", lower.depth, moved, line);
  }
  if (upper?.kind !== "task") return null;
  const least = lower?.kind === "task" ? lower.depth : 0;
  const depth = Math.max(least, Math.min(depthWanted, upper.depth + 1));
  if (depth > upper.depth) return placed(upper.key, "under", depth, moved, line);
  for (let index = above; index >= 0; index--) {
    const item = all[index];
    if (item?.kind !== "task") return null;
    if (item.depth === depth) return placed(item.key, "after", depth, moved, line);
  }
  return null;
}

/**
 * @param {string} key
 * @param {"before" | "after" | "under"} where
 * @param {number} depth
 * @param {ReadonlySet<string>} moved
 * @param {{top: number}} line
 * @returns {RowTarget | null}
 */
const placed = (key, where, depth, moved, line) =>
  fits(key, where, moved) ? { kind: "row", key, where, depth, ...line } : null;

/** @param {import("./shown.js").Item | undefined} item @param {ReadonlySet<string>} moved */
function isMoved(item, moved) {
  if (item?.kind !== "task") return false;
  for (const task of withAncestors(item.key)) if (moved.has(task.key)) return true;
  return false;
}

/** @param {string | null} key */
function* withAncestors(key) {
  for (let at = key; at !== null; ) {
    const task = findTask(at);
    if (!task) return;
    yield task;
    at = task.parentKey;
  }
}

/**
 * Whether tasks can go there: never into themselves, and not too deep.
 *
 * @param {string} key
 * @param {"before" | "after" | "under"} where
 * @param {ReadonlySet<string>} moved
 */
export function fits(key, where, moved) {
  const above = [...withAncestors(where === "under" ? key : (findTask(key)?.parentKey ?? null))];
  const deepest = Math.max(...[...moved].map(levelsOf));
  return !above.some((task) => moved.has(task.key)) && above.length + deepest <= MOST_LEVELS;
}

/** @param {string} key @returns {number} */
const levelsOf = (key) =>
  1 + Math.max(0, ...(childrenOf.peek().get(key) ?? []).map((child) => levelsOf(child.key)));
