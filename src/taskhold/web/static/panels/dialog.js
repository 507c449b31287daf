// A modal: the native dialog, so that what is behind it is inert, Esc closes it and the focus comes
// back to where it was. Near its anchor where there is room, at the middle, or from the bottom of a
// phone (panels.css).

import { classes, html, useId, useLayoutEffect, useRef } from "../parts/html.js";
import { IconButton } from "../parts/icons.js";
import { focused, focusRow, resting } from "../state.js";

const NARROW = "(max-width: 40rem)";
const MARGIN = 8;

/**
 * @param {object} props
 * @param {string} props.title read to who doesn't see it; shown where `heading` is set
 * @param {boolean} [props.heading]
 * @param {string} [props.class]
 * @param {Element | null} [props.anchor]
 * @param {() => void} props.onClose it was closed: by Esc, a click beside it, or its button
 * @param {import("../parts/html.js").Children} [props.children]
 */
export function Dialog({ title, heading = false, class: name, anchor, onClose, children }) {
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useId();

  useLayoutEffect(() => {
    const dialog = element.current;
    if (!dialog) return;
    dialog.showModal();
    const first = dialog.querySelector("[data-focus]");
    if (first instanceof HTMLElement) first.focus();
    const place = () => placeAt(dialog, anchor);
    place();
    addEventListener("resize", place);
    return () => {
      removeEventListener("resize", place);
      dialog.close();
      // Where the browser can't give the focus back, since its row is another by now, the list does.
      if (document.activeElement === document.body)
        focusRow(focused.peek() ?? resting.peek() ?? "");
    };
  }, []);

  /** @param {PointerEvent} event */
  const closeBeside = (event) => {
    if (event.target === element.current) onClose();
  };
  /** @param {Event} event */
  const cancel = (event) => {
    event.preventDefault(); // it goes when what shows it goes
    onClose();
  };
  /** @param {KeyboardEvent} event */
  const keepKeys = (event) => event.stopPropagation(); // the list's keys don't act from in here

  return html`<dialog
    ref=${element}
    class=${classes("dialog", anchor && "is-anchored", name)}
    aria-labelledby=${id}
    onCancel=${cancel}
    onPointerDown=${closeBeside}
    onKeyDown=${keepKeys}
  >
    <div class="dialog-body">
      <header class=${heading ? "dialog-head" : "unseen"}>
        <h2 id=${id} dir="auto">${title}</h2>
        ${heading && html`<${IconButton} icon="close" label="Close" onClick=${onClose} />`}
      </header>
      ${children}
    </div>
  </dialog>`;
}

/** Below its anchor, or above it where there is more room.
 * @param {HTMLDialogElement} dialog
 * @param {Element | null | undefined} anchor
 */
function placeAt(dialog, anchor) {
  const { style } = dialog;
  const is = anchor?.getBoundingClientRect();
  if (!is || (is.width === 0 && is.height === 0) || matchMedia(NARROW).matches) {
    style.left = "";
    style.top = "";
    dialog.classList.toggle("is-anchored", false);
    return;
  }
  dialog.classList.toggle("is-anchored", true);
  const { offsetWidth: width, offsetHeight: height } = dialog;
  const start = getComputedStyle(dialog).direction === "rtl" ? is.right - width : is.left;
  const below = is.bottom + 4;
  const above = is.top - 4 - height;
  const top = below + height <= innerHeight - MARGIN || above < MARGIN ? below : above;
  style.left = `${clamp(start, MARGIN, innerWidth - width - MARGIN)}px`;
  style.top = `${clamp(top, MARGIN, innerHeight - height - MARGIN)}px`;
}

/** @param {number} value @param {number} least @param {number} most */
function clamp(value, least, most) {
  return Math.max(least, Math.min(value, most));
}
