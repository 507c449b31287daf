// From a key press to a command. What is typed into a field is never taken away from it.

import { commands } from "./commands.js";
import { dialog, isPicking, preferences } from "./state.js";

/** @type {Record<string, string>} */
const NAMES = {
  " ": "space",
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  Enter: "enter",
  Escape: "esc",
  Delete: "delete",
  Home: "home",
  End: "end",
};
/** Those that mean something else on a button or in a panel that scrolls. */
const OF_THE_LIST = new Set([
  "space",
  "enter",
  "↑",
  "↓",
  "←",
  "→",
  "home",
  "end",
  "shift-↑",
  "shift-↓",
]);
const PATIENCE = 1500;

/** @type {Map<string, import("./commands.js").Command>} */
const byKeys = new Map(commands.flatMap((command) => command.keys.map((keys) => [keys, command])));

/** What a key press is called: "x", "shift-z", "ctrl-k", "alt-↑", "#". @param {KeyboardEvent} event */
export function keyName(event) {
  const key = latin(event);
  const name = NAMES[key] ?? (key.length === 1 ? key.toLowerCase() : "");
  if (name === "") return "";
  const isSign = key.length === 1 && key !== " " && name === name.toUpperCase();
  const isComposed = event.getModifierState("AltGraph");
  const ctrl = (event.ctrlKey || event.metaKey) && !isComposed ? "ctrl-" : "";
  // A sign may need Shift or Alt to be typed at all: which, depends on the keyboard.
  const alt = event.altKey && !isSign ? "alt-" : "";
  const shift = event.shiftKey && !isSign ? "shift-" : "";
  return `${ctrl}${alt}${shift}${name}`;
}

/** On a keyboard of another script the letter is the one that is printed beside it. @param {KeyboardEvent} event */
function latin({ key, code }) {
  const isForeign = key.length === 1 && key > "\u024f" && /^Key[A-Z]$/.test(code);
  return isForeign ? code.slice(3).toLowerCase() : key;
}

/** A letter or sign alone: what can be switched off. @param {string} keys */
export const isSingle = (keys) => /^(shift-)?\S$|^g \S$/.test(keys) && !/[↑↓←→]/.test(keys);

/** @param {Element} target */
function isField(target) {
  if (target instanceof HTMLInputElement) {
    return !["checkbox", "radio", "button", "submit", "range", "color"].includes(target.type);
  }
  return (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLElement && target.isContentEditable)
  );
}

/** Listens for as long as the page lives. */
export function followKeys() {
  /** Whether a "g" waits for its second letter. */
  let begun = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.key === "Process") return;
    const target = /** @type {Element} */ (event.target);
    if (document.querySelector("dialog[open], :popover-open")) return;
    const name = keyName(event);
    if (name === "") return;
    if (dialog.peek() !== null || isPicking.peek()) {
      holdBack(event);
      return;
    }
    if (isField(target)) {
      if (name === "esc") leaveField(/** @type {HTMLElement} */ (target));
      else if (name !== "ctrl-k") return;
    }
    const isSecond = Date.now() - begun < PATIENCE;
    begun = name === "g" && !isSecond && preferences.peek().singleKeys ? Date.now() : 0;
    const keys = isSecond && byKeys.has(`g ${name}`) ? `g ${name}` : name;
    const command = byKeys.get(keys);
    if (!command || (isSingle(keys) && !preferences.peek().singleKeys)) return;
    if (OF_THE_LIST.has(keys) && !isOfTheList(target)) return;
    if (isField(target) && name === "esc") {
      event.preventDefault();
      return;
    }
    if (!command.isEnabled()) return;
    event.preventDefault();
    command.run();
  });
}

/** Keys that are meant for a panel on its way, and those behind them. @type {KeyboardEvent[]} */
let held = [];

/** @param {KeyboardEvent} event */
function holdBack(event) {
  if (!event.isTrusted) return; // one of those that are handed over
  event.preventDefault();
  event.stopPropagation();
  const [first] = held;
  // Escape takes back what was opened just now, or doesn't come at all.
  if (event.key === "Escape" && (!first || event.timeStamp - first.timeStamp > PATIENCE)) {
    held = [];
    dialog.value = null;
    isPicking.value = false;
  } else if (held.push(event) === 1) {
    document.addEventListener("keydown", holdBack, { capture: true });
    requestAnimationFrame(handOver);
  }
}

/** One after the other, as if they came now: to the panel, or to what is there once it is closed. */
function handOver() {
  const target = document.activeElement ?? document.body;
  const panel = target.closest("dialog[open]");
  const isOnItsWay = !panel && (dialog.peek() !== null || isPicking.peek());
  const event = isOnItsWay ? undefined : held.shift();
  if (event) press(event, target, panel);
  if (held.length > 0) setTimeout(handOver);
  else document.removeEventListener("keydown", holdBack, { capture: true });
}

/** Does what the browser does at a key, as far as it is typed ahead.
 * @param {KeyboardEvent} event @param {Element} target @param {Element | null} panel
 */
function press(event, target, panel) {
  const { key, code, ctrlKey, metaKey, altKey, shiftKey } = event;
  if (key === "Escape" && panel) {
    panel.dispatchEvent(new Event("cancel", { cancelable: true }));
    return;
  }
  const modifiers = { ctrlKey, metaKey, altKey, shiftKey };
  const again = new KeyboardEvent("keydown", {
    key,
    code,
    ...modifiers,
    bubbles: true,
    cancelable: true,
  });
  const isTaken = !target.dispatchEvent(again);
  if (isTaken || !isText(target)) return;
  if (key === "Enter") target.form?.requestSubmit();
  else if (key.length === 1 && !ctrlKey && !metaKey) {
    target.value += key;
    target.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
}

/** @param {Element} element @returns {element is HTMLInputElement | HTMLTextAreaElement} */
const isText = (element) =>
  element instanceof HTMLTextAreaElement ||
  (element instanceof HTMLInputElement && isField(element));

/** Whether a key is the list's: on a row, or where nothing has the focus. @param {Element} target */
const isOfTheList = (target) => target === document.body || target.matches("[data-key], .rows, h1");

/** One step out of a field: to what it is in. @param {HTMLElement} field */
function leaveField(field) {
  const around = /** @type {HTMLElement | null} */ (field.parentElement?.closest("[tabindex]"));
  if (around) around.focus();
  else field.blur();
}
