// Choosing by typing: a field, and below it what fits, in groups. The field keeps the focus; the
// arrows move through the options and Enter takes one (ARIA's combobox with a listbox).
// Palette and pickers are made of it.

import { classes, html, useEffect, useId, useRef, useState } from "../parts/html.js";
import { Icon } from "../parts/icons.js";

/**
 * @typedef {object} Option
 * @property {string} id
 * @property {string} title
 * @property {string} [detail] said after it, in a quieter tone
 * @property {string} [icon]
 * @property {string} [tone] a class for the icon
 * @property {string[]} [keys]
 * @property {boolean | "mixed"} [checked] where several can be chosen
 * @property {boolean} [disabled]
 * @property {() => void} run
 * @typedef {{name: string, options: Option[]}} Group a group without a name has no heading
 */

const PAGE = 8;

/**
 * @param {object} props
 * @param {string} props.label
 * @param {string} [props.placeholder]
 * @param {string} [props.type] what kind of keyboard a phone shows
 * @param {(query: string) => Group[]} props.find
 * @param {string} [props.nothing] what is said where nothing fits
 * @param {boolean} [props.several]
 * @param {(query: string) => boolean} [props.onType] true: that was a choice already
 */
export function Chooser({ label, placeholder, find, nothing, several = false, onType }) {
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const id = useId();
  const list = useRef(/** @type {HTMLDivElement | null} */ (null));
  const groups = find(query).filter((group) => group.options.length > 0);
  const options = groups.flatMap((group) => group.options);
  const at = Math.min(active, options.length - 1);

  useEffect(() => {
    list.current?.querySelector(".is-active")?.scrollIntoView({ block: "nearest" });
  }, [at, query]);

  /** @param {Option | undefined} option */
  const choose = (option) => {
    if (option && !option.disabled) option.run();
    if (several) setQuery("");
  };
  /** @param {InputEvent & {currentTarget: HTMLInputElement}} event */
  const type = ({ currentTarget: { value } }) => {
    if (onType?.(value)) return;
    setQuery(value);
    setActive(0);
  };
  /** @param {KeyboardEvent} event */
  const move = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE }[event.key];
    if (event.isComposing) return;
    if (step && options.length > 0) {
      event.preventDefault();
      const isSingle = Math.abs(step) === 1;
      setActive(
        isSingle
          ? (at + step + options.length) % options.length
          : clamp(at + step, options.length - 1),
      );
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(options[at]);
    }
  };

  return html`<div class="chooser">
    <input
      class="chooser-field"
      type="text"
      role="combobox"
      aria-label=${label}
      aria-expanded="true"
      aria-autocomplete="list"
      aria-controls=${`${id}-list`}
      aria-activedescendant=${at >= 0 ? `${id}-${at}` : undefined}
      placeholder=${placeholder ?? label}
      autocomplete="off"
      autocapitalize="off"
      spellcheck=${false}
      dir="auto"
      data-focus
      value=${query}
      onInput=${type}
      onKeyDown=${move}
    />
    <div
      ref=${list}
      id=${`${id}-list`}
      class="chooser-list"
      role="listbox"
      tabindex="-1"
      aria-label=${label}
      aria-multiselectable=${several || undefined}
    >
      ${groups.map((group, index) => {
        const before = groups.slice(0, index).reduce((sum, each) => sum + each.options.length, 0);
        return html`<div role="group" aria-label=${group.name || label} key=${group.name}>
          ${group.name && html`<div class="chooser-heading" aria-hidden="true">${group.name}</div>`}
          ${group.options.map(
            (option, place) => html`<${Choice}
              key=${option.id}
              id=${`${id}-${before + place}`}
              option=${option}
              isActive=${before + place === at}
              onPoint=${() => setActive(before + place)}
              onChoose=${() => choose(option)}
            />`,
          )}
        </div>`;
      })}
    </div>
    <p class=${options.length === 0 ? "chooser-nothing" : "unseen"} role="status">
      ${options.length === 0 ? (nothing ?? "Nothing fits.") : `${options.length} to choose from`}
    </p>
  </div>`;
}

/**
 * @param {object} props
 * @param {string} props.id
 * @param {Option} props.option
 * @param {boolean} props.isActive
 * @param {() => void} props.onPoint
 * @param {() => void} props.onChoose
 */
function Choice({ id, option, isActive, onPoint, onChoose }) {
  const { title, detail, icon, tone, keys = [], checked, disabled } = option;
  return html`<div
    id=${id}
    class=${classes("choice", isActive && "is-active")}
    role="option"
    aria-selected=${isActive}
    aria-checked=${checked === undefined ? undefined : String(checked)}
    aria-disabled=${disabled || undefined}
    onPointerMove=${isActive ? undefined : onPoint}
    onMouseDown=${(/** @type {Event} */ event) => event.preventDefault()}
    onClick=${onChoose}
  >
    ${checked !== undefined && html`<span class="choice-check"><${Icon} name=${checked === "mixed" ? "minus" : "check"} /></span>`}
    ${icon && html`<span class=${classes("choice-icon", tone)}><${Icon} name=${icon} /></span>`}
    <span class="choice-title" dir="auto">${title}</span>
    ${detail && html`<span class="choice-detail" dir="auto">${detail}</span>`}
    ${keys.length > 0 && html`<span class="choice-keys"><${Keys} keys=${keys.slice(0, 1)} /></span>`}
  </div>`;
}

/** Keys as they are pressed: one after the other, or together. @param {{keys: string[]}} props */
export function Keys({ keys }) {
  return keys.map(
    (shown, index) => html`<span class="keys" key=${shown}>
      ${index > 0 && html`<span class="keys-or">or</span>`}
      ${shown.split(/ |(?<=.)-(?=.)/).map((key) => html`<kbd>${key}</kbd>`)}
    </span>`,
  );
}

/** @param {number} value @param {number} most */
function clamp(value, most) {
  return Math.max(0, Math.min(value, most));
}

/** Without case and accents. @param {string} text */
export function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/**
 * How well a text fits, 0 for not at all: every word has to be found, best at its beginning, then at
 * the beginning of a word, then anywhere. `loosely` lets the letters of a single word be found one
 * after the other at word beginnings, too: "gtt" for "Go to Today".
 *
 * @param {string} query folded
 * @param {string} text folded
 * @param {boolean} [loosely]
 */
export function fit(query, text, loosely = false) {
  const words = query.split(/\s+/).filter(Boolean);
  if (words.length === 0) return 1;
  let worst = 4;
  for (const word of words) {
    const place = text.indexOf(word);
    const isInitial = loosely && words.length === 1 && initials(text).startsWith(word);
    if (place < 0 && !isInitial) return 0;
    const beginsWord = startsAWord(text, word, place);
    worst = Math.min(worst, place === 0 ? 4 : beginsWord || isInitial ? 3 : 2);
  }
  return worst;
}

/** @param {string} text @param {string} word @param {number} from */
function startsAWord(text, word, from) {
  for (let at = from; at >= 0; at = text.indexOf(word, at + 1)) {
    if (at === 0 || /[^\p{L}\p{N}]/u.test(text.charAt(at - 1))) return true;
  }
  return false;
}

/** @param {string} text */
function initials(text) {
  return (text.match(/(?<![\p{L}\p{N}])[\p{L}\p{N}]/gu) ?? []).join("");
}
