// What the first view doesn't need is loaded when it is first shown.

import { html, useEffect, useState } from "./html.js";

/**
 * A component that stands for one of another module: `later(() => import("./x.js"), "Name")`.
 * It shows nothing while that is on its way, and says so where it can't be had.
 *
 * @param {() => Promise<any>} load
 * @param {string} name
 * @returns {(props: any) => import("./html.js").VNode | null}
 */
export function later(load, name) {
  /** @type {any} */
  let loaded = null;
  return function Later(props) {
    const [, again] = useState(0);
    const [failed, fail] = useState(false);
    useEffect(() => {
      if (loaded || failed) return;
      load().then(
        (module) => {
          loaded = module[name];
          again((n) => n + 1);
        },
        () => fail(true),
      );
    }, [failed]);
    if (loaded) return html`<${loaded} ...${props} />`;
    if (!failed) return null;
    return html`<p class="absent" role="alert">
      This part can't be loaded without a network.
      <button type="button" class="button" onClick=${() => fail(false)}>Try again</button>
    </p>`;
  };
}
