// The first run and the login: forms that a password manager understands, each alone on the page.

import { account, goOnOpen, login, register, setUp } from "../data/account.js";
import { html, useState } from "../parts/html.js";
import { Field, Form, NewPassword, Password, WaitingButton } from "./forms.js";

export const NAME_HINT = "Letters, digits and . _ @ + -";

/** Before there is an account. */
export function Setup() {
  const mayGoOn = account.value?.openMode ?? false;
  const [isMaking, make] = useState(false);
  if (isMaking || !mayGoOn) {
    return html`<${Front} title="Make the first account">
      <p>It is an admin, and gets the tasks there are so far. From then on everybody logs in.</p>
      <${FirstAccount} />
      ${
        mayGoOn &&
        html`<p class="front-other">
          <button type="button" class="quiet-button" onClick=${() => make(false)}>Back</button>
        </p>`
      }
    <//>`;
  }
  return html`<${Front} title="Welcome to Taskhold">
    <section class="front-part">
      <${WaitingButton} class="button is-main" run=${goOnOpen}>Go on without an account<//>
      <p>For now only this machine reaches your tasks. An account can take them over at any time.</p>
    </section>
    <section class="front-part">
      <button type="button" class="button" onClick=${() => make(true)}>Make an account</button>
      <p>For more than one person, or to reach it from other machines: everybody logs in then.</p>
    </section>
  <//>`;
}

/** In the settings, too. */
export function FirstAccount() {
  /** @param {Record<string, string>} fields */
  const make = ({ username = "", new_password = "", code = "" }) =>
    setUp({ username: username.trim(), password: new_password, code: code.trim() });
  return html`<${Form} submit="Make the account" onSubmit=${make}>
    <${Field} name="username" label="Name" autocomplete="username" hint=${NAME_HINT} />
    <${NewPassword} />
    <${Field} name="code" label="Code" autocomplete="off" class="code" hint=${html`<code>taskhold serve</code> prints it when it starts`} />
  <//>`;
}

/** Where somebody has to log in, for the first time or again. */
export function Login() {
  const [isNew, setNew] = useState(false);
  const state = account.value;
  const who = state?.user?.username ?? "";
  const waiting = state?.kept ?? 0;
  /** @param {Record<string, string>} fields */
  const enter = ({ username = "", password = "" }) => login(username.trim(), password);
  /** @param {Record<string, string>} fields */
  const make = ({ username = "", new_password = "" }) =>
    register({ username: username.trim(), password: new_password });
  if (isNew) {
    return html`<${Front} title="Make an account">
      <${Form} key="register" submit="Make the account" onSubmit=${make}>
        <${Field} name="username" label="Name" autocomplete="username" hint=${NAME_HINT} />
        <${NewPassword} />
      <//>
      <p class="front-other">
        <button type="button" class="quiet-button" onClick=${() => setNew(false)}>I have one already</button>
      </p>
    <//>`;
  }
  return html`<${Front} title=${who ? "Log in again" : "Log in to Taskhold"}>
    ${
      waiting > 0 &&
      html`<p class="front-note">
        ${waiting === 1 ? "One edit" : `${waiting} edits`} of ${who || "the last account"}
        ${waiting === 1 ? " is" : " are"} kept in this browser, and sent after the login. Another
        account sees nothing of it.
      </p>`
    }
    <${Form} key="login" submit="Log in" onSubmit=${enter}>
      <${Field} name="username" label="Name" autocomplete="username" value=${who} />
      <${Password} name="password" label="Password" autocomplete="current-password" />
    <//>
    ${
      state?.registration &&
      html`<p class="front-other">
        New here? <button type="button" class="quiet-button" onClick=${() => setNew(true)}>Make an account</button>
      </p>`
    }
  <//>`;
}

/** @param {{title: string, children?: any}} props */
function Front({ title, children }) {
  return html`<main class="front">
    <div class="front-box">
      <img class="front-mark" src=${markAddress()} alt="" width="40" height="40" />
      <h1>${title}</h1>
      ${children}
    </div>
  </main>`;
}

/** As the page's own icon is named. */
function markAddress() {
  return document.querySelector("link[rel~=icon]")?.getAttribute("href") ?? "";
}
