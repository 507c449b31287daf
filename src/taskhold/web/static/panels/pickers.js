// Due date, tags, list, priority and parent of one task or several: chosen near what they belong to.

import {
  addList,
  addTags,
  editTask,
  moveBeside,
  moveToList,
  removeTags,
  setDue,
  setPriority,
} from "../actions.js";
import { childrenOf, findList, findTask, lists, tasks } from "../data/replica.js";
import { html, signal, useMemo } from "../parts/html.js";
import { DatePicker } from "./calendar.js";
import { Chooser, fit, fold } from "./chooser.js";
import { Dialog } from "./dialog.js";

/**
 * @typedef {import("../data/types.js").Task} Task
 * @typedef {"due" | "tags" | "list" | "priority" | "parent"} Kind
 * @typedef {{kind: Kind, keys: string[], anchor: Element | null}} Picking
 */

const TAG_LENGTH = 50;
const MOST_SHOWN = 50;
/** @type {{id: import("../data/types.js").Priority, title: string, number: string}[]} */
const PRIORITIES = [
  { id: "high", title: "High", number: "1" },
  { id: "medium", title: "Medium", number: "2" },
  { id: "low", title: "Low", number: "3" },
  { id: "none", title: "No priority", number: "4" },
];
const NAMES = {
  due: "Due date",
  tags: "Tags",
  list: "List",
  priority: "Priority",
  parent: "Parent",
};

const picking = signal(/** @type {Picking | null} */ (null));

/** @param {Kind} kind @param {readonly string[]} keys @param {Element | null} [anchor] what it opens beside */
export function openPicker(kind, keys, anchor = null) {
  if (keys.length > 0) picking.value = { kind, keys: [...keys], anchor };
}

/** Shown once, at the end of the page. */
export function Pickers() {
  if (!picking.value) return null;
  const { kind, keys, anchor } = picking.value;
  const found = keys.map(findTask).filter((task) => task !== undefined);
  const close = () => {
    picking.value = null;
  };
  if (found.length === 0) return null;
  const what = found.length === 1 ? found[0]?.title : `${found.length} tasks`;
  const Picker = { due: Due, tags: Tags, list: ListOf, priority: PriorityOf, parent: Parent }[kind];
  return html`<${Dialog} class=${`picker is-${kind}`} title=${`${NAMES[kind]} of ${what}`} heading anchor=${anchor} onClose=${close}>
    <${Picker} tasks=${found} close=${close} />
  <//>`;
}

/** @typedef {{tasks: Task[], close: () => void}} Props */

/** @param {Task[]} all */
const keysOf = (all) => all.map((task) => task.key);

/** What they all have, else undefined.
 * @template T
 * @param {Task[]} all
 * @param {(task: Task) => T} read
 */
function common(all, read) {
  const values = new Set(all.map(read));
  return values.size === 1 ? [...values][0] : undefined;
}

/** @param {Props} props */
function Due({ tasks: all, close }) {
  /** @param {string | null} due */
  const pick = (due) => {
    close();
    setDue(keysOf(all), due);
  };
  return html`<${DatePicker} due=${common(all, (task) => task.due) ?? null} onPick=${pick} />`;
}

/** @param {Props} props */
function PriorityOf({ tasks: all, close }) {
  const now = common(all, (task) => task.priority);
  /** @param {import("../data/types.js").Priority} id */
  const pick = (id) => {
    close();
    setPriority(keysOf(all), id);
  };
  /** @param {string} query */
  const find = (query) => [
    {
      name: "",
      options: PRIORITIES.filter(({ title }) => fit(fold(query), fold(title))).map(
        ({ id, title, number }) => ({
          id,
          title,
          icon: "flag",
          tone: `is-${id}`,
          keys: [number],
          checked: id === now,
          run: () => pick(id),
        }),
      ),
    },
  ];
  /** @param {string} query */
  const byNumber = (query) => {
    const found = PRIORITIES.find(({ number }) => number === query);
    if (found) pick(found.id);
    return Boolean(found);
  };
  return html`<${Chooser} label="Priority" find=${find} onType=${byNumber} />`;
}

/** @param {Props} props */
function ListOf({ tasks: all, close }) {
  const now = common(all, (task) => task.listKey);
  /** @param {string | null} key */
  const pick = (key) => {
    close();
    moveToList(keysOf(all), key);
  };
  /** @param {string} query */
  const find = (query) => {
    const folded = fold(query.trim());
    const known = [...lists.value.values()].filter((list) => !list.archived || list.key === now);
    const fitting = ranked(known, folded, (list) => list.name).map((list) => ({
      id: list.key,
      title: list.name,
      icon: "list",
      checked: list.key === now,
      run: () => pick(list.key),
    }));
    const none = {
      id: "",
      title: "No list",
      icon: "all",
      checked: now === null,
      run: () => pick(null),
    };
    const isNew = folded && !known.some((list) => fold(list.name) === folded);
    return [
      { name: "", options: [...(fit(folded, "no list") ? [none] : []), ...fitting] },
      {
        name: " ",
        options: isNew ? [creating("list", query.trim(), () => pick(addList(query.trim())))] : [],
      },
    ];
  };
  return html`<${Chooser} label="Move to a list" placeholder="Find or create a list" find=${find} />`;
}

/** @param {Props} props */
function Tags({ tasks: all }) {
  const keys = keysOf(all);
  const counts = useMemo(countTags, []);
  const own = useMemo(() => new Set(all.flatMap((task) => task.tags.map(foldTag))), []);
  const bearing = (/** @type {string} */ folded) =>
    all.filter((task) => task.tags.some((tag) => foldTag(tag) === folded));
  /** @param {string} name */
  const toggle = (name) => {
    const isOn = bearing(foldTag(name)).length === all.length;
    if (isOn) removeTags(keys, [name]);
    else addTags(keys, [name]);
  };
  /** @param {string} query */
  const find = (query) => {
    const folded = foldTag(query.trim());
    const known = new Map(counts);
    for (const tag of all.flatMap((task) => task.tags)) {
      if (!known.has(foldTag(tag))) known.set(foldTag(tag), { name: tag, count: 0 });
    }
    const sorted = [...known].sort(
      ([a, { count: many }], [b, { count: more }]) =>
        Number(own.has(b)) - Number(own.has(a)) || more - many || a.localeCompare(b),
    );
    const options = ranked(sorted, fold(query.trim()), ([, { name }]) => name).map(
      ([key, { name, count }]) => {
        const having = bearing(key).length;
        return {
          id: key,
          title: name,
          detail: count ? String(count) : undefined,
          checked: having === 0 ? false : having === all.length || /** @type {"mixed"} */ ("mixed"),
          run: () => toggle(name),
        };
      },
    );
    const name = query.trim().replaceAll(",", "").slice(0, TAG_LENGTH);
    const isNew = name && !known.has(folded);
    return [
      { name: "", options },
      { name: " ", options: isNew ? [creating("tag", name, () => addTags(keys, [name]))] : [] },
    ];
  };
  return html`<${Chooser}
    label="Tags"
    placeholder="Find or create a tag"
    nothing="There are no tags yet. Type one."
    find=${find}
    several
  />`;
}

/** @param {Props} props */
function Parent({ tasks: all, close }) {
  const own = useMemo(() => withDescendants(keysOf(all)), []);
  const now = common(all, (task) => task.parentKey);
  /** @param {() => void} act */
  const done = (act) => {
    close();
    act();
  };
  /** @param {string} query */
  const find = (query) => {
    const folded = fold(query.trim());
    const top = {
      id: "",
      title: "No parent",
      icon: "outdent",
      checked: now === null,
      run: () => done(() => free(all)),
    };
    const open = [...tasks.value.values()].filter((task) => !own.has(task.key) && !task.done);
    const fitting = ranked(open, folded, (task) => task.title).map((task) => ({
      id: task.key,
      title: task.title,
      detail: (task.listKey && findList(task.listKey)?.name) || undefined,
      icon: "done",
      checked: task.key === now,
      run: () => done(() => moveBeside(keysOf(all), task.key, "under")),
    }));
    return [{ name: "", options: [...(fit(folded, "no parent") ? [top] : []), ...fitting] }];
  };
  return html`<${Chooser} label="Make it a part of" placeholder="Find a task" find=${find} />`;
}

/** @param {Task[]} all */
function free(all) {
  for (const { key } of all) editTask(key, { parentKey: null });
}

/** What fits, best first, else as it stood. @template T @param {T[]} all @param {string} folded @param {(one: T) => string} read */
function ranked(all, folded, read) {
  return all
    .map((one) => ({ one, how: fit(folded, fold(read(one))) }))
    .filter(({ how }) => how > 0)
    .sort((a, b) => b.how - a.how)
    .slice(0, MOST_SHOWN)
    .map(({ one }) => one);
}

/** @param {string} what @param {string} name @param {() => void} run */
function creating(what, name, run) {
  return { id: "+", title: `Create ${what} “${name}”`, icon: "plus", run };
}

/** As the server compares tags. @param {string} tag */
function foldTag(tag) {
  return tag.normalize("NFC").toLowerCase();
}

/** How many open tasks bear each tag. @returns {Map<string, {name: string, count: number}>} */
function countTags() {
  /** @type {Map<string, {name: string, count: number}>} */
  const counts = new Map();
  for (const task of tasks.peek().values()) {
    for (const tag of task.tags) {
      const found = counts.get(foldTag(tag)) ?? { name: tag, count: 0 };
      counts.set(foldTag(tag), { ...found, count: found.count + Number(!task.done) });
    }
  }
  return counts;
}

/** @param {string[]} keys */
function withDescendants(keys) {
  const all = new Set(keys);
  for (const key of all) {
    for (const child of childrenOf.peek().get(key) ?? []) all.add(child.key);
  }
  return all;
}
