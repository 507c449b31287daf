// What a view shows, in its order: worked out from the replica, the address and the day.

import { childrenOf, findList, lists, tasks, trashed } from "../data/replica.js";
import {
  addDays,
  dayFrom,
  dayHeading,
  dayOf,
  dueOrder,
  isPast,
  monthWords,
  today,
} from "../days.js";
import { computed, effect, signal } from "../parts/html.js";
import { route } from "../router.js";
import { clock, preferences } from "../state.js";
import { fold, matcher, tagName } from "./filters.js";

/**
 * @typedef {import("../data/types.js").Task} Task
 *
 * @typedef {object} TaskItem
 * @property {"task"} kind
 * @property {string} key
 * @property {Task} task
 * @property {number} depth
 * @property {number} place among its siblings here, from 1
 * @property {number} of how many siblings
 * @property {boolean | null} isFolded null where nothing is under it here
 * @property {boolean} showsList whether its list has to be said
 * @property {boolean} [saysDay] whether the heading says its day
 * @property {Task | undefined} parent said where it isn't shown above it
 *
 * @typedef {object} GroupItem
 * @property {"group"} kind
 * @property {string} key
 * @property {string} title
 * @property {string} [hint]
 * @property {number} count
 * @property {string} [listKey] leads there
 * @property {boolean} [isLate]
 * @property {boolean} [saysDay]
 *
 * @typedef {TaskItem | GroupItem} Item
 */

const DAYS_SHOWN = 14;
const LINGERS = 1000;
const FADES = 220;
const RANKS = { high: 0, medium: 1, low: 2, none: 3 };

/** Tasks that were just completed: they stay for a second, in which that can be taken back.
 * @type {import("../parts/html.js").Signal<ReadonlyMap<string, "stays" | "fades">>}
 */
export const lingering = signal(new Map());

/** @param {string} key @param {"stays" | "fades" | null} how */
function linger(key, how) {
  const next = new Map(lingering.peek());
  if (how) next.set(key, how);
  else next.delete(key);
  lingering.value = next;
}

/** Notices what gets done, here or elsewhere. Called once. */
export function watchCompletions() {
  let before = tasks.peek();
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  const waiting = new Map();
  effect(() => {
    const now = tasks.value;
    if (now === before) return;
    const changed = [];
    for (const [key, task] of now) {
      const old = before.get(key);
      if (old && old !== task && old.done !== task.done) changed.push(task);
    }
    before = now;
    for (const { key, done } of changed) {
      clearTimeout(waiting.get(key));
      if (!done) {
        linger(key, null);
        continue;
      }
      linger(key, "stays");
      const fade = () => {
        linger(key, "fades");
        waiting.set(
          key,
          setTimeout(() => linger(key, null), FADES),
        );
      };
      waiting.set(key, setTimeout(fade, LINGERS));
    }
  });
}

/** The list that the address names. */
export const thisList = computed(() => {
  const { listKey } = route.value;
  return listKey === undefined ? undefined : findList(listKey);
});

const archived = computed(
  () => new Set([...lists.value.values()].filter((list) => list.archived).map(({ key }) => key)),
);

/** @param {Task} task */
const isShelved = (task) => task.listKey !== null && archived.value.has(task.listKey);

/** Whether the filters are on, the view's own tag aside. */
export const isFiltered = computed(() => {
  const { view, q, tags, priority, due } = route.value;
  return Boolean(q || priority || due || tags.length > (view === "tag" ? 1 : 0));
});

/** Whether the rows stand in the order that people give them, each under its parent. */
const isTree = computed(() => {
  const { view, sort } = route.value;
  return (view === "all" || view === "list") && !sort && !isFiltered.value;
});

/** Whether rows can be moved up and down. */
export const canReorder = isTree;

const byPlace = (/** @type {Task} */ a, /** @type {Task} */ b) =>
  compare(a.position, b.position) || (a.id ?? Infinity) - (b.id ?? Infinity) || 0;
const byRank = (/** @type {Task} */ a, /** @type {Task} */ b) =>
  RANKS[a.priority] - RANKS[b.priority];
const byDue = (/** @type {Task} */ a, /** @type {Task} */ b) =>
  compare(a.due === null ? "~" : dueOrder(a.due), b.due === null ? "~" : dueOrder(b.due));

/** @param {string} a @param {string} b */
function compare(a, b) {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** All of them, sorted once and not with every letter of a search. */
const inOrder = computed(() => [...tasks.value.values()].sort(byPlace));

/** @type {Record<string, (a: Task, b: Task) => number>} */
const ORDERS = {
  due: (a, b) => byDue(a, b) || byRank(a, b) || byPlace(a, b),
  priority: (a, b) => byRank(a, b) || byDue(a, b) || byPlace(a, b),
  title: (a, b) => compare(fold(a.title), fold(b.title)) || compare(a.title, b.title),
  newest: (a, b) => compare(b.created_at, a.created_at) || byPlace(b, a),
  done: (a, b) => compare(b.completed_at ?? "", a.completed_at ?? ""),
};

/** What the view holds before it is filtered, as a test. @returns {(task: Task) => boolean} */
function membership() {
  const { view, q, done } = route.value;
  const late = lingering.value;
  const from = today(clock.value);
  /** @param {Task} task */
  const isOpen = (task) => !task.done || late.has(task.key);
  switch (view) {
    case "today":
      return (task) =>
        task.due !== null && isOpen(task) && dayOf(task.due) <= from && !isShelved(task);
    case "upcoming":
      return (task) =>
        task.due !== null && isOpen(task) && dayOf(task.due) > from && !isShelved(task);
    case "done":
      return (task) => task.done;
    case "list": {
      const key = thisList.value?.key;
      return (task) => task.listKey === key && (done || isOpen(task));
    }
    default:
      // A search of all finds what is on the shelf, too.
      return (task) => isOpen(task) && (q !== "" || !isShelved(task));
  }
}

/** The rows and the headings between them. @type {import("../parts/html.js").ReadonlySignal<Item[]>} */
export const items = computed(() => {
  const { view, sort } = route.value;
  if (view === "settings") return [];
  const matches = matcher(route.value, clock.value);
  if (view === "trash") return trashItems(matches);
  const isMember = membership();
  if (isTree.value) return treeItems(isMember, view === "all");
  const isUsual = !sort && (view === "all" || view === "list");
  const found = [];
  for (const task of isUsual ? inOrder.value : tasks.value.values()) {
    if (isMember(task) && (matches === null || matches(task))) found.push(task);
  }
  if (isUsual) return flat(found);
  if (sort && view !== "done") return flat(found.sort(ORDERS[sort]));
  if (view === "today") return todayItems(found);
  if (view === "upcoming") return grouped(found.sort(ORDERS.due), upcomingGroup);
  if (view === "done") return grouped(found.sort(ORDERS.done), doneGroup);
  return flat(found.sort(ORDERS.due));
});

/** The keys of the rows, from top to bottom. */
export const keys = computed(() =>
  items.value.flatMap((item) => (item.kind === "task" ? [item.key] : [])),
);

/** @param {Task[]} found @returns {TaskItem[]} */
function flat(found) {
  const showsList = route.value.view !== "list";
  return found.map((task, index) => ({
    kind: "task",
    key: task.key,
    task,
    depth: 0,
    place: index + 1,
    of: found.length,
    isFolded: null,
    showsList,
    parent: task.parentKey === null ? undefined : tasks.value.get(task.parentKey),
  }));
}

/** @param {((task: Task) => boolean) | null} matches */
function trashItems(matches) {
  const found = [...trashed.value.values()].filter((task) => matches === null || matches(task));
  found.sort((a, b) => compare(b.deleted_at, a.deleted_at) || byPlace(a, b));
  return flat(found).map((item) => ({
    ...item,
    parent:
      item.task.parentKey === null
        ? undefined
        : (item.parent ?? trashed.value.get(item.task.parentKey)),
  }));
}

/** @param {Task[]} found @returns {Item[]} */
function todayItems(found) {
  found.sort(ORDERS.due);
  const from = today(clock.value);
  const late = found.filter((task) => task.due !== null && dayOf(task.due) < from);
  if (late.length === 0) return flat(found).map((item) => ({ ...item, saysDay: true }));
  return grouped(found, (task) =>
    late.includes(task)
      ? { key: "late", title: "Overdue", isLate: true }
      : { key: "today", saysDay: true, title: "Today" },
  );
}

/** @param {Task} task */
function upcomingGroup(task) {
  const [day, now] = [dayOf(task.due ?? ""), clock.value];
  if (day <= addDays(today(now), DAYS_SHOWN)) {
    return { key: day, saysDay: true, ...dayHeading(day, now) };
  }
  return { key: day.slice(0, 7), title: monthWords(day, now) };
}

/** @param {Task} task */
function doneGroup(task) {
  const [day, now] = [dayFrom(new Date(task.completed_at ?? 0)), clock.value];
  if (day > addDays(today(now), -7)) return { key: day, ...dayHeading(day, now) };
  return { key: day.slice(0, 7), title: monthWords(day, now) };
}

/**
 * @param {Task[]} sorted
 * @param {(task: Task) => Omit<GroupItem, "kind" | "count">} groupOf
 * @returns {Item[]}
 */
function grouped(sorted, groupOf) {
  /** @type {Item[]} */
  const all = [];
  /** @type {GroupItem | undefined} */
  let group;
  for (const item of flat(sorted)) {
    const { key, ...words } = groupOf(item.task);
    if (group?.key !== `group ${key}`) {
      group = { kind: "group", key: `group ${key}`, count: 0, ...words };
      all.push(group);
    }
    group.count++;
    all.push({ ...item, saysDay: words.saysDay });
  }
  return all;
}

/** @typedef {{task: Task, parent: Task | undefined, under: Node[]}} Node */

/**
 * Tasks under their parents; one whose parent isn't shown takes its place.
 *
 * @param {(task: Task) => boolean} isMember
 * @param {boolean} byList with a heading for each list
 */
function treeItems(isMember, byList) {
  const children = childrenOf.value;
  /** @param {readonly Task[]} siblings @param {Task | undefined} parent @returns {Node[]} */
  const grow = (siblings, parent) =>
    siblings.flatMap((task) => {
      const under = grow(children.get(task.key) ?? [], isMember(task) ? undefined : task);
      return isMember(task) ? [{ task, parent, under }] : under;
    });
  const roots = grow(children.get(null) ?? [], undefined);
  for (const [key, orphans] of children) {
    if (key !== null && !tasks.value.has(key)) roots.push(...grow(orphans, undefined));
  }
  const folded = new Set(preferences.value.folded);
  /** @type {Item[]} */
  const all = [];
  /** @param {Node[]} nodes @param {number} depth */
  const lay = (nodes, depth) => {
    for (const [index, { task, parent, under }] of nodes.entries()) {
      const isFolded = under.length === 0 ? null : folded.has(foldName(task));
      all.push({
        kind: "task",
        key: task.key,
        task,
        depth,
        place: index + 1,
        of: nodes.length,
        isFolded,
        showsList: false,
        parent,
      });
      if (isFolded === false) lay(under, depth + 1);
    }
  };
  if (!byList) {
    lay(roots, 0);
    return all;
  }
  /** @type {Map<string | null, Node[]>} */
  const byKey = new Map();
  for (const node of roots) {
    const key =
      node.task.listKey !== null && lists.value.has(node.task.listKey) ? node.task.listKey : null;
    const nodes = byKey.get(key);
    if (nodes) nodes.push(node);
    else byKey.set(key, [node]);
  }
  for (const key of [null, ...sortedLists.value.map((list) => list.key)]) {
    const nodes = byKey.get(key);
    if (!nodes) continue;
    if (key !== null || byKey.size > 1) {
      const title = key === null ? "No list" : (lists.value.get(key)?.name ?? "");
      const count = nodes.length;
      all.push({
        kind: "group",
        key: `group list ${key}`,
        title,
        count,
        listKey: key ?? undefined,
      });
    }
    lay(nodes, 0);
  }
  return all;
}

/** By their names. */
export const sortedLists = computed(() =>
  [...lists.value.values()].sort(
    (a, b) => compare(fold(a.name), fold(b.name)) || compare(a.name, b.name),
  ),
);

/** What a task is called among those folded away. @param {Task} task */
const foldName = (task) => String(task.id ?? task.key);

/** The folded tasks after this one is folded or unfolded. @param {Task} task @param {boolean} isFolded */
export function withFold(task, isFolded) {
  const others = preferences.peek().folded.filter((name) => name !== foldName(task));
  return isFolded ? [...others, foldName(task)] : others;
}

/** How many open tasks there are: in each list, of each tag, today, in all. */
export const counts = computed(() => {
  const from = today(clock.value);
  const found = {
    /** @type {Map<string, number>} */
    lists: new Map(),
    /** @type {Map<string, {tag: string, count: number}>} */
    tags: new Map(),
    today: 0,
    late: 0,
    all: 0,
  };
  for (const task of tasks.value.values()) {
    if (task.done) continue;
    if (task.listKey !== null) {
      found.lists.set(task.listKey, (found.lists.get(task.listKey) ?? 0) + 1);
      if (archived.value.has(task.listKey)) continue;
    }
    found.all++;
    if (task.due !== null && dayOf(task.due) <= from) {
      found.today++;
      if (isPast(task.due, clock.value)) found.late++;
    }
    for (const tag of task.tags) {
      const name = tagName(tag);
      const known = found.tags.get(name);
      if (known) known.count++;
      else found.tags.set(name, { tag, count: 1 });
    }
  }
  return found;
});

/** Where else the search finds something: in all open tasks, and among those done. */
export const elsewhere = computed(() => {
  const { view, q, tags, priority, due } = route.value;
  if (!q || view === "trash") return { all: 0, done: 0 };
  const matches = matcher(
    { q, tags: view === "tag" ? tags.slice(1) : tags, priority, due },
    clock.value,
  );
  const here = new Set(keys.value);
  let [all, done] = [0, 0];
  for (const task of tasks.value.values()) {
    if (here.has(task.key) || !matches?.(task)) continue;
    if (task.done) done++;
    else all++;
  }
  return { all, done };
});

/** The rows that stand beside this one under the same parent, itself included. @param {string} key */
export function siblingsOf(key) {
  const all = items.peek();
  const at = all.findIndex((item) => item.key === key);
  const own = all[at];
  if (own?.kind !== "task") return [];
  /** @param {number} index */
  const isBound = (index) => {
    const item = all[index];
    return item?.kind !== "task" || item.depth < own.depth;
  };
  let [first, last] = [at, at];
  while (!isBound(first - 1)) first--;
  while (!isBound(last + 1)) last++;
  return all
    .slice(first, last + 1)
    .filter((item) => item.kind === "task" && item.task.parentKey === own.task.parentKey)
    .map((item) => item.key);
}

/** Where each row stands among them. */
export const places = computed(() => new Map(keys.value.map((key, index) => [key, index])));

/** Children done and in all, for the row. @param {string} key */
export function progressOf(key) {
  const children = childrenOf.value.get(key) ?? [];
  return { done: children.filter((task) => task.done).length, all: children.length };
}
