// Every edit, as a named action: keys, menus, the palette and tests call these.
//
// Each is in view when it returns. Of several tasks it is one request (of up to 200 operations) and
// is taken back at once. What changes nothing is nothing.

import { foldTag, newName, renamed, same } from "./data/edits.js";
import { lastAction, perform, redo, tell, undo } from "./data/history.js";
import { after, byPosition, makeRoom } from "./data/positions.js";
import { canonical, childrenOf, findList, findTask, tasks, trashed } from "./data/replica.js";
import { untracked } from "./parts/html.js";

/** @typedef {import("./data/types.js").TaskFields} TaskFields */
/** @typedef {import("./data/types.js").Task} Task */
/** @typedef {import("./data/types.js").Trashed} Trashed */
/** @typedef {import("./data/types.js").Effect} Effect */
/** @typedef {import("./data/types.js").Priority} Priority */
/** @typedef {readonly string[]} Keys */

const MOST_OPERATIONS = 200;
const MOST_LEVELS = 8;
const SHORT = 40;

export { lastAction, redo, undo };

// Words

/** @param {string} title */
function quoted(title) {
  const letters = [...title];
  return `“${
    letters.length > SHORT
      ? `${letters
          .slice(0, SHORT - 1)
          .join("")
          .trimEnd()}…`
      : title
  }”`;
}

/** @param {readonly {title: string}[]} some */
const named = (some) => (some.length === 1 ? quoted(some[0]?.title ?? "") : `${some.length} tasks`);

// Tasks by their keys

/** @param {Keys} keys @returns {Task[]} */
const found = (keys) => untracked(() => keys.map(findTask).filter((task) => task !== undefined));

/** @param {string | null} key @returns {readonly Task[]} */
const childrenUnder = (key) => childrenOf.peek().get(key) ?? [];

/** All that is under a task, parents first. @param {string} key @returns {Task[]} */
function descendants(key) {
  const all = [...childrenUnder(key)];
  for (const task of all) all.push(...childrenUnder(task.key));
  return all;
}

/** Without those that are under another of them: they go along. @param {Task[]} some */
function roots(some) {
  const keys = new Set(some.map(({ key }) => key));
  return some.filter((task) => !ancestors(task).some(({ key }) => keys.has(key)));
}

/** @param {Task} task @returns {Task[]} the nearest first */
function ancestors(task) {
  /** @type {Task[]} */
  const above = [];
  for (let key = task.parentKey; key !== null && above.length < MOST_LEVELS; ) {
    const parent = tasks.peek().get(key);
    if (!parent) break;
    above.push(parent);
    key = parent.parentKey;
  }
  return above;
}

/** How many levels a task makes with what is under it. @param {string} key @returns {number} */
const height = (key) => 1 + Math.max(0, ...childrenUnder(key).map((child) => height(child.key)));

/** Those it is sorted among: at the top they are those of its list. @param {string | null} parentKey @param {string | null} listKey */
const siblingsIn = (parentKey, listKey) =>
  childrenUnder(parentKey).filter((task) => parentKey !== null || task.listKey === listKey);

/** @param {string | null} parentKey @param {string | null} listKey */
const lastPosition = (parentKey, listKey) =>
  siblingsIn(parentKey, listKey).at(-1)?.position ?? null;

// Effects

/** The change of a task's fields; null where it has them already. @param {Task} task @param {Partial<TaskFields>} changes @returns {Effect | null} */
function setting(task, changes) {
  const now = /** @type {any} */ (task);
  const names = Object.keys(changes).filter(
    (name) => !same(now[name], /** @type {any} */ (changes)[name]),
  );
  if (names.length === 0) return null;
  const pick = (/** @type {any} */ from) =>
    Object.fromEntries(names.map((name) => [name, from[name]]));
  return { kind: "task", key: task.key, does: "set", set: pick(changes), was: pick(now) };
}

/** What is under a task is in the same list. @param {Task} task @param {string | null} listKey @returns {Effect[]} */
const goingAlong = (task, listKey) =>
  task.listKey === listKey
    ? []
    : descendants(task.key).flatMap((each) => {
        const effect = setting(each, { listKey });
        return effect ? [{ ...effect, along: true }] : [];
      });

/** @param {(Effect | null)[]} effects @param {string} label @param {string} sentence @param {{quiet?: boolean}} [how] */
function performOnTasks(effects, label, sentence, how) {
  /** @type {Effect[][]} */
  const chunks = [];
  let operations = MOST_OPERATIONS;
  for (const effect of effects) {
    if (!effect) continue;
    if (operations === MOST_OPERATIONS && !effect.along) {
      chunks.push([]);
      operations = 0;
    }
    chunks.at(-1)?.push(effect);
    if (!effect.along) operations += 1;
  }
  perform(
    sentence,
    chunks.map((chunk) => ({ label, request: "tasks", effects: chunk })),
    how,
  );
}

/** The same fields of several tasks. @param {Keys} keys @param {(task: Task) => Partial<TaskFields>} changes @param {(some: Task[]) => [label: string, sentence: string]} words @param {{quiet?: boolean}} [how] */
function change(keys, changes, words, how) {
  const effects = found(keys).map((task) => ({ task, effect: setting(task, changes(task)) }));
  const changed = effects.filter(({ effect }) => effect);
  if (changed.length === 0) return;
  const [label, sentence] = words(changed.map(({ task }) => task));
  performOnTasks(
    changed.map(({ effect }) => effect),
    label,
    sentence,
    how,
  );
}

// Adding and changing

/** @param {{title: string} & Partial<TaskFields>} fields @returns {string} the new task's key */
export function addTask({ title, ...fields }) {
  const key = `new-${newName()}`;
  const parent = fields.parentKey ? found([fields.parentKey])[0] : undefined;
  const parentKey = parent?.key ?? null;
  const listKey = parent
    ? parent.listKey
    : fields.listKey
      ? canonical("list", fields.listKey)
      : null;
  const position = fields.position ?? after(lastPosition(parentKey, listKey)) ?? undefined;
  /** @type {Record<string, any>} */
  const set = { ...fields, title: title.trim(), parentKey, listKey, position };
  for (const [name, value] of Object.entries(set)) if (value === undefined) delete set[name];
  performOnTasks(
    [{ kind: "task", key, does: "make", set }],
    `Add ${quoted(title)}`,
    `Added ${quoted(title)}`,
    { quiet: true },
  );
  return key;
}

/** @param {string} key @param {Partial<TaskFields>} changes */
export function editTask(key, changes) {
  const wanted = { ...changes };
  if (wanted.title !== undefined) wanted.title = wanted.title.trim();
  if (wanted.title === "") delete wanted.title;
  const title = wanted.title === undefined ? found([key])[0]?.title : wanted.title;
  const words = () =>
    /** @type {[string, string]} */ ([
      `Change ${quoted(title ?? "")}`,
      `Changed ${quoted(title ?? "")}`,
    ]);
  change([key], () => wanted, words, { quiet: true });
}

/** @param {Keys} keys @param {boolean} done */
export function setDone(keys, done) {
  change(
    keys,
    () => ({ done }),
    (some) =>
      done
        ? [`Complete ${named(some)}`, `Completed ${named(some)}`]
        : [`Reopen ${named(some)}`, `Reopened ${named(some)}`],
  );
}

/** @param {Keys} keys @param {string | null} due */
export function setDue(keys, due) {
  change(
    keys,
    () => ({ due }),
    (some) =>
      due === null
        ? [`Take the date off ${named(some)}`, `Took the date off ${named(some)}`]
        : [`Set the date of ${named(some)}`, `Set the date of ${named(some)}`],
  );
}

/** @param {Keys} keys @param {Priority} priority */
export function setPriority(keys, priority) {
  change(
    keys,
    () => ({ priority }),
    (some) => [
      `Set the priority of ${named(some)}`,
      `Set the priority of ${named(some)} to ${priority}`,
    ],
  );
}

/** @param {Keys} keys @param {readonly string[]} tags */
export function addTags(keys, tags) {
  change(
    keys,
    (task) => {
      const there = new Set(task.tags.map(foldTag));
      return { tags: [...task.tags, ...tags.filter((tag) => !there.has(foldTag(tag)))] };
    },
    (some) => [`Tag ${named(some)}`, `Tagged ${named(some)}`],
  );
}

/** @param {Keys} keys @param {readonly string[]} tags */
export function removeTags(keys, tags) {
  const gone = new Set(tags.map(foldTag));
  change(
    keys,
    (task) => ({ tags: task.tags.filter((tag) => !gone.has(foldTag(tag))) }),
    (some) => [`Take tags off ${named(some)}`, `Took tags off ${named(some)}`],
  );
}

/** In all tasks that bear it; two tags become one where both are in use. @param {string} old @param {string} name */
export function renameTag(old, name) {
  const folded = foldTag(old);
  /** @type {Effect[]} */
  const effects = [];
  for (const task of tasks.peek().values()) {
    if (!task.tags.some((tag) => foldTag(tag) === folded)) continue;
    const effect = setting(task, { tags: renamed(task.tags, old, name) });
    if (effect) effects.push(effect);
  }
  if (effects.length === 0) return;
  const what = `the tag ${quoted(old)} to ${quoted(name)}`;
  perform(`Renamed ${what}`, [
    { label: `Rename ${what}`, request: "tag", effects, tag: old, newTag: name },
  ]);
}

// Where they stand

/** @param {Keys} keys @param {string | null} listKey */
export function moveToList(keys, listKey) {
  const target = listKey === null ? null : canonical("list", listKey);
  const some = roots(found(keys)).filter((task) => task.listKey !== target);
  let last = lastPosition(null, target);
  const effects = some.flatMap((task) => {
    last = after(last) ?? last;
    const move = setting(task, {
      listKey: target,
      parentKey: null,
      position: last ?? task.position,
    });
    return [move, ...goingAlong(task, target)];
  });
  const list =
    target === null
      ? "out of its list"
      : `to ${quoted(untracked(() => findList(target))?.name ?? "")}`;
  performOnTasks(effects, `Move ${named(some)} ${list}`, `Moved ${named(some)} ${list}`);
}

/** Under the task before it. @param {string} key */
export function indent(key) {
  const [task] = found([key]);
  if (!task) return;
  const siblings = siblingsIn(task.parentKey, task.listKey);
  const above = siblings.slice(
    0,
    siblings.findIndex((each) => each.key === task.key),
  );
  const parent = above.findLast((each) => each.done === task.done) ?? above.at(-1);
  if (parent) moveBeside([task.key], parent.key, "under");
}

/** Out of its parent, to behind it. @param {string} key */
export function outdent(key) {
  const [task] = found([key]);
  if (task?.parentKey) moveBeside([task.key], task.parentKey, "after");
}

/** @param {string} key @param {Keys} siblingsShown in their order */
export function moveUp(key, siblingsShown) {
  const target = siblingsShown[siblingsShown.indexOf(key) - 1];
  if (target !== undefined) moveBeside([key], target, "before");
}

/** @param {string} key @param {Keys} siblingsShown */
export function moveDown(key, siblingsShown) {
  const at = siblingsShown.indexOf(key);
  const target = siblingsShown[at + 1];
  if (at >= 0 && target !== undefined) moveBeside([key], target, "after");
}

/** @param {Keys} keys @param {string} targetKey @param {"before" | "after" | "under"} where */
export function moveBeside(keys, targetKey, where) {
  const [target] = found([targetKey]);
  if (!target) return;
  const line = new Set([target, ...ancestors(target)].map(({ key }) => key));
  const some = roots(found(keys)).filter(({ key }) => !line.has(key));
  const parentKey = where === "under" ? target.key : target.parentKey;
  const levels = parentKey === null ? 0 : ancestors(target).length + (where === "under" ? 1 : 0);
  if (some.some(({ key }) => levels + height(key) > MOST_LEVELS)) {
    tell(`Subtasks go at most ${MOST_LEVELS} levels deep.`);
    return;
  }
  const moved = new Set(some.map(({ key }) => key));
  const siblings = siblingsIn(parentKey, target.listKey).filter(({ key }) => !moved.has(key));
  const beside = siblings.findIndex(({ key }) => key === target.key);
  const at = where === "under" ? siblings.length : beside + (where === "after" ? 1 : 0);
  const { positions, shifted } = makeRoom(siblings, at, some.length);
  const effects = some.flatMap((task, i) => {
    const place = { parentKey, listKey: target.listKey, position: positions[i] ?? task.position };
    return [setting(task, place), ...goingAlong(task, target.listKey)];
  });
  for (const task of siblings) {
    const position = shifted.get(task.key);
    if (position !== undefined) effects.push(setting(task, { position }));
  }
  performOnTasks(effects, `Move ${named(some)}`, `Moved ${named(some)}`, { quiet: true });
}

// The trash

/** With what is under them. @param {Keys} keys */
export function trash(keys) {
  const some = roots(found(keys));
  const effects = some.flatMap(({ key }) => trashing(key));
  performOnTasks(effects, `Delete ${named(some)}`, `Moved ${named(some)} to the trash`);
}

/** @param {string} key @returns {Effect[]} */
const trashing = (key) => [
  { kind: "task", key, does: "trash" },
  ...descendants(key).map(
    (task) => /** @type {Effect} */ ({ kind: "task", key: task.key, does: "trash", along: true }),
  ),
];

/** The trashed, each with what went to the trash with it; who comes along with another is no head. @param {Keys} keys */
function groups(keys) {
  const some = keys
    .map((key) => trashed.peek().get(canonical("task", key)))
    .filter((task) => task !== undefined);
  /** @type {Map<string, Trashed[]>} */
  const below = new Map();
  for (const task of trashed.peek().values()) {
    const under = `${task.parentKey} ${task.deleted_at}`;
    below.set(under, [...(below.get(under) ?? []), task]);
  }
  const withTheirs = some.map((head) => {
    const all = [head];
    for (const task of all) all.push(...(below.get(`${task.key} ${task.deleted_at}`) ?? []));
    return all;
  });
  const along = new Set(withTheirs.flatMap((group) => group.slice(1).map(({ key }) => key)));
  return withTheirs.filter(([head]) => head && !along.has(head.key));
}

/** Out of the trash, with what went there with them. @param {Keys} keys */
export function restore(keys) {
  const some = groups(keys);
  const edits = some.map((group) => {
    const [head] = /** @type {[Trashed]} */ (/** @type {unknown} */ (group));
    const parent = head.parentKey === null ? undefined : tasks.peek().get(head.parentKey);
    const list = parent ? parent.listKey : head.listKey;
    const listKey = list !== null && untracked(() => findList(list)) ? list : null;
    const effects = group.map((task) => {
      const set = task === head ? { parentKey: parent?.key ?? null, listKey } : { listKey };
      return /** @type {Effect} */ ({
        kind: "task",
        key: task.key,
        does: "back",
        set,
        along: task !== head,
      });
    });
    return {
      label: `Restore ${quoted(head.title)}`,
      request: /** @type {const} */ ("restore"),
      effects,
    };
  });
  const heads = some.flatMap(([head]) => head ?? []);
  perform(`Restored ${named(heads)}`, edits);
}

/** For good, with what went to the trash with them. @param {Keys} keys */
export function purge(keys) {
  const some = groups(keys);
  const edits = some.map((group) => ({
    label: `Delete ${quoted(group[0]?.title ?? "")} for good`,
    request: /** @type {const} */ ("purge"),
    effects: group.map(
      (task, i) =>
        /** @type {Effect} */ ({ kind: "task", key: task.key, does: "gone", along: i > 0 }),
    ),
  }));
  const heads = some.flatMap(([head]) => head ?? []);
  perform(`Deleted ${named(heads)} for good`, edits, { canBeUndone: false });
}

// Lists

/** @param {string} name @returns {string} its key */
export function addList(name) {
  const key = `new-${newName()}`;
  /** @type {Effect} */
  const effect = { kind: "list", key, does: "make", set: { name: name.trim(), archived: false } };
  const what = `the list ${quoted(name)}`;
  perform(`Added ${what}`, [{ label: `Add ${what}`, request: "list", effects: [effect] }], {
    quiet: true,
  });
  return key;
}

/** @param {string} key @param {{name?: string, archived?: boolean}} changes */
export function editList(key, changes) {
  const list = /** @type {any} */ (untracked(() => findList(key)));
  const wanted = /** @type {any} */ ({ ...changes });
  if (typeof wanted.name === "string") wanted.name = wanted.name.trim();
  if (wanted.name === "") delete wanted.name;
  const names = Object.keys(wanted).filter((name) => list && wanted[name] !== list[name]);
  if (names.length === 0) return;
  const pick = (/** @type {any} */ from) =>
    Object.fromEntries(names.map((name) => [name, from[name]]));
  /** @type {Effect} */
  const effect = { kind: "list", key: list.key, does: "set", set: pick(wanted), was: pick(list) };
  const [verb, past] =
    "archived" in wanted && names.includes("archived")
      ? wanted.archived
        ? ["Archive", "Archived"]
        : ["Unarchive", "Unarchived"]
      : ["Rename", "Renamed"];
  const what = `the list ${quoted(wanted.name ?? list.name)}`;
  perform(`${past} ${what}`, [{ label: `${verb} ${what}`, request: "list", effects: [effect] }]);
}

/** With its tasks. @param {string} key */
export function trashList(key) {
  const list = untracked(() => findList(key));
  if (!list) return;
  /** @type {Effect[]} */
  const effects = [{ kind: "list", key: list.key, does: "trash" }];
  for (const task of [...tasks.peek().values()].sort(byPosition)) {
    if (task.listKey === list.key)
      effects.push({ kind: "task", key: task.key, does: "trash", along: true });
  }
  const what = `the list ${quoted(list.name)}`;
  perform(`Deleted ${what}`, [{ label: `Delete ${what}`, request: "list", effects }]);
}
