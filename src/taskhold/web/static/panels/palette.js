// Everything by its name: commands with their keys, views, lists, tags and tasks. What fits comes in
// the order of how well it fits, and in the same order for the same words.

import { commands } from "../commands.js";
import { findList, isLoaded, lists, tasks } from "../data/replica.js";
import { html, useMemo } from "../parts/html.js";
import { go } from "../router.js";
import { dialog } from "../state.js";
import { Chooser, fit, fold } from "./chooser.js";
import { Dialog } from "./dialog.js";

/**
 * @typedef {import("./chooser.js").Option} Option
 * @typedef {import("../data/types.js").Task} Task
 */

const MOST_TASKS = 12;
const MOST_OTHERS = 6;

export function Palette() {
  const close = () => {
    dialog.value = null;
  };
  /** Runs what was chosen where it would run without the palette: with the focus back. @param {() => void} act */
  const after = (act) => () => {
    close();
    setTimeout(act);
  };
  const enabled = useMemo(
    () => commands.filter((command) => !command.isQuiet && command.isEnabled()),
    [],
  );
  const tags = useMemo(tagsInUse, []);

  /** @param {string} query */
  const find = (query) => {
    const folded = fold(query.trim());
    const doing = best(folded, enabled, (command) => `${command.title} ${command.group}`, true).map(
      (command) => ({
        id: command.id,
        title: command.title,
        keys: command.keys,
        icon: "chevron",
        run: after(() => command.run()),
      }),
    );
    if (!folded) return [{ name: "Commands", options: doing }];
    const own = [...lists.value.values()].filter((list) => !list.archived);
    const places = best(folded, own, (list) => list.name, true).map((list) => ({
      id: `list ${list.key}`,
      title: list.name,
      icon: "list",
      run: after(() => go({ view: "list", listKey: list.key })),
    }));
    const labels = best(folded, tags, (tag) => tag, true).map((tag) => ({
      id: `tag ${tag}`,
      title: tag,
      icon: "tag",
      run: after(() => go({ view: "tag", tags: [tag] })),
    }));
    return [
      { name: "Commands", options: doing.slice(0, MOST_OTHERS) },
      { name: "Lists", options: places.slice(0, MOST_OTHERS) },
      { name: "Tags", options: labels.slice(0, MOST_OTHERS) },
      { name: "Tasks", options: findTasks(folded).map((task) => taskOption(task, after)) },
    ];
  };
  return html`<${Dialog} class="palette" title="Find and do" onClose=${close}>
    <${Chooser} label="What to find or do" placeholder="Find or do anything" find=${find} nothing="Nothing is called that." />
  <//>`;
}

/** @param {Task} task @param {(act: () => void) => () => void} after @returns {Option} */
function taskOption(task, after) {
  const list = task.listKey ? findList(task.listKey) : undefined;
  return {
    id: `task ${task.key}`,
    title: task.title,
    detail: [task.done && "done", list?.name].filter(Boolean).join(" · ") || undefined,
    icon: task.done ? "done" : "note",
    run: after(() => go({ open: task.key })),
  };
}

/** Those that fit, best first. @template T @param {string} query @param {readonly T[]} all @param {(one: T) => string} read @param {boolean} loosely */
function best(query, all, read, loosely) {
  return all
    .map((one) => ({ one, how: fit(query, fold(read(one)), loosely) }))
    .filter(({ how }) => how > 0)
    .sort((a, b) => b.how - a.how)
    .map(({ one }) => one);
}

/** Folded once each, since a letter is typed more often than a title. @type {WeakMap<Task, string>} */
const foldedTitles = new WeakMap();

/** Open ones before those that are done. @param {string} query */
function findTasks(query) {
  if (!isLoaded.value) return [];
  /** @type {{task: Task, how: number}[]} */
  const found = [];
  for (const task of tasks.value.values()) {
    const title = foldedTitles.get(task) ?? fold(`${task.title} ${task.tags.join(" ")}`);
    foldedTitles.set(task, title);
    const how = fit(query, title);
    if (how > 0) found.push({ task, how: how - Number(task.done) * 4 });
  }
  return found
    .sort((a, b) => b.how - a.how)
    .slice(0, MOST_TASKS)
    .map(({ task }) => task);
}

function tagsInUse() {
  return [...new Set([...tasks.peek().values()].flatMap((task) => task.tags))].sort((a, b) =>
    a.localeCompare(b),
  );
}
