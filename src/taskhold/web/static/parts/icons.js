// Icons of one stroke width on a grid of 20. They say nothing to a screen reader: the words do.

import { html } from "./html.js";

const CALENDAR =
  "M5.5 4.5h9A1.5 1.5 0 0 1 16 6v8.5a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 4 14.5V6a1.5 1.5 0 0 1 1.5-1.5zM4 8h12M7 3v3M13 3v3";
const CLOUD = "M6 14.5a3.4 3.4 0 0 1-.3-6.8 4.6 4.6 0 0 1 8.9.4 3.2 3.2 0 0 1-.3 6.4";

/** @type {Record<string, string>} */
const PATHS = {
  all: "M4 5.5h12M4 10h12M4 14.5h8",
  archive: "M3.5 4.5h13v3h-13zM4.5 7.5V16h11V7.5M8 11h4",
  back: "M12.5 5l-5 5 5 5",
  calendar: CALENDAR,
  check: "M4.5 10.5l3.5 3.5 7.5-8",
  chevron: "M7.5 5.5l5 4.5-5 4.5",
  close: "M5.5 5.5l9 9M14.5 5.5l-9 9",
  conflict: "M10 3.5l7 12.5H3zM10 8.5v3.2M10 13.8v.01",
  copy: "M7.5 7.5h8v8h-8zM12.5 7.5v-3h-8v8h3",
  done: "M10 3.2a6.8 6.8 0 1 0 0 13.6 6.8 6.8 0 0 0 0-13.6zM7 10.2l2.1 2.1 4-4.3",
  filter: "M3.5 6h13M6 10h8M8.5 14h3",
  flag: "M5 17V4M5 4.5h9.5L12.5 8l2 3.5H5",
  help: "M10 3.2a6.8 6.8 0 1 0 0 13.6 6.8 6.8 0 0 0 0-13.6zM8.1 8.1c.2-1 1-1.5 1.9-1.5 1.1 0 1.9.7 1.9 1.6 0 1.3-1.9 1.5-1.9 2.9M10 13.4v.01",
  indent: "M4 5h12M10 10h6M10 15h6M4 8.5l2.5 2L4 12.5",
  keyboard:
    "M3.5 5.5h13a.8.8 0 0 1 .8.8v7.4a.8.8 0 0 1-.8.8h-13a.8.8 0 0 1-.8-.8V6.3a.8.8 0 0 1 .8-.8zM5.8 8.5v.01M8.6 8.5v.01M11.4 8.5v.01M14.2 8.5v.01M7 11.8h6",
  link: "M8.5 11.5l3-3M9 6l1.5-1.5a3.5 3.5 0 0 1 5 5L14 11M11 14l-1.5 1.5a3.5 3.5 0 0 1-5-5L6 9",
  list: "M8 6h8.5M8 10h8.5M8 14h8.5M4.2 6v.01M4.2 10v.01M4.2 14v.01",
  menu: "M3.5 6h13M3.5 10h13M3.5 14h13",
  minus: "M5 10h10",
  moon: "M16 11.6A6.4 6.4 0 0 1 8.4 4a6.4 6.4 0 1 0 7.6 7.6z",
  more: "M4.5 10a.4.4 0 1 0 .8 0 .4.4 0 1 0-.8 0M9.6 10a.4.4 0 1 0 .8 0 .4.4 0 1 0-.8 0M14.7 10a.4.4 0 1 0 .8 0 .4.4 0 1 0-.8 0",
  note: "M4.5 6h11M4.5 10h11M4.5 14h6",
  offline: `${CLOUD}M3.5 3.5l13 13`,
  outdent: "M4 5h12M10 10h6M10 15h6M6.5 8.5l-2.5 2 2.5 2",
  pencil: "M12.5 4.5l3 3L7 16l-3.4.4L4 13z",
  plus: "M10 4.5v11M4.5 10h11",
  redo: "M13 4.5L16.5 8 13 11.5M16.5 8H8a4 4 0 0 0 0 8h3",
  search: "M8.8 3.5a5.3 5.3 0 1 0 0 10.6 5.3 5.3 0 0 0 0-10.6zM12.7 12.7l3.8 3.8",
  select:
    "M5 3.8h10A1.2 1.2 0 0 1 16.2 5v10a1.2 1.2 0 0 1-1.2 1.2H5A1.2 1.2 0 0 1 3.8 15V5A1.2 1.2 0 0 1 5 3.8zM7 10.2l2.1 2.1 4-4.3",
  settings:
    "M3.5 6.5h6M14.5 6.5h2M3.5 13.5h2M10.5 13.5h6M9.5 6.5a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0M5.5 13.5a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0",
  sort: "M6.5 4v12M4 13.5L6.5 16 9 13.5M13.5 16V4M11 6.5L13.5 4 16 6.5",
  subtasks: "M5 4v8.5A1.5 1.5 0 0 0 6.5 14H9M5 8h4M12 8h4.5M12 14h4.5",
  sun: "M10 6.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8zM10 2.5v1M10 16.5v1M2.5 10h1M16.5 10h1M4.7 4.7l.7.7M14.6 14.6l.7.7M4.7 15.3l.7-.7M14.6 5.4l.7-.7",
  tag: "M11 3.8h4.4a.8.8 0 0 1 .8.8V9a1.2 1.2 0 0 1-.35.85l-6 6a1.1 1.1 0 0 1-1.6 0l-4.1-4.1a1.1 1.1 0 0 1 0-1.6l6-6A1.2 1.2 0 0 1 11 3.8zM13 7v.01",
  today: `${CALENDAR}M9.2 12a.8.8 0 1 0 1.6 0 .8.8 0 1 0-1.6 0`,
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.6 10h7.8l.6-10M8.6 9v4M11.4 9v4",
  undo: "M7 4.5L3.5 8 7 11.5M3.5 8H12a4 4 0 0 1 0 8H9",
  unsent: `${CLOUD}M10 16.5v-6M7.8 12.4l2.2-2.2 2.2 2.2`,
  upcoming: `${CALENDAR}M7.5 12h5M10.7 10.2l1.8 1.8-1.8 1.8`,
  user: "M10 3.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM4 16.5c.6-2.9 3-4.3 6-4.3s5.4 1.4 6 4.3",
};

/** @param {{name: string, class?: string}} props */
export function Icon({ name, class: more }) {
  return html`<svg
    class=${more ? `icon ${more}` : "icon"}
    viewBox="0 0 20 20"
    aria-hidden="true"
    focusable="false"
  >
    <path d=${PATHS[name]} />
  </svg>`;
}

/**
 * A button that is an icon: its name is its tooltip, too, with its key where it has one.
 *
 * @param {{icon: string, label: string, keys?: string, class?: string, [attribute: string]: any}} props
 */
export function IconButton({ icon, label, keys, class: more, ...attributes }) {
  return html`<button
    type="button"
    class=${more ? `icon-button ${more}` : "icon-button"}
    aria-label=${label}
    title=${keys ? `${label} (${keys})` : label}
    ...${attributes}
  >
    <${Icon} name=${icon} />
  </button>`;
}
