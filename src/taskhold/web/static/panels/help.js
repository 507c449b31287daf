// The sheet of all keys, by group.

import { commands } from "../commands.js";
import { html } from "../parts/html.js";
import { dialog } from "../state.js";
import { Keys } from "./chooser.js";
import { Dialog } from "./dialog.js";

export function Help() {
  const close = () => {
    dialog.value = null;
  };
  const withKeys = commands.filter((command) => command.keys.length > 0);
  const groups = [...new Set(withKeys.map((command) => command.group))];
  return html`<${Dialog} class="help" title="Keys" heading onClose=${close}>
    <div class="help-groups" tabindex="0" data-focus role="group" aria-label="Keys by group">
      ${groups.map(
        (group) => html`<section key=${group} aria-label=${group}>
        <h3>${group}</h3>
        <dl>
          ${withKeys
            .filter((command) => command.group === group)
            .map(
              (command) => html`<div class="help-key" key=${command.id}>
            <dt>${command.title}</dt>
            <dd><${Keys} keys=${command.keys} /></dd>
          </div>`,
            )}
        </dl>
      </section>`,
      )}
    </div>
    <p class="quiet">
      Single letters never act while you type. They can be switched off in the settings.${" "}
      <a href="help/" target="_blank" rel="noopener">The documentation</a> has the rest.
    </p>
  <//>`;
}
