// The first run and the login: forms that a password manager understands, each alone on the page.

import { account, goOnOpen, login, register, setUp } from "../data/account.js";
import { unsent } from "../data/outbox.js";
import { html, useState } from "../parts/html.js";
import { Field, Form, NewPassword, Password, WaitingButton } from "./forms.js";

/** Before there is an account. */
export function Setup() {
  const mayGoOn = account.value?.openMode ?? false;
  /** @param {Record<string, string>} fields */
  const make = ({ username = "", new_password = "", code = "" }) =>
    setUp({ username: username.trim(), password: new_password, code: code.trim() });
  return html`<${Front} title="Welcome to Taskhold">
    ${
      mayGoOn &&
      html`<section class="front-part">
        <p>
          Only this machine can reach Taskhold so far. You can start right away and make an account
          later: it takes over all tasks.
        </p>
        <${WaitingButton} class="button is-wide" run=${goOnOpen}>Go on without an account<//>
      </section>
      <div class="front-or" role="separator"><span>or</span></div>`
    }
    <section class="front-part">
      <h2>Make the first account</h2>
      <p>
        It is an admin. From then on everybody logs in, and Taskhold can be opened to other machines.
      </p>
      <${Form} submit="Make the account" onSubmit=${make}>
        <${Field} name="username" label="Name" autocomplete="username" hint="Letters, digits and . _ @ + -" />
        <${NewPassword} />
        <${Field} name="code" label="Code" autocomplete="off" class="code" hint=${html`<code>taskhold serve</code> prints it when it starts`} />
      <//>
    </section>
  <//>`;
}

/** Where somebody has to log in, for the first time or again. */
export function Login() {
  const [isNew, setNew] = useState(false);
  const state = account.value;
  const who = state?.user?.username ?? "";
  const waiting = unsent.value.length;
  /** @param {Record<string, string>} fields */
  const enter = ({ username = "", password = "" }) => login(username.trim(), password);
  /** @param {Record<string, string>} fields */
  const make = ({ username = "", new_password = "" }) =>
    register({ username: username.trim(), password: new_password });
  if (isNew) {
    return html`<${Front} title="Make an account">
      <${Form} key="register" submit="Make the account" onSubmit=${make}>
        <${Field} name="username" label="Name" autocomplete="username" hint="Letters, digits and . _ @ + -" />
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
