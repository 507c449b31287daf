// The views, the lists with how much is open in each, the tags. Beside the list, or as a sheet over it.

import { addList, editList, renameTag, trashList } from "../actions.js";
import { account } from "../data/account.js";
import { classes, html, signal, useLayoutEffect, useRef } from "../parts/html.js";
import { Icon, IconButton } from "../parts/icons.js";
import { openMenu } from "../parts/menu.js";
import { go, linkTo, route } from "../router.js";
import { dialog, isNarrow, prefer, preferences, sheetOpen } from "../state.js";
import { dropTarget, isDragging } from "./dragging.js";
import { counts, sortedLists, thisList } from "./shown.js";

/** @typedef {import("../data/types.js").List} List */
/** @typedef {import("../router.js").Route} Route */

/** What is being named in place: a list's key, "new" or a tag's "#name". @type {import("../parts/html.js").Signal<string | null>} */
const naming = signal(null);

export function startList() {
  sheetOpen.value = isNarrow.peek();
  naming.value = "new";
}

/** @param {string} key */
export function startRenaming(key) {
  sheetOpen.value = isNarrow.peek();
  naming.value = key;
}

export function Sidebar() {
  const ref = useRef(/** @type {HTMLElement | null} */ (null));
  const isOpen = sheetOpen.value;
  const before = useRef(/** @type {Element | null} */ (null));
  useLayoutEffect(() => {
    if (isOpen) {
      before.current = document.activeElement;
      if (!ref.current?.contains(before.current)) {
        /** @type {HTMLElement | null} */ (
          ref.current?.querySelector("[aria-current], a")
        )?.focus();
      }
    } else if (before.current instanceof HTMLElement) {
      if (document.activeElement === document.body || ref.current?.contains(document.activeElement))
        before.current.focus();
      before.current = null;
    }
  }, [isOpen]);

  return html`
    <div class="shade" hidden=${!isOpen} onClick=${() => closeSheet()}></div>
    <nav ref=${ref} class=${classes("sidebar", isOpen && "is-open")} aria-label="Views and lists">
      <div class="sidebar-top">
        <span class="brand"><img src=${markAddress()} alt="" width="22" height="22" />Taskhold</span>
        <${IconButton} icon="search" label="Find or do anything" keys="Ctrl K" onClick=${() => {
          closeSheet();
          dialog.value = "palette";
        }} />
        <${IconButton} icon="close" label="Close" class="only-narrow" onClick=${() => closeSheet()} />
      </div>
      <ul class="places">
        <${Place} to=${{ view: "today" }} icon="today" name="Today" count=${counts.value.today} isLate=${counts.value.late > 0} />
        <${Place} to=${{ view: "upcoming" }} icon="upcoming" name="Upcoming" />
        <${Place} to=${{ view: "all" }} icon="all" name="All" count=${counts.value.all} />
        <${Place} to=${{ view: "done" }} icon="done" name="Done" />
        <${Place} to=${{ view: "trash" }} icon="trash" name="Trash" />
      </ul>
      <${Lists} />
      <${Tags} />
      <${Foot} />
    </nav>
  `;
}

const markAddress = () =>
  /** @type {HTMLLinkElement} */ (document.querySelector("link[rel=icon]")).href;

export function closeSheet() {
  sheetOpen.value = false;
}

/** @param {MouseEvent} event @param {Partial<Route>} to */
function follow(event, to) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0) return;
  event.preventDefault();
  go(to);
  closeSheet();
}

/** @param {{to: Partial<Route>, icon: string, name: string, count?: number, isLate?: boolean}} props */
function Place({ to, icon, name, count = 0, isLate = false }) {
  const isHere = route.value.view === to.view;
  return html`<li>
    <a
      class="place"
      href=${linkTo({ q: "", ...to })}
      aria-current=${isHere ? "page" : undefined}
      onClick=${(/** @type {MouseEvent} */ event) => follow(event, { q: "", tags: [], open: undefined, ...to })}
    >
      <${Icon} name=${icon} /><span class="place-name">${name}</span>
      <${Count} count=${count} isLate=${isLate} />
    </a>
  </li>`;
}

/** @param {{count: number, isLate?: boolean}} props */
function Count({ count, isLate = false }) {
  if (count === 0) return null;
  return html`<span class=${classes("count", isLate && "late")} title=${isLate ? "Some are late" : undefined}
    >${count.toLocaleString("en")}<span class="unseen"> open</span></span
  >`;
}

function Lists() {
  const open = sortedLists.value.filter((list) => !list.archived);
  const archived = sortedLists.value.filter((list) => list.archived);
  const isUnfolded =
    preferences.value.archivedShown || archived.some((list) => list === thisList.value);
  return html`<section>
    <div class="sidebar-head">
      <h2>Lists</h2>
      <${IconButton} icon="plus" label="Add a list" onClick=${() => {
        naming.value = "new";
      }} />
    </div>
    <ul class="places">
      ${open.map((list) => html`<${ListPlace} key=${list.key} list=${list} />`)}
      ${naming.value === "new" && html`<li key="new"><${NameField} label="Name of the new list" value="" onName=${(/** @type {string} */ name) => go({ view: "list", listKey: addList(name) })} /></li>`}
      ${
        isDragging.value &&
        html`<li key="none"><span class=${classes("place", isDropOn(null) && "is-drop")} data-drop-list=""><${Icon} name="all" /><span class="place-name">No list</span></span></li>`
      }
    </ul>
    ${
      archived.length > 0 &&
      html`<button
          type="button"
          class="fold-line"
          aria-expanded=${isUnfolded}
          onClick=${() => prefer("archivedShown", !isUnfolded)}
        >
          <${Icon} name="chevron" />Archived
        </button>
        ${isUnfolded && html`<ul class="places">${archived.map((list) => html`<${ListPlace} key=${list.key} list=${list} />`)}</ul>`}`
    }
  </section>`;
}

/** @param {string | null} key */
const isDropOn = (key) => dropTarget.value?.kind === "list" && dropTarget.value.listKey === key;

/** @param {{list: List}} props */
function ListPlace({ list }) {
  const { key, name } = list;
  if (naming.value === key) {
    return html`<li><${NameField} label="Name of the list" value=${name} onName=${(/** @type {string} */ changed) => editList(key, { name: changed })} /></li>`;
  }
  const to = { view: /** @type {const} */ ("list"), listKey: key };
  return html`<li class="place-line">
    <a
      class=${classes("place", isDropOn(key) && "is-drop")}
      href=${linkTo(to)}
      data-drop-list=${key}
      aria-current=${thisList.value === list ? "page" : undefined}
      onClick=${(/** @type {MouseEvent} */ event) => follow(event, to)}
    >
      <${Icon} name="list" /><span class="place-name"><span dir="auto">${name}</span></span>
      <${Count} count=${counts.value.lists.get(key) ?? 0} />
    </a>
    <${IconButton}
      icon="more"
      class="place-more"
      label=${`More for ${name}`}
      aria-haspopup="menu"
      onClick=${(/** @type {Event} */ event) => openMenu(/** @type {Element} */ (event.currentTarget), `List ${name}`, listMenu(list))}
    />
  </li>`;
}

/** What can be done with a list. @param {List} list @returns {import("../parts/menu.js").MenuItem[]} */
export function listMenu(list) {
  return [
    { title: "Rename the list", icon: "pencil", run: () => startRenaming(list.key) },
    {
      title: list.archived ? "Bring back from the archive" : "Archive the list",
      icon: "archive",
      run: () => editList(list.key, { archived: !list.archived }),
    },
    {
      title: "Delete the list",
      icon: "trash",
      isDanger: true,
      run: () => {
        trashList(list.key);
        if (thisList.peek()?.key === list.key || route.peek().listKey === list.key)
          go({ view: "all" });
      },
    },
  ];
}

/** A name typed in place: Enter keeps it, Escape doesn't. @param {{label: string, value: string, maxLength?: number, onName: (name: string) => void}} props */
function NameField({ label, value, maxLength = 500, onName }) {
  const ref = useRef(/** @type {HTMLInputElement | null} */ (null));
  const isOver = useRef(false);
  useLayoutEffect(() => {
    const before = document.activeElement;
    const field = /** @type {HTMLInputElement} */ (ref.current);
    field.value = value;
    field.focus();
    field.select();
    return () => {
      if (document.activeElement === document.body && before instanceof HTMLElement) before.focus();
    };
  }, []);
  /** @param {boolean} keeps */
  function leave(keeps) {
    if (isOver.current) return;
    isOver.current = true;
    const name = ref.current?.value.trim() ?? "";
    naming.value = null;
    if (keeps && name && name !== value) onName(name);
  }
  return html`<input
    ref=${ref}
    class="name-field"
    dir="auto"
    aria-label=${label}
    placeholder=${label}
    maxlength=${maxLength}
    autocomplete="off"
    enterkeyhint="done"
    onBlur=${() => leave(true)}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
      if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
      event.preventDefault();
      event.stopPropagation();
      leave(event.key === "Enter");
    }}
  />`;
}

function Tags() {
  const tags = [...counts.value.tags.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  if (tags.length === 0) return null;
  const isUnfolded = preferences.value.tagsShown;
  return html`<section>
    <button
      type="button"
      class="fold-line"
      aria-expanded=${isUnfolded}
      onClick=${() => prefer("tagsShown", !isUnfolded)}
    >
      <${Icon} name="chevron" />Tags
    </button>
    ${
      isUnfolded &&
      html`<ul class="places">
        ${tags.map(([name, { tag, count }]) => html`<${TagPlace} key=${name} tag=${tag} count=${count} />`)}
      </ul>`
    }
  </section>`;
}

/** @param {{tag: string, count: number}} props */
function TagPlace({ tag, count }) {
  if (naming.value === `#${tag}`) {
    return html`<li><${NameField} label="Name of the tag" value=${tag} maxLength=${50} onName=${(/** @type {string} */ name) => renameTag(tag, name)} /></li>`;
  }
  const to = { view: /** @type {const} */ ("tag"), tags: [tag], q: "" };
  const isHere = route.value.view === "tag" && route.value.tags[0] === tag;
  return html`<li class="place-line">
    <a
      class="place"
      href=${linkTo(to)}
      aria-current=${isHere ? "page" : undefined}
      onClick=${(/** @type {MouseEvent} */ event) => follow(event, { ...to, priority: undefined, due: undefined, sort: undefined })}
    >
      <${Icon} name="tag" /><span class="place-name"><span dir="auto">${tag}</span></span>
      <${Count} count=${count} />
    </a>
    <${IconButton}
      icon="more"
      class="place-more"
      label=${`More for the tag ${tag}`}
      aria-haspopup="menu"
      onClick=${(/** @type {Event} */ event) =>
        openMenu(/** @type {Element} */ (event.currentTarget), `Tag ${tag}`, [
          { title: "Rename the tag", icon: "pencil", run: () => startRenaming(`#${tag}`) },
        ])}
    />
  </li>`;
}

function Foot() {
  const who = account.value?.user;
  const name = who ? who.display_name || who.username : "This machine";
  const to = { view: /** @type {const} */ ("settings") };
  return html`<div class="sidebar-foot">
    <a
      class="place"
      href=${linkTo(to)}
      aria-current=${route.value.view === "settings" ? "page" : undefined}
      onClick=${(/** @type {MouseEvent} */ event) => follow(event, to)}
    >
      <${Icon} name="settings" /><span class="place-name"><span dir="auto">${name}</span></span
      ><span class="unseen">: settings</span>
    </a>
    <${IconButton} icon="help" label="Keys" keys="?" onClick=${() => {
      closeSheet();
      dialog.value = "help";
    }} />
  </div>`;
}
