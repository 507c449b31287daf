// A text while it is typed. It is saved after a pause and on leaving, by whatever way: another field,
// another task, a closed panel or window. What can't be saved stays here until it can.
//
// Where the stored text changes meanwhile, what is typed stays, and nothing is saved over the other
// text before the person has chosen, or has left: then `both` joins them.

import { html, useEffect, useRef, useState } from "../parts/html.js";

/**
 * @typedef {object} Typed
 * @property {string} text what the field shows
 * @property {string} base the stored text that it was typed over
 * @property {string | null} other what the stored text became elsewhere
 *
 * @typedef {object} Draft
 * @property {string} text
 * @property {boolean} isUnsaved
 * @property {string | null} other
 * @property {string | null} problem why it isn't saved
 * @property {(text: string) => void} type
 * @property {() => void} leave
 * @property {() => void} keepMine
 * @property {() => void} takeOther
 */

const PAUSE = 800;

/** @param {string} text */
const same = (text) => text;

/** What couldn't be saved when its field went, by the field's name. @type {Map<string, Typed>} */
const left = new Map();

/**
 * @param {object} field
 * @param {string} field.name the same for the same field of the same task
 * @param {string} field.stored
 * @param {(text: string) => void} field.save
 * @param {(text: string) => string} [field.clean] the text as it is stored
 * @param {(text: string) => string | null} [field.check] why it can't be saved
 * @param {() => void} [field.kept] it couldn't be saved when it was left
 * @param {(mine: string, other: string) => string} [field.both] what leaving saves where it changed elsewhere
 * @returns {Draft}
 */
export function useDraft(field) {
  const [, show] = useState(0);
  const typed = useRef(/** @type {Typed | null} */ (left.get(field.name) ?? null));
  const timer = useRef(0);
  const latest = useRef(field);
  latest.current = field;
  noticeOther(typed, field);

  const save = () => {
    clearTimeout(timer.current);
    const now = typed.current;
    if (!now) return;
    const { stored, clean = same, check } = latest.current;
    const text = clean(now.text);
    if (check?.(text)) return;
    typed.current = { text: now.text, base: text, other: null };
    if (text !== stored) latest.current.save(text);
  };
  const saveUnlessOther = () => {
    if (typed.current?.other === null) save();
  };
  const leave = () => {
    const now = typed.current;
    if (!now) return;
    const { both, clean = same, check, kept, name } = latest.current;
    if (now.other !== null && both) now.text = both(now.text, now.other);
    const isStuck = clean(now.text) !== now.base && Boolean(check?.(clean(now.text)));
    save();
    if (isStuck && now.text.trim() !== "") {
      left.set(name, now);
      kept?.();
    } else {
      left.delete(name);
      typed.current = null;
    }
    show((n) => n + 1);
  };
  const end = useRef(leave);
  end.current = leave;

  useEffect(() => {
    const hide = () => {
      if (document.visibilityState === "hidden") saveUnlessOther();
    };
    const go = () => end.current();
    document.addEventListener("visibilitychange", hide);
    addEventListener("pagehide", go);
    return () => {
      document.removeEventListener("visibilitychange", hide);
      removeEventListener("pagehide", go);
      end.current();
    };
  }, []);

  const now = typed.current;
  const text = now?.text ?? field.stored;
  return {
    text,
    isUnsaved: text !== field.stored,
    other: now?.other ?? null,
    problem: now ? (field.check?.((field.clean ?? same)(text)) ?? null) : null,
    type: (entered) => {
      typed.current = { base: field.stored, other: null, ...typed.current, text: entered };
      clearTimeout(timer.current);
      timer.current = window.setTimeout(saveUnlessOther, PAUSE);
      show((n) => n + 1);
    },
    leave,
    keepMine: () => {
      save();
      show((n) => n + 1);
    },
    takeOther: () => {
      clearTimeout(timer.current);
      typed.current = null;
      left.delete(field.name);
      show((n) => n + 1);
    },
  };
}

/** @param {{current: Typed | null}} typed @param {{stored: string}} field */
function noticeOther(typed, { stored }) {
  const now = typed.current;
  if (!now || stored === now.base) return;
  if (stored === now.text) typed.current = { ...now, base: stored, other: null };
  else if (now.text === now.base)
    typed.current = null; // nothing typed since it was saved
  else typed.current = { ...now, other: stored };
}

/** What to do about a text that changed elsewhere meanwhile.
 * @param {{draft: Draft, later: string}} props `later`: what leaving does
 */
export function ChangedElsewhere({ draft, later }) {
  if (draft.other === null) return null;
  return html`<div class="elsewhere" role="status">
    <p>This was changed elsewhere while you typed. ${later}</p>
    <blockquote class="elsewhere-text" dir="auto">${draft.other || "It is empty there."}</blockquote>
    <div class="buttons">
      <button type="button" class="button" onClick=${draft.keepMine}>Keep mine</button>
      <button type="button" class="button" onClick=${draft.takeOther}>Take the other</button>
    </div>
  </div>`;
}
