// Where one is logged in, and the tokens of one's programs.

import { call, Unreachable } from "../data/api.js";
import { connection } from "../data/connection.js";
import { dayWords, wholeDay } from "../days.js";
import { html, useEffect, useId, useRef, useState } from "../parts/html.js";
import { ConfirmButton, Field, Form, sentenceOf, WaitingButton } from "./forms.js";

/**
 * @typedef {{id: number, created_at: string, last_used_at: string, expires_at: string, client: string, current: boolean}} Session
 * @typedef {{id: number, name: string, scopes: string[], created_at: string, expires_at: string | null, last_used_at: string | null}} Token
 */

const LIFETIMES = [
  { days: 30, name: "30 days" },
  { days: 90, name: "90 days" },
  { days: 365, name: "A year" },
  { days: 0, name: "Until it is revoked" },
];
const DAY = 86_400_000;

/** What the server has under a path, and how to ask again.
 * @template T
 * @param {string} path
 * @returns {{found: T[] | null, problem: string, load: () => Promise<void>}}
 */
export function useFound(path) {
  const [found, setFound] = useState(/** @type {T[] | null} */ (null));
  const [problem, setProblem] = useState("");
  const load = async () => {
    try {
      setFound((await call("GET", path)).body);
      setProblem("");
    } catch (error) {
      setProblem(error instanceof Unreachable ? "" : sentenceOf(error));
    }
  };
  const isThere = connection.value === "online";
  useEffect(() => {
    load();
  }, [path, isThere]);
  return { found, problem, load };
}

/** What is shown before there is something to show. @param {{problem: string}} props */
export function NotYet({ problem }) {
  return problem
    ? html`<p class="problem" role="alert">${problem}</p>`
    : html`<p class="quiet" role="status">Looking it up …</p>`;
}

export function Sessions() {
  const { found, problem, load } = /** @type {ReturnType<typeof useFound<Session>>} */ (
    useFound("sessions")
  );
  const id = useId();
  if (!found) return html`<${NotYet} problem=${problem} />`;
  /** @param {string} path */
  const end = async (path) => {
    await call("DELETE", path);
    await load();
  };
  const others = found.filter((session) => !session.current);
  return html`<section class="block" aria-labelledby=${id}>
    <h2 id=${id}>Where you are logged in</h2>
    <ul class="entries">
      ${[...found.filter((session) => session.current), ...others].map((session) => {
        const name = clientInWords(session.client);
        return html`<li class="entry" key=${session.id}>
          <div class="entry-main">
            <span class="entry-name">${name}</span>
            ${session.current && html`<span class="badge">This one</span>`}
            <span class="entry-more">
              Since ${ago(session.created_at)}${session.current ? "" : `, last used ${ago(session.last_used_at)}`}
            </span>
          </div>
          ${
            !session.current &&
            html`<${WaitingButton} class="quiet-button" run=${() => end(`sessions/${session.id}`)}>
            End<span class="unseen"> the session of ${name}, last used ${ago(session.last_used_at)}</span>
          <//>`
          }
        </li>`;
      })}
    </ul>
    ${
      others.length > 0
        ? html`<div class="buttons"><${ConfirmButton}
            label="End all others"
            what=${others.length === 1 ? "Log out there?" : `Log out at ${others.length} other places?`}
            yes="End them"
            run=${() => end("sessions")}
          /></div>`
        : html`<p class="quiet">You are logged in nowhere else.</p>`
    }
  </section>`;
}

export function Tokens() {
  const { found, problem, load } = /** @type {ReturnType<typeof useFound<Token>>} */ (
    useFound("tokens")
  );
  const [made, setMade] = useState(/** @type {{name: string, token: string} | null} */ (null));
  const id = useId();
  if (!found) return html`<${NotYet} problem=${problem} />`;
  /** @param {Record<string, string>} fields */
  const make = async ({ name = "", scopes = "", days = "0" }) => {
    const expires_at =
      days === "0" ? null : new Date(Date.now() + Number(days) * DAY).toISOString();
    const { body } = await call("POST", "tokens", { name, scopes: scopes.split(" "), expires_at });
    setMade(body);
    await load();
  };
  /** @param {Token} token */
  const revoke = async (token) => {
    await call("DELETE", `tokens/${token.id}`);
    await load();
  };
  return html`<section class="block" aria-labelledby=${id}>
      <h2 id=${id}>Tokens</h2>
      <p class="quiet">
        A program shows a token instead of a password: <code>Authorization: Bearer thk_…</code>. It
        reaches tasks and lists, never accounts.
      </p>
      ${made && html`<${Made} key=${made.token} ...${made} onClose=${() => setMade(null)} />`}
      ${
        found.length === 0
          ? html`<p class="quiet">There are none.</p>`
          : html`<ul class="entries">
              ${found.map(
                (token) => html`<li class="entry" key=${token.id}>
                <div class="entry-main">
                  <span class="entry-name" dir="auto">${token.name}</span>
                  <span class="badge">${token.scopes.includes("write") ? "Reads and writes" : "Reads"}</span>
                  <span class="entry-more">${lifeOf(token)}</span>
                </div>
                <${ConfirmButton}
                  label="Revoke"
                  about=${token.name}
                  what="Programs that use it are refused from then on."
                  yes="Revoke it"
                  run=${() => revoke(token)}
                />
              </li>`,
              )}
            </ul>`
      }
    </section>
    <section class="block" aria-labelledby=${`${id}-new`}>
      <h2 id=${`${id}-new`}>Make a token</h2>
      <${Form} key=${found.length} submit="Make the token" onSubmit=${make}>
        <${Field} name="name" label="What it is for" autocomplete="off" hint="A name for you, such as “backup script”" />
        <div class="field">
          <label for=${`${id}-scopes`}>What it may do</label>
          <select id=${`${id}-scopes`} name="scopes">
            <option value="read">Read</option>
            <option value="read write">Read and write</option>
          </select>
        </div>
        <div class="field">
          <label for=${`${id}-days`}>How long</label>
          <select id=${`${id}-days`} name="days" defaultValue="90">
            ${LIFETIMES.map(({ days, name }) => html`<option value=${days} selected=${days === 90}>${name}</option>`)}
          </select>
        </div>
      <//>
    </section>`;
}

/** The one time that a token is shown. @param {{name: string, token: string, onClose: () => void}} props */
function Made({ name, token, onClose }) {
  const [said, say] = useState("");
  const box = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => box.current?.focus(), []);
  const copy = async () => {
    say((await copied(token, box.current)) ? "Copied." : "Press ctrl-c to copy it.");
  };
  return html`<div class="made">
    <label for="made-token">The token “${name}”. It is shown this once; keep it where only its program reads it.</label>
    <div class="field-box">
      <input id="made-token" ref=${box} class="code" type="text" readonly value=${token} onFocus=${(/** @type {any} */ event) => event.currentTarget.select()} />
      <button type="button" class="button is-main" onClick=${copy}>Copy</button>
      <button type="button" class="button" onClick=${onClose}>I have it</button>
    </div>
    <p class="said" role="status">${said}</p>
  </div>`;
}

/** The clipboard is there over https and on the server's own machine; selected, it can be copied by hand.
 * @param {string} text @param {HTMLInputElement | null} field
 */
async function copied(text, field) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field?.focus();
    field?.select();
    return document.execCommand("copy");
  }
}

/** @param {Token} token */
function lifeOf({ created_at, expires_at, last_used_at }) {
  const now = new Date();
  const used = last_used_at ? `last used ${ago(last_used_at)}` : "never used";
  const end = !expires_at
    ? "no end"
    : new Date(expires_at) < now
      ? `ended ${dayWords(expires_at.slice(0, 10), now)}`
      : `until ${wholeDay(expires_at.slice(0, 10))}`;
  return `Made ${ago(created_at)}, ${used}, ${end}`;
}

const STEPS = /** @type {const} */ ([
  ["minute", 60],
  ["hour", 3600],
  ["day", 86_400],
  ["month", 30 * 86_400],
  ["year", 365 * 86_400],
]);

/** How long it is past, in the largest unit. @param {string} at */
export function ago(at) {
  const seconds = (Date.now() - Date.parse(at)) / 1000;
  const step = STEPS.findLast(([, size]) => seconds >= size);
  if (!step) return "just now";
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(
    -Math.floor(seconds / step[1]),
    step[0],
  );
}

const BROWSERS = [
  ["Edge", /Edg\w*\//],
  ["Opera", /OPR\//],
  ["Firefox", /Firefox\/|FxiOS/],
  ["Chrome", /Chrome\/|CriOS/],
  ["Safari", /Safari\//],
];
const SYSTEMS = [
  ["Android", /Android/],
  ["an iPhone", /iPhone/],
  ["an iPad", /iPad/],
  ["Windows", /Windows/],
  ["a Mac", /Mac OS X/],
  ["ChromeOS", /CrOS/],
  ["Linux", /Linux/],
];

/** What a browser calls itself, in words. @param {string} client */
export function clientInWords(client) {
  /** @param {(string | RegExp)[][]} known */
  const find = (known) => known.find(([, sign]) => client.match(sign ?? ""))?.[0];
  const browser = find(BROWSERS) ?? (client.split(/[/ ]/)[0] || "A program");
  const system = find(SYSTEMS);
  return system ? `${browser} on ${system}` : browser;
}
