// The rows: a grid with one place for Tab, of which only what is near the window is in the page.

import { trashed } from "../data/replica.js";
import { classes, html, signal, useLayoutEffect, useRef, useSignal } from "../parts/html.js";
import { go, linkTo, route } from "../router.js";
import {
  focused,
  focusRow,
  focusWanted,
  openTask,
  resting,
  selected,
  selecting,
} from "../state.js";
import { dropTarget, followDrags, isDragging } from "./dragging.js";
import { Empty } from "./empty.js";
import { items, keys, places } from "./shown.js";
import { TaskRow } from "./task-row.js";

/** @typedef {import("./shown.js").Item} Item */

const WINDOWED_FROM = 200;
const BLOCK = 240;
const MARGIN = 720;

/** From where a range of selected rows extends. @type {import("../parts/html.js").Signal<string | null>} */
export const anchor = signal(null);

/** @param {string} key */
export function toggleSelected(key) {
  const next = new Set(selected.peek());
  if (!next.delete(key)) next.add(key);
  selected.value = next;
  anchor.value = key;
}

/** All between the anchor and this row. @param {string} key */
export function extendTo(key) {
  const from = places.peek().get(anchor.peek() ?? "") ?? places.peek().get(key);
  const to = places.peek().get(key);
  if (from === undefined || to === undefined) return;
  anchor.value = keys.peek()[from] ?? null;
  selected.value = new Set(keys.peek().slice(Math.min(from, to), Math.max(from, to) + 1));
}

/**
 * @param {object} props
 * @param {string} props.label
 * @param {(kind: "due" | "list", key: string, anchor: Element) => void} props.onPick
 * @param {(key: string, anchor: Element) => void} props.onMore
 */
export function TaskList({ label, onPick, onMore }) {
  const ref = useRef(/** @type {HTMLElement | null} */ (null));
  const all = items.value;
  const tabStop = useTabStop(ref);
  const pinned = focused.value ?? tabStop;
  const { ranges, after, measure } = useWindow(all, ref, pinned);

  useFocus(ref);
  useLayoutEffect(measure);
  useLayoutEffect(() => followDrags(/** @type {HTMLElement} */ (ref.current)), []);

  /** @param {Item} item @param {number} index */
  const draw = (item, index) =>
    item.kind === "group"
      ? html`<${Group} key=${item.key} item=${item} index=${index} />`
      : html`<${TaskRow}
          key=${item.key}
          item=${item}
          index=${index}
          isTabStop=${item.key === tabStop}
          isFocused=${item.key === focused.value}
          isSelected=${selected.value.has(item.key)}
          isOpen=${item.key === openTask.value}
          onPick=${onPick}
          onMore=${onMore}
        />`;
  /** @param {string} name @param {number} height */
  const space = (name, height) =>
    html`<div key=${`space ${name}`} role="none" style=${{ height: `${height}px` }}></div>`;
  // One flat list: a row keeps its element, and with it the focus, wherever it comes to stand.
  const shownChildren = ranges.flatMap(({ before, first, last }, number) => [
    ...(before > 0 ? [space(String(number), before)] : []),
    ...all.slice(first, last).map((item, offset) => draw(item, first + offset)),
  ]);
  if (after > 0) shownChildren.push(space("after", after));

  if (all.length === 0) return html`<div ref=${ref} class="rows" tabindex="-1"><${Empty} /></div>`;
  return html`<div
    ref=${ref}
    class=${classes("rows", isDragging.value && "is-dragging", selected.value.size > 0 && "is-selecting")}
    role="treegrid"
    aria-label=${label}
    aria-multiselectable="true"
    aria-rowcount=${all.length}
    tabindex="-1"
    onClick=${onClick}
    onFocusIn=${onFocusIn}
  >
    ${shownChildren}
    <${InsertionLine} />
  </div>`;
}

/** @param {{item: import("./shown.js").GroupItem, index: number}} props */
function Group({ item, index }) {
  const name = html`<span dir="auto">${item.title}</span>`;
  return html`<div
    role="row"
    class=${classes("group", item.isLate && "is-late")}
    data-group=${item.key}
    aria-rowindex=${index + 1}
  >
    <div role="rowheader" class="group-cell">
      <h2>
        ${
          item.listKey === undefined
            ? name
            : html`<a
                href=${linkTo({ view: "list", listKey: item.listKey })}
                onClick=${(/** @type {MouseEvent} */ event) => followLink(event, { view: "list", listKey: item.listKey })}
                >${name}</a
              >`
        }
      </h2>
      ${item.hint && html`<span class="group-hint">${item.hint}</span>`}
      <span class="group-count">${item.count}</span>
    </div>
  </div>`;
}

/** A click that a new tab isn't wanted by. @param {MouseEvent} event @param {Partial<import("../router.js").Route>} to */
export function followLink(event, to) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0) return;
  event.preventDefault();
  go(to);
}

function InsertionLine() {
  const target = dropTarget.value;
  if (target?.kind !== "row") return null;
  return html`<div
    class="insertion"
    style=${{ top: `${target.top}px`, "--depth": target.depth }}
  ></div>`;
}

/** @param {MouseEvent} event */
function onClick(event) {
  const target = /** @type {Element} */ (event.target);
  const row = /** @type {HTMLElement | null} */ (target.closest("[data-key]"));
  const key = row?.dataset.key;
  if (!row || key === undefined || target.closest("button, a, input")) return;
  if (event.ctrlKey || event.metaKey) toggleSelected(key);
  else if (event.shiftKey) {
    anchor.value ??= resting.peek();
    extendTo(key);
    getSelection()?.removeAllRanges();
  } else if (selecting.peek() || selected.peek().size > 0 || trashed.peek().has(key))
    toggleSelected(key);
  else {
    anchor.value = key;
    go({ open: key });
  }
  if (document.activeElement !== row && !openTask.peek()) row.focus({ preventScroll: true });
}

/** @param {FocusEvent} event */
function onFocusIn(event) {
  const row = /** @type {Element} */ (event.target).closest("[data-key]");
  const key = /** @type {HTMLElement | null} */ (row)?.dataset.key ?? null;
  focused.value = key;
  if (key !== null) resting.value = key;
}

/** Which row Tab comes to: the last one that had the focus, else the first that is seen. @param {{current: HTMLElement | null}} ref */
function useTabStop(ref) {
  const first = useSignal(/** @type {string | null} */ (null));
  const key = resting.value;
  const has = key !== null && places.value.has(key);
  useLayoutEffect(() => {
    if (has) return;
    const row = /** @type {HTMLElement | null} */ (ref.current?.querySelector("[data-key]"));
    first.value = row?.dataset.key ?? null;
  });
  return has ? key : first.value;
}

/** Keeps the focus in the list when its row goes, and brings it where it is wanted. @param {{current: HTMLElement | null}} ref */
function useFocus(ref) {
  const before = useRef(/** @type {readonly string[]} */ ([]));
  const view = useRef(/** @type {string | null} */ (null));
  const wanted = focusWanted.value;
  const done = useRef(/** @type {unknown} */ (null));

  useLayoutEffect(() => {
    const list = /** @type {HTMLElement} */ (ref.current);
    const [old, now] = [before.current, keys.value];
    const { view: name, listKey, tags } = route.value;
    const place = `${name} ${listKey} ${name === "tag" ? tags[0] : ""}`;
    const isElsewhere = view.current !== null && view.current !== place;
    before.current = now;
    view.current = place;
    const key = focused.peek();
    const isLost = document.activeElement === document.body || document.activeElement === null;
    if (key !== null && !places.value.has(key)) {
      const next = isElsewhere ? now[0] : neighbour(old, key);
      focused.value = next ?? null;
      resting.value = next ?? null;
      if (isLost || list.contains(document.activeElement)) focusWanted.value = { key: next ?? "" };
    } else if (isElsewhere && isLost) focusRow(now[0]);
    const gone = [...selected.peek()].filter((each) => !places.value.has(each));
    if (gone.length > 0) {
      selected.value = new Set([...selected.peek()].filter((each) => places.value.has(each)));
    }
    if (anchor.peek() !== null && !places.value.has(anchor.peek() ?? "")) anchor.value = null;
  }, [keys.value, route.value]);

  useLayoutEffect(() => {
    if (wanted === null || wanted === done.current) return;
    const row = wanted.key ? document.getElementById(`row-${wanted.key}`) : ref.current;
    if (!row) return;
    done.current = wanted;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  });
}

/** The nearest row that is still there: below first. @param {readonly string[]} old @param {string} key */
function neighbour(old, key) {
  const at = old.indexOf(key);
  const isHere = (/** @type {string} */ each) => places.peek().has(each);
  if (at < 0) return keys.peek()[0];
  return old.slice(at).find(isHere) ?? old.slice(0, at).findLast(isHere) ?? keys.peek()[0];
}

/**
 * Which items are in the page. Rows may be of any height: they are measured when they are shown, and
 * until then taken for as high as the first one.
 *
 * @param {Item[]} all
 * @param {{current: HTMLElement | null}} ref
 * @param {string | null} pinned a row that has to be there, wherever it is
 */
function useWindow(all, ref, pinned) {
  const heights = useRef(/** @type {Map<string, number>} */ (new Map()));
  const usual = useRef({ task: 40, group: 44 });
  const version = useSignal(0);
  const block = useSignal(0);
  const size = useSignal({ height: globalThis.innerHeight, width: 0 });
  const offsets = useRef(
    /** @type {{all: Item[] | null, version: number, tops: Float64Array}} */ ({
      all: null,
      version: -1,
      tops: new Float64Array(),
    }),
  );
  const isWindowed = all.length > WINDOWED_FROM;
  const listTop = useRef(0);

  useLayoutEffect(() => {
    const scroller = scrollerOf(ref.current);
    if (!scroller) return;
    const onScroll = () => {
      block.value = Math.floor(scroller.scrollTop / BLOCK);
    };
    const resized = new ResizeObserver(() => {
      const width = ref.current?.clientWidth ?? 0;
      if (width !== size.peek().width) {
        heights.current.clear();
        version.value++;
      }
      size.value = { height: scroller.clientHeight, width };
    });
    resized.observe(scroller);
    scroller.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      resized.disconnect();
      scroller.removeEventListener("scroll", onScroll);
    };
  }, []);

  /** How high each rendered row is; what is above the window pushes nothing. */
  function measure() {
    const list = ref.current;
    const scroller = scrollerOf(list);
    if (!list || !scroller) return;
    listTop.current = list.offsetTop - scroller.offsetTop;
    if (!isWindowed) return;
    let [shift, isNew] = [0, false];
    const seenFrom = scroller.scrollTop - listTop.current;
    for (const row of /** @type {Iterable<HTMLElement>} */ (list.querySelectorAll("[role=row]"))) {
      const key = row.dataset.key ?? row.dataset.group ?? "";
      const kind = row.dataset.key === undefined ? "group" : "task";
      const height = row.offsetHeight;
      const known = heights.current.get(key);
      if (known === height || row.classList.contains("is-fading")) continue;
      if (heights.current.size === 0 && kind === "task") usual.current.task = height;
      heights.current.set(key, height);
      const until = known ?? usual.current[kind];
      if (until === height) continue;
      isNew = true;
      if (row.offsetTop + until <= seenFrom) shift += height - until;
    }
    if (!isNew) return;
    version.value++;
    if (shift !== 0) scroller.scrollTop += shift;
  }

  const height = size.value.height;
  const currentBlock = block.value;
  if (!isWindowed) {
    return { ranges: [{ before: 0, first: 0, last: all.length }], after: 0, measure };
  }
  if (offsets.current.all !== all || offsets.current.version !== version.value) {
    const tops = new Float64Array(all.length + 1);
    let top = 0;
    for (const [index, item] of all.entries()) {
      tops[index] = top;
      top += heights.current.get(item.key) ?? usual.current[item.kind];
    }
    tops[all.length] = top;
    offsets.current = { all, version: version.value, tops };
  }
  const { tops } = offsets.current;
  const top = (/** @type {number} */ index) => tops[index] ?? 0;
  const from = currentBlock * BLOCK - listTop.current;
  const first = indexAt(tops, from - MARGIN);
  const last = Math.min(all.length, indexAt(tops, from + BLOCK + height + MARGIN) + 1);
  const spans = [{ first, last }];
  const at = pinned === null ? -1 : all.findIndex((item) => item.key === pinned);
  if (at >= 0 && at < first) spans.unshift({ first: at, last: at + 1 });
  if (at >= last) spans.push({ first: at, last: at + 1 });
  let end = 0;
  const ranges = spans.map((span) => {
    const before = top(span.first) - top(end);
    end = span.last;
    return { before, ...span };
  });
  return { ranges, after: top(all.length) - top(end), measure };
}

/** The last item that begins at or above `y`. @param {Float64Array} tops @param {number} y */
function indexAt(tops, y) {
  let [low, high] = [0, Math.max(0, tops.length - 2)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** @param {HTMLElement | null} list */
const scrollerOf = (list) => /** @type {HTMLElement | null} */ (list?.closest(".scroller") ?? null);
