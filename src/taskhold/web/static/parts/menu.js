// One menu for the whole page, in a popover: it closes on Escape and on a click elsewhere by itself.

import { html, signal, useLayoutEffect, useRef } from "./html.js";
import { Icon } from "./icons.js";

/**
 * @typedef {object} MenuItem
 * @property {string} title
 * @property {() => void} [run]
 * @property {string} [icon]
 * @property {string} [keys]
 * @property {boolean} [checked] makes it one of a choice, or a switch
 * @property {boolean} [isDanger]
 * @property {boolean} [isDisabled]
 *
 * @typedef {{anchor: Element, label: string, items: (MenuItem | null)[]}} Opened null is a line between
 */

/** @type {import("./html.js").Signal<Opened | null>} */
const opened = signal(null);

/** @param {Element} anchor @param {string} label @param {(MenuItem | null)[]} items */
export function openMenu(anchor, label, items) {
  opened.value = { anchor, label, items };
}

export function Menu() {
  const at = opened.value;
  return (
    at && html`<section aria-label=${at.label}><${OpenMenu} ...${at} key=${at.label} /></section>`
  );
}

/** @param {Opened} props */
function OpenMenu({ anchor, label, items }) {
  const ref = useRef(/** @type {HTMLElement | null} */ (null));

  useLayoutEffect(() => {
    const menu = /** @type {HTMLElement} */ (ref.current);
    const before = document.activeElement;
    menu.showPopover();
    place(menu, anchor);
    /** @type {HTMLElement | null} */ (
      menu.querySelector("[aria-checked=true]") ?? menu.querySelector("[role^=menuitem]")
    )?.focus();
    const close = (/** @type {Event} */ event) => {
      if (/** @type {ToggleEvent} */ (event).newState === "open") return;
      opened.value = null;
      // The browser gives the focus back to what had it, unless that is gone.
      if (document.activeElement === document.body && before instanceof HTMLElement) before.focus();
    };
    const follow = () => menu.hidePopover();
    menu.addEventListener("toggle", close);
    addEventListener("resize", follow);
    return () => {
      menu.removeEventListener("toggle", close);
      removeEventListener("resize", follow);
      if (menu.isConnected && menu.matches(":popover-open")) menu.hidePopover();
    };
  }, [anchor]);

  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    const buttons = /** @type {HTMLElement[]} */ ([
      ...(ref.current?.querySelectorAll("[role^=menuitem]:not([disabled])") ?? []),
    ]);
    const at = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const last = buttons.length - 1;
    let next = -1;
    if (event.key === "ArrowDown") next = at === last ? 0 : at + 1;
    else if (event.key === "ArrowUp") next = at <= 0 ? last : at - 1;
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = last;
    else if (event.key === "Tab") ref.current?.hidePopover();
    else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey) {
      const begins = (/** @type {HTMLElement} */ button) =>
        button.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase());
      const after = buttons.findIndex((button, index) => index > at && begins(button));
      next = after < 0 ? buttons.findIndex(begins) : after;
    } else return;
    event.stopPropagation();
    if (event.key !== "Tab") event.preventDefault();
    buttons[next]?.focus();
  }

  /** @param {MenuItem} item */
  function choose(item) {
    ref.current?.hidePopover();
    item.run?.();
  }

  return html`<div
    ref=${ref}
    class="menu"
    popover="auto"
    role="menu"
    aria-label=${label}
    onKeyDown=${onKeyDown}
  >
    ${items.map((item) =>
      item === null
        ? html`<div class="menu-line" role="separator"></div>`
        : html`<button
            type="button"
            class=${item.isDanger ? "menu-item danger" : "menu-item"}
            role=${item.checked === undefined ? "menuitem" : "menuitemradio"}
            aria-checked=${item.checked}
            tabindex="-1"
            disabled=${item.isDisabled}
            onClick=${() => choose(item)}
          >
            ${item.checked === undefined ? item.icon && html`<${Icon} name=${item.icon} />` : html`<${Icon} name="check" class=${item.checked ? "" : "is-blank"} />`}
            <span dir="auto">${item.title}</span>
            ${item.keys && html`<kbd>${item.keys}</kbd>`}
          </button>`,
    )}
  </div>`;
}

/** Below its anchor, or above it where there is more room; inside the window. @param {HTMLElement} menu @param {Element} anchor */
export function place(menu, anchor) {
  const from = anchor.getBoundingClientRect();
  const [width, height] = [menu.offsetWidth, menu.offsetHeight];
  const isRtl = getComputedStyle(anchor).direction === "rtl";
  const toEnd = from.left + from.width / 2 > innerWidth / 2;
  const left = (isRtl ? from.left > innerWidth / 2 : toEnd) ? from.right - width : from.left;
  const below = from.bottom + 4;
  const top =
    below + height > innerHeight - 8 && from.top > height + 12 ? from.top - height - 4 : below;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(top, innerHeight - height - 8))}px`;
}
