// The settings: what is this browser's, what is the account's, and for admins everybody's. The parts
// about accounts speak to the API directly and need the network; the rest is kept here.

import { account, logout } from "../data/account.js";
import { call } from "../data/api.js";
import { canWorkOffline, connection } from "../data/connection.js";
import { unsent } from "../data/outbox.js";
import { tasks } from "../data/replica.js";
import { html, useEffect, useId, useRef, useState } from "../parts/html.js";
import { IconButton } from "../parts/icons.js";
import { go, linkTo, route } from "../router.js";
import { dialog, prefer, preferences, sheetOpen } from "../state.js";
import { Sessions, Tokens } from "./access.js";
import { Field, Form, NewPassword, Password, WaitingButton } from "./forms.js";
import { FirstAccount } from "./login.js";
import { People } from "./people.js";

/** @typedef {{id: string, name: string, Part: () => any, needsServer?: boolean}} Section */

const THEMES = /** @type {const} */ ([
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
]);

/** @returns {Section[]} */
function sections() {
  const user = account.value?.user;
  /** @type {Section[]} */
  const found = [{ id: "look", name: "Look and keys", Part: Look }];
  found.push({ id: "account", name: "Account", Part: user ? Own : NoAccount });
  if (user) {
    found.push({ id: "sessions", name: "Sessions", Part: Sessions, needsServer: true });
    found.push({ id: "tokens", name: "Tokens", Part: Tokens, needsServer: true });
  }
  if (user?.admin) found.push({ id: "people", name: "People", Part: People, needsServer: true });
  found.push({ id: "data", name: "Data", Part: Data });
  return found;
}

export function Settings() {
  const all = sections();
  const now = all.find(({ id }) => id === route.value.section) ?? all[0];
  const nav = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    // On a phone it may be beside the window.
    nav.current
      ?.querySelector("[aria-current]")
      ?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [now?.id]);
  if (!now) return null;
  const isAway = now.needsServer && connection.value !== "online";
  return html`<div class="settings">
    <header class="header">
      <div class="header-line">
        <${IconButton} icon="menu" label="Lists and views" class="only-narrow" aria-expanded=${sheetOpen.value} onClick=${openSheet} />
        <h1 tabindex="-1" id="view-title">Settings</h1>
      </div>
    </header>
    <nav ref=${nav} class="settings-nav" aria-label="Settings">
      <ul>
        ${all.map(({ id, name }) => html`<li key=${id}><${SectionLink} id=${id} name=${name} isHere=${id === now.id} /></li>`)}
      </ul>
    </nav>
    <div class="settings-part" key=${now.id}>
      ${isAway && html`<p class="notice" role="status">This needs the server, which can’t be reached right now.</p>`}
      <${now.Part} />
    </div>
  </div>`;
}

function openSheet() {
  sheetOpen.value = true;
}

/** @param {{id: string, name: string, isHere: boolean}} props */
function SectionLink({ id, name, isHere }) {
  /** @param {MouseEvent} event */
  const follow = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go({ view: "settings", section: id });
  };
  return html`<a href=${linkTo({ view: "settings", section: id })} aria-current=${isHere ? "page" : undefined} onClick=${follow}>${name}</a>`;
}

/** A part under its heading. @param {{title: string, children?: any}} props */
export function Block({ title, children }) {
  const id = useId();
  return html`<section class="block" aria-labelledby=${id}>
    <h2 id=${id}>${title}</h2>
    ${children}
  </section>`;
}

function Look() {
  const { theme, singleKeys } = preferences.value;
  return html`<${Block} title="Look">
      <fieldset class="choices">
        <legend class="unseen">Theme</legend>
        ${THEMES.map(
          ([value, name]) => html`<label class="choice-box" key=${value}>
          <input type="radio" name="theme" value=${value} checked=${theme === value} onChange=${() => prefer("theme", value)} />
          <span class=${`swatch is-${value}`} aria-hidden="true"></span>
          ${name}
        </label>`,
        )}
      </fieldset>
    <//>
    <${Block} title="Keys">
      <label class="switch">
        <input type="checkbox" checked=${singleKeys} onChange=${() => prefer("singleKeys", !singleKeys)} />
        <span>
          <span class="switch-name">Single keys are commands</span>
          <span class="hint">Such as <kbd>n</kbd> for a new task. Without, <kbd>ctrl</kbd> <kbd>k</kbd> finds everything, too.</span>
        </span>
      </label>
      <div class="buttons">
        <button type="button" class="button" onClick=${() => {
          dialog.value = "help";
        }}>Show all keys</button>
      </div>
    <//>`;
}

function Own() {
  const user = account.value?.user;
  const [said, say] = useState("");
  if (!user) return null;
  /** @param {Record<string, string>} fields */
  const rename = async ({ display_name = "" }) => {
    say("");
    const { body } = await call("PATCH", "me", { display_name });
    const now = account.peek();
    if (now) account.value = { ...now, user: body };
    say("The name is saved.");
  };
  return html`<${Block} title="You">
      <p class="quiet">You log in as <strong dir="auto">${user.username}</strong>${user.admin ? ", an admin" : ""}.</p>
      <${Form} submit="Save the name" onSubmit=${rename}>
        <${Field} name="display_name" label="Shown name" autocomplete="name" value=${user.display_name} />
      <//>
      <p class="said" role="status">${said}</p>
    <//>
    <${ChangePassword} username=${user.username} />
    <${Block} title="Log out">
      <p class="quiet">Logging out removes your tasks from this browser. They stay on the server.</p>
      <${LogOut} />
    <//>`;
}

/** @param {{username: string}} props */
function ChangePassword({ username }) {
  const [done, setDone] = useState(0);
  /** @param {Record<string, string>} fields */
  const change = async ({ current_password, new_password }) => {
    await call("PATCH", "me", { current_password, password: new_password });
    setDone(done + 1);
  };
  return html`<${Block} title="Password">
    <p class="quiet">A new password ends all other sessions.</p>
    <${Form} key=${done} submit="Change the password" onSubmit=${change}>
      <input class="unseen" type="text" name="username" autocomplete="username" value=${username} readonly tabindex="-1" aria-hidden="true" />
      <${Password} name="current_password" label="Current password" autocomplete="current-password" />
      <${NewPassword} label="New password" />
    <//>
    <p class="said" role="status">${done > 0 && "The password is changed, and the other sessions are over."}</p>
  <//>`;
}

/** Asks first where edits would be lost. */
export function LogOut() {
  const [waiting, setWaiting] = useState(0);
  const leave = async () => setWaiting((await logout()).unsent);
  const leaveAll = async () => {
    await logout({ discard: true });
  };
  if (waiting === 0)
    return html`<div class="buttons"><${WaitingButton} run=${leave}>Log out<//></div>`;
  return html`<div class="warning" role="alert">
    <p>
      ${waiting === 1 ? "One edit has" : `${waiting} edits have`} not reached the server yet. Logging
      out now loses ${waiting === 1 ? "it" : "them"}.
    </p>
    <div class="buttons">
      <button type="button" class="button is-main" onClick=${() => setWaiting(0)}>Stay logged in</button>
      <button type="button" class="button" onClick=${() => {
        dialog.value = "unsent";
      }}>Show what is unsent</button>
      <${WaitingButton} class="button danger" run=${leaveAll}>Log out and lose ${waiting === 1 ? "it" : "them"}<//>
    </div>
  </div>`;
}

/** In open mode. */
function NoAccount() {
  return html`<${Block} title="No account yet">
    <p>
      Taskhold asks nobody for a login as long as there is no account, and answers this machine alone.
      The first account takes over all tasks, and opens the way for other machines and people.
    </p>
    <p>Make it on this machine with</p>
    <pre tabindex="0"><code>taskhold user add NAME</code></pre>
    <p>or here, with the code that <code>taskhold serve</code> prints when it starts:</p>
    <${FirstAccount} />
  <//>`;
}

function Data() {
  const waiting = unsent.value.length;
  return html`<${Block} title="Where the data is">
      <p>
        On the server at <code dir="ltr">${new URL(".", document.baseURI).href}</code>, in one database;${" "}
        <code>taskhold backup</code> copies it, and <a href="docs">its API</a> has all of it.
      </p>
      <p>
        ${tasks.value.size === 1 ? "One task is" : `${tasks.value.size} tasks are`} here in this browser, too.
        ${
          waiting > 0
            ? html` <button type="button" class="quiet-button" onClick=${() => {
                dialog.value = "unsent";
              }}>${waiting === 1 ? "One edit isn’t" : `${waiting} edits aren’t`} sent yet</button>`
            : " Every edit has reached the server."
        }
      </p>
    <//>
    <${Block} title="Without a network">
      <p>
        ${
          canWorkOffline
            ? "Taskhold opens and works without a network here; edits are sent when it is back."
            : isSecureContext
              ? "This browser keeps nothing for pages, so Taskhold needs the network here."
              : "Browsers let pages work without a network only over https, or on the server’s own machine. Over this address Taskhold needs the network."
        }
      </p>
    <//>`;
}
