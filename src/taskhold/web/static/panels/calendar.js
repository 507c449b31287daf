// A due date: typed, taken from the quick choices, or from a month with the arrows.

import {
  addDays,
  dateOf,
  dayFrom,
  dayOf,
  dayWords,
  instant,
  isDay,
  parseDay,
  today,
  wholeDay,
} from "../days.js";
import {
  classes,
  html,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from "../parts/html.js";
import { Icon } from "../parts/icons.js";

const ENGLISH = navigator.language.startsWith("en") ? navigator.language : "en-GB";
const WEEKS = 6; // always as many, so that nothing moves from month to month
const EXAMPLES = "fri, 24 dec, in 3 days 17:00";

/**
 * @param {object} props
 * @param {string | null} props.due
 * @param {(due: string | null) => void} props.onPick
 */
export function DatePicker({ due, onPick }) {
  const now = new Date();
  const [text, setText] = useState("");
  const [isWrong, setWrong] = useState(false);
  const [time, setTime] = useState(due && !isDay(due) ? clock(new Date(due)) : "");
  const id = useId();
  const typed = text.trim() ? parseDay(text, now) : null;
  const chosen = typed ?? due;
  const hint = !text.trim()
    ? due
      ? wholeDay(due)
      : "No date so far"
    : typed
      ? wholeDay(typed)
      : `For example ${EXAMPLES}`;

  /** @param {string} day */
  const pickDay = (day) => onPick(withTime(day, time));
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    if (!text.trim()) pickDay(due ? dayOf(due) : today(now));
    else if (typed) onPick(isDay(typed) ? withTime(typed, time) : typed);
    else setWrong(true);
  };
  /** @param {KeyboardEvent} event */
  const intoMonth = (event) => {
    if (event.key !== "ArrowDown" || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    const cell = event.target.form?.querySelector("table button[tabindex='0']");
    if (cell instanceof HTMLElement) cell.focus();
  };

  return html`<form class="date-picker" onSubmit=${submit} noValidate>
    <input
      data-focus
      class="chooser-field"
      type="text"
      aria-label="A day, and a time if you like"
      aria-describedby=${`${id}-hint`}
      aria-invalid=${isWrong || undefined}
      placeholder=${EXAMPLES}
      autocomplete="off"
      spellcheck=${false}
      value=${text}
      onInput=${(/** @type {any} */ event) => {
        setText(event.currentTarget.value);
        setWrong(false);
      }}
      onKeyDown=${intoMonth}
    />
    <p id=${`${id}-hint`} class=${classes("date-hint", isWrong && "is-wrong")} role="status">
      ${isWrong ? `That is no day that is known here. ${hint}.` : hint}
    </p>
    <div class="quick-days">
      ${quickDays(now).map(
        ([
          name,
          day,
        ]) => html`<button type="button" class="quick-day" key=${name} onClick=${() => pickDay(day)}>
          <span>${name}</span><span class="choice-detail">${shortDay(day)}</span>
        </button>`,
      )}
      <button type="button" class="quick-day" onClick=${() => onPick(null)}>
        <span>No date</span>
      </button>
    </div>
    <${Month} chosen=${chosen ? dayOf(chosen) : null} now=${today(now)} onPick=${pickDay} />
    <div class="date-time">
      <label>Time <input type="time" value=${typed && !isDay(typed) ? clock(new Date(typed)) : time}
        onInput=${(/** @type {any} */ event) => setTime(event.currentTarget.value)} /></label>
      <button type="submit" class="button is-main">${setWords(typed ?? withTime(due ? dayOf(due) : today(now), time), now)}</button>
    </div>
  </form>`;
}

/** @param {string} due @param {Date} now */
function setWords(due, now) {
  return `Set ${dayWords(due, now)}`;
}

/**
 * @param {object} props
 * @param {string | null} props.chosen
 * @param {string} props.now
 * @param {(day: string) => void} props.onPick
 */
function Month({ chosen, now, onPick }) {
  const [at, setAt] = useState(chosen ?? now);
  const [moved, setMoved] = useState(false);
  const table = useRef(/** @type {HTMLTableElement | null} */ (null));
  const id = useId();
  const first = firstWeekday();

  useEffect(() => setAt(chosen ?? now), [chosen, now]);
  useLayoutEffect(() => {
    if (!moved) return;
    const cell = table.current?.querySelector("button[tabindex='0']");
    if (cell instanceof HTMLElement) cell.focus();
    setMoved(false);
  }, [moved, at]);

  /** @param {KeyboardEvent} event */
  const move = (event) => {
    const isRtl = table.current && getComputedStyle(table.current).direction === "rtl";
    const next = moveBy(event, at, first, isRtl ? -1 : 1);
    if (next) {
      event.preventDefault();
      setAt(next);
      setMoved(true);
    } else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey) {
      // Typing goes on in the field.
      const field = table.current?.closest("form")?.querySelector("[data-focus]");
      if (field instanceof HTMLElement) field.focus();
    }
  };
  const month = at.slice(0, 7);
  const start = weekStart(`${month}-01`, first);
  const weeks = Array.from({ length: WEEKS }, (_, week) =>
    Array.from({ length: 7 }, (_, day) => addDays(start, week * 7 + day)),
  );

  return html`<div class="month">
    <div class="month-head">
      <button type="button" class="icon-button" aria-label="Earlier month" onClick=${() => setAt(addMonths(at, -1))}>
        <${Icon} name="back" />
      </button>
      <h3 id=${id} aria-live="polite">${write(at, { month: "long", year: "numeric" })}</h3>
      <button type="button" class="icon-button" aria-label="Later month" onClick=${() => setAt(addMonths(at, 1))}>
        <${Icon} name="chevron" />
      </button>
    </div>
    <table ref=${table} role="grid" aria-labelledby=${id} onKeyDown=${move}>
      <thead><tr>
        ${weeks[0]?.map(
          (day) => html`<th scope="col" abbr=${write(day, { weekday: "long" })} key=${day}>
          ${write(day, { weekday: "short" }).slice(0, 2)}
        </th>`,
        )}
      </tr></thead>
      <tbody>
        ${weeks.map(
          (week) => html`<tr key=${week[0]}>
          ${week.map(
            (day) => html`<td key=${day} aria-selected=${day === chosen}>
            <button
              type="button"
              class=${classes("day", day.slice(0, 7) !== month && "is-other", day === now && "is-today")}
              tabindex=${day === at ? 0 : -1}
              aria-label=${wholeDay(day)}
              aria-current=${day === now ? "date" : undefined}
              onClick=${() => onPick(day)}
            >${Number(day.slice(8))}</button>
          </td>`,
          )}
        </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** @param {KeyboardEvent} event @param {string} at @param {number} first @param {number} forward */
function moveBy(event, at, first, forward) {
  switch (event.key) {
    case "ArrowLeft":
      return addDays(at, -forward);
    case "ArrowRight":
      return addDays(at, forward);
    case "ArrowUp":
      return addDays(at, -7);
    case "ArrowDown":
      return addDays(at, 7);
    case "Home":
      return weekStart(at, first);
    case "End":
      return addDays(weekStart(at, first), 6);
    case "PageUp":
      return addMonths(at, event.shiftKey ? -12 : -1);
    case "PageDown":
      return addMonths(at, event.shiftKey ? 12 : 1);
    default:
      return null;
  }
}

/** @param {Date} now @returns {[string, string][]} */
function quickDays(now) {
  const from = today(now);
  return [
    ["Today", from],
    ["Tomorrow", addDays(from, 1)],
    ["Next week", parseDay("next week", now) ?? addDays(from, 7)],
  ];
}

/** @param {string} day */
function shortDay(day) {
  return write(day, { weekday: "short", day: "numeric", month: "short" });
}

/** @param {string} day @param {string} time @returns {string} */
function withTime(day, time) {
  const [hours, minutes] = time.split(":").map(Number);
  return hours === undefined || minutes === undefined ? day : instant(day, hours * 60 + minutes);
}

/** @param {Date} moment */
function clock(moment) {
  return [moment.getHours(), moment.getMinutes()].map((n) => String(n).padStart(2, "0")).join(":");
}

/** The same day of another month, or its last. @param {string} day @param {number} count */
function addMonths(day, count) {
  const date = dateOf(day);
  const wanted = date.getDate();
  date.setDate(1);
  date.setMonth(date.getMonth() + count + 1, 0);
  date.setDate(Math.min(wanted, date.getDate()));
  return dayFrom(date);
}

/** @param {string} day @param {number} first */
function weekStart(day, first) {
  return addDays(day, -((dateOf(day).getDay() - first + 7) % 7));
}

/** 0 for Sunday, as the viewer's calendar begins its weeks; Monday where that isn't known. */
function firstWeekday() {
  const locale = /** @type {any} */ (new Intl.Locale(navigator.language));
  const week = locale.getWeekInfo?.() ?? locale.weekInfo;
  return (week?.firstDay ?? 1) % 7;
}

/** @param {string} day @param {Intl.DateTimeFormatOptions} options */
function write(day, options) {
  return new Intl.DateTimeFormat(ENGLISH, options).format(dateOf(day));
}
