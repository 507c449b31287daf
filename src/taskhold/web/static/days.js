// Days, as people write and read them. A day is a text, "2026-12-01", in the viewer's own zone;
// a due time is a day or an instant with its offset, as the API has it.

const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS = [
  ...["january", "february", "march", "april", "may", "june", "july", "august"],
  ...["september", "october", "november", "december"],
];
const UNITS = ["minute", "hour", "day", "week", "month"];
/** @type {Record<string, number>} */
const NUMBERS = { a: 1, an: 1, one: 1, two: 2, three: 3, four: 4, five: 5, six: 6, seven: 7 };
const LANGUAGE = globalThis.navigator?.language?.startsWith("en") ? navigator.language : "en-GB";

/** @param {number} number @param {number} [digits] */
const padded = (number, digits = 2) => String(number).padStart(digits, "0");

/** The day of a moment, where the viewer is. @param {Date} moment */
export const dayFrom = (moment) =>
  `${padded(moment.getFullYear(), 4)}-${padded(moment.getMonth() + 1)}-${padded(moment.getDate())}`;

/** @param {Date} [now] */
export const today = (now = new Date()) => dayFrom(now);

/** Its midnight. @param {string} day */
export function dateOf(day) {
  const date = new Date(2000, Number(day.slice(5, 7)) - 1, Number(day.slice(8, 10)));
  date.setFullYear(Number(day.slice(0, 4)), Number(day.slice(5, 7)) - 1, Number(day.slice(8, 10)));
  return date;
}

/** @param {string} day @param {number} count */
export function addDays(day, count) {
  const date = dateOf(day);
  date.setDate(date.getDate() + count);
  return dayFrom(date);
}

/** How many days from `first` to `last`. @param {string} first @param {string} last */
export const daysBetween = (first, last) =>
  Math.round((dateOf(last).getTime() - dateOf(first).getTime()) / 86_400_000);

/** @param {string} due */
export const isDay = (due) => due.length === 10;

/** The day on which it is due, where the viewer is. @param {string} due */
export const dayOf = (due) => (isDay(due) ? due : dayFrom(new Date(due)));

/** What due times sort by: a day comes before its hours. @param {string} due */
export const dueOrder = (due) => (isDay(due) ? due : `${dayOf(due)}T${clockOf(new Date(due))}`);

/** @param {string} due @param {Date} now */
export const isPast = (due, now) => (isDay(due) ? due < today(now) : new Date(due) < now);

/** @param {Date} moment */
const clockOf = (moment) => `${padded(moment.getHours())}:${padded(moment.getMinutes())}`;

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {Date} date @param {Intl.DateTimeFormatOptions} options */
function written(date, options) {
  const key = JSON.stringify(options);
  const format = formats.get(key) ?? new Intl.DateTimeFormat(LANGUAGE, options);
  formats.set(key, format);
  return format.format(date);
}

/** @param {Date} moment */
export const timeWords = (moment) => written(moment, { hour: "numeric", minute: "2-digit" });

/** In the fewest words: today, Fri, 24 Dec, 24 Dec 2027; with its hour. @param {string} due @param {Date} now */
export function dayWords(due, now) {
  const words = nearWords(dayOf(due), today(now));
  return isDay(due) ? words : `${words} ${timeWords(new Date(due))}`;
}

/** @param {string} day @param {string} from */
function nearWords(day, from) {
  const ahead = daysBetween(from, day);
  if (ahead === 0) return "today";
  if (ahead === 1) return "tomorrow";
  if (ahead === -1) return "yesterday";
  if (ahead > 1 && ahead < 7) return written(dateOf(day), { weekday: "short" });
  return shortDate(day, from);
}

/** @param {string} day @param {string} from */
function shortDate(day, from) {
  const year = day.slice(0, 4) === from.slice(0, 4) ? undefined : "numeric";
  return written(dateOf(day), { day: "numeric", month: "short", year });
}

/** The heading of a day: "Tomorrow" and "Tue 1 Dec". @param {string} day @param {Date} now */
export function dayHeading(day, now) {
  const from = today(now);
  const ahead = daysBetween(from, day);
  const year = day.slice(0, 4) === from.slice(0, 4) ? undefined : "numeric";
  const date = written(dateOf(day), { day: "numeric", month: "short", year });
  const weekday = written(dateOf(day), { weekday: "long" });
  const near = { "-1": "Yesterday", 0: "Today", 1: "Tomorrow" }[ahead];
  return near ? { title: near, hint: `${weekday} ${date}` } : { title: weekday, hint: date };
}

/** "January", "January 2027". @param {string} day @param {Date} now */
export function monthWords(day, now) {
  const year = day.slice(0, 4) === today(now).slice(0, 4) ? undefined : "numeric";
  return written(dateOf(day), { month: "long", year });
}

/** For screen readers and tooltips: "Tuesday 1 December 2026". @param {string} due */
export function wholeDay(due) {
  const words = written(dateOf(dayOf(due)), {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
  });
  return isDay(due) ? words : `${words}, ${timeWords(new Date(due))}`;
}

/** A time of a day as the API takes it: with this zone's offset on that day. @param {string} day @param {number} minutes */
export function instant(day, minutes) {
  const moment = dateOf(day);
  moment.setHours(0, minutes, 0, 0);
  const ahead = -moment.getTimezoneOffset();
  const [sign, size] = [ahead < 0 ? "-" : "+", Math.abs(ahead)];
  const offset = `${sign}${padded(Math.floor(size / 60))}:${padded(size % 60)}`;
  return `${dayFrom(moment)}T${clockOf(moment)}:00${offset}`;
}

/**
 * What is meant by "tomorrow", "fri", "24 dec", "in 3 days", "5pm", "mon 9:30", "2026-12-24": a due
 * time, or null. A weekday is the next one, never today; a date without a year is the next such.
 *
 * @param {string} text
 * @param {Date} now
 * @returns {string | null}
 */
export function parseDay(text, now) {
  const words = text
    .toLowerCase()
    .trim()
    .replace(/^(on|by|due) /, "")
    .replace(/,/g, " ")
    .split(/\s+/);
  if (words.length === 1 && isInstant(text.trim())) return text.trim();
  const whole = parseDate(words, now) ?? parseSpan(words, now);
  if (whole) return whole;
  // An hour at one end of it; alone it is the next such hour.
  for (let count = 1; count <= Math.min(3, words.length); count++) {
    for (const atEnd of [true, false]) {
      const hour = parseHour(atEnd ? words.slice(-count) : words.slice(0, count));
      if (hour === null) continue;
      const others = atEnd ? words.slice(0, -count) : words.slice(count);
      if (others.length === 0) {
        const isOver = hour <= now.getHours() * 60 + now.getMinutes();
        return instant(isOver ? addDays(today(now), 1) : today(now), hour);
      }
      const day = parseDate(others[0] === "on" ? others.slice(1) : others, now);
      if (day) return instant(day, hour);
    }
  }
  return null;
}

/** @param {string} text */
const isInstant = (text) =>
  /^\d{4}-\d\d-\d\dt\d\d:\d\d(:\d\d(\.\d+)?)?(z|[+-]\d\d:\d\d)$/i.test(text) &&
  !Number.isNaN(Date.parse(text));

/** @param {string[]} words @param {Date} now @returns {string | null} */
function parseDate(words, now) {
  const from = today(now);
  const text = words.join(" ");
  const weekday = dateOf(from).getDay();
  const monday = addDays(from, -((weekday + 6) % 7));
  if (/^(today|tod)$/.test(text)) return from;
  if (/^(tomorrow|tmrw?|tom)$/.test(text)) return addDays(from, 1);
  if (text === "yesterday") return addDays(from, -1);
  if (text === "next week") return addDays(monday, 7);
  if (/^(this )?weekend$/.test(text)) return weekday === 0 ? from : addDays(monday, 5);
  if (text === "next weekend") return addDays(monday, 12);
  if (text === "next month") return firstOfMonth(from, 1);
  if (/^(eom|end of (the )?month)$/.test(text)) return addDays(firstOfMonth(from, 1), -1);

  const [first = "", second = "", third = ""] = words;
  const named = nameIndex(WEEKDAYS, first === "this" || first === "next" ? second : first);
  if (named >= 0 && words.length === (first === "this" || first === "next" ? 2 : 1)) {
    if (first === "next") return addDays(monday, 7 + ((named + 6) % 7));
    return addDays(from, ((named - weekday + 6) % 7) + 1);
  }
  const iso = /^(\d{4})-(\d\d?)-(\d\d?)$/.exec(text);
  if (iso) return existing(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const numbers = /^(\d\d?)([./])(\d\d?)(?:\2(\d{4}|\d\d)?)?$/.exec(text);
  if (numbers) {
    const [one, two] = [Number(numbers[1]), Number(numbers[3])];
    const dayFirst = numbers[2] === "." || one > 12 || (two <= 12 && !LANGUAGE.endsWith("US"));
    return nextDate(dayFirst ? two : one, dayFirst ? one : two, numbers[4], from);
  }
  const ordinal = /^(?:the )?(\d\d?)(?:st|nd|rd|th)$/.exec(text);
  if (ordinal) {
    for (let ahead = 0; ahead < 12; ahead++) {
      const month = firstOfMonth(from, ahead);
      const found = existing(
        ...[Number(month.slice(0, 4)), Number(month.slice(5, 7)), Number(ordinal[1])],
      );
      if (found && found >= from) return found;
    }
  }
  for (const [day, month] of [
    [first, second],
    [second, first],
  ]) {
    const index = nameIndex(MONTHS, month?.replace(/\.$/, "") ?? "");
    const number = /^(\d\d?)(?:st|nd|rd|th|\.)?$/.exec(day ?? "");
    const year = words.length === 2 || (words.length === 3 && /^\d{4}$/.test(third));
    if (index >= 0 && number && year) return nextDate(index + 1, Number(number[1]), third, from);
  }
  return null;
}

/** "in 3 days", "2 weeks". @param {string[]} words @param {Date} now @returns {string | null} */
function parseSpan(words, now) {
  const found = /^(?:in )?(\w+) (minute|min|hour|day|week|month)s?$/.exec(words.join(" "));
  if (!found) return null;
  const count = NUMBERS[found[1] ?? ""] ?? Number(found[1]);
  if (!Number.isInteger(count) || count > 5000) return null;
  const from = today(now);
  switch (UNITS.findIndex((unit) => unit.startsWith(found[2] ?? ""))) {
    case 0:
      return instant(from, now.getHours() * 60 + now.getMinutes() + count);
    case 1:
      return instant(from, now.getHours() * 60 + now.getMinutes() + count * 60);
    case 2:
      return addDays(from, count);
    case 3:
      return addDays(from, count * 7);
    default: {
      const last = addDays(firstOfMonth(from, count + 1), -1);
      const same = `${last.slice(0, 8)}${from.slice(8)}`;
      return same < last ? same : last;
    }
  }
}

/** Minutes since midnight of "5pm", "17:30", "at 9", "noon". @param {string[]} words */
function parseHour(words) {
  const text = words.join(" ").replace(/ (am|pm)$/, "$1");
  if (/^(at )?noon$/.test(text)) return 720;
  const found = /^(at )?(\d\d?)(?:[:.](\d\d))?(am|pm|h)?$/.exec(text);
  if (!found || !(found[1] || found[3] || found[4])) return null;
  const [half, minutes] = [found[4], Number(found[3] ?? 0)];
  let hours = Number(found[2]);
  if (half === "am" || half === "pm") {
    if (hours < 1 || hours > 12) return null;
    hours = (hours % 12) + (half === "pm" ? 12 : 0);
  }
  return hours > 23 || minutes > 59 ? null : hours * 60 + minutes;
}

/** Of three letters at least. @param {readonly string[]} names @param {string} word */
const nameIndex = (names, word) =>
  word.length < 3 ? -1 : names.findIndex((name) => name.startsWith(word === "sept" ? "sep" : word));

/** @param {string} day @param {number} ahead */
function firstOfMonth(day, ahead) {
  return dayFrom(new Date(Number(day.slice(0, 4)), Number(day.slice(5, 7)) - 1 + ahead, 1));
}

/** @param {number} year @param {number} month @param {number} day */
function existing(year, month, day) {
  const text = `${padded(year, 4)}-${padded(month)}-${padded(day)}`;
  return year > 0 && dayFrom(dateOf(text)) === text ? text : null;
}

/** @param {number} month @param {number} day @param {string | undefined} year @param {string} from */
function nextDate(month, day, year, from) {
  if (year) return existing(Number(year.length === 2 ? `20${year}` : year), month, day);
  for (let ahead = 0; ahead < 9; ahead++) {
    const found = existing(Number(from.slice(0, 4)) + ahead, month, day);
    if (found && found >= from) return found;
  }
  return null;
}
