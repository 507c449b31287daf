// Everybody's accounts, for admins. Nobody sees another's tasks.

import { account } from "../data/account.js";
import { call } from "../data/api.js";
import { html, useId, useState } from "../parts/html.js";
import { ago, NotYet, useFound } from "./access.js";
import { ConfirmButton, Field, Form, NewPassword, WaitingButton } from "./forms.js";
import { NAME_HINT } from "./login.js";

/** @typedef {{id: number, username: string, display_name: string, admin: boolean, disabled: boolean, created_at: string}} User */

export function People() {
  const { found, problem, load } = /** @type {ReturnType<typeof useFound<User>>} */ (
    useFound("users")
  );
  const [added, setAdded] = useState("");
  const id = useId();
  if (!found) return html`<${NotYet} problem=${problem} />`;
  /** @param {Record<string, string>} fields */
  const add = async ({ username = "", new_password, admin }) => {
    await call("POST", "users", {
      username: username.trim(),
      password: new_password,
      admin: admin === "on",
    });
    setAdded(username.trim());
    await load();
  };
  return html`<section class="block" aria-labelledby=${id}>
      <h2 id=${id}>People</h2>
      <p class="quiet">Admins manage accounts. Nobody sees another’s tasks.</p>
      <ul class="entries">
        ${found.map((user) => html`<${Person} key=${user.id} user=${user} load=${load} />`)}
      </ul>
    </section>
    <section class="block" aria-labelledby=${`${id}-add`}>
      <h2 id=${`${id}-add`}>Add somebody</h2>
      <${Form} key=${found.length} submit="Add the account" onSubmit=${add}>
        <${Field} name="username" label="Name" autocomplete="off" hint=${NAME_HINT} />
        <${NewPassword} />
        <label class="switch"><input type="checkbox" name="admin" /><span>An admin, too</span></label>
      <//>
      <p class="said" role="status">${added && `${added} can log in now.`}</p>
    </section>`;
}

/** @param {{user: User, load: () => Promise<void>}} props */
function Person({ user, load }) {
  const [isResetting, reset] = useState(false);
  const { id, username, display_name, admin, disabled } = user;
  const isOwn = account.value?.user?.id === id;
  /** @param {Record<string, unknown>} changes */
  const change = async (changes) => {
    await call("PATCH", `users/${id}`, changes);
    await load();
  };
  const remove = async () => {
    await call("DELETE", `users/${id}`);
    await load();
  };
  /** @param {Record<string, string>} fields */
  const setPassword = async ({ new_password }) => {
    await change({ password: new_password });
    reset(false);
  };
  return html`<li class="entry is-person">
    <div class="entry-main">
      <span class="entry-name" dir="auto">${display_name}</span>
      ${isOwn && html`<span class="badge">You</span>`}
      ${admin && html`<span class="badge">Admin</span>`}
      ${disabled && html`<span class="badge is-off">Disabled</span>`}
      <span class="entry-more">${display_name === username ? "" : `${username}, `}since ${ago(user.created_at)}</span>
    </div>
    <div class="entry-buttons">
      <${WaitingButton} class="quiet-button" run=${() => change({ admin: !admin })}>
        ${admin ? "Make ordinary" : "Make admin"}<${About} name=${username} />
      <//>
      ${
        !isOwn &&
        html`<${WaitingButton} class="quiet-button" run=${() => change({ disabled: !disabled })}>
            ${disabled ? "Enable" : "Disable"}<${About} name=${username} />
          <//>
          <button type="button" class="quiet-button" aria-expanded=${isResetting} onClick=${() => reset(!isResetting)}>
            New password<${About} name=${username} />
          </button>
          <${ConfirmButton}
            label="Remove"
            about=${username}
            what=${`Remove ${username} with all tasks, for good?`}
            yes="Remove for good"
            run=${remove}
          />`
      }
    </div>
    ${
      isResetting &&
      html`<${Form} submit="Set the password" onSubmit=${setPassword}>
        <p class="quiet">It ends the sessions of ${username}.</p>
        <${NewPassword} label=${`New password of ${username}`} />
      <//>`
    }
  </li>`;
}

/** @param {{name: string}} props */
function About({ name }) {
  return html`<span class="unseen"> ${name}</span>`;
}
