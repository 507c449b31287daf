// What was just done, with a way back. It stays as long as it is hovered or has the focus, and never
// takes the focus itself. The region is always there, since screen readers follow only one that was.

import { lastAction } from "../actions.js";
import { html, useEffect, useRef, useState } from "../parts/html.js";
import { IconButton } from "../parts/icons.js";

const SHOWN_FOR = 7_000;

export function Toast() {
  const action = lastAction.value;
  const [closed, close] = useState(0);
  const [isHeld, hold] = useState(false);
  const region = useRef(/** @type {HTMLDivElement | null} */ (null));
  const at = action && !action.quiet ? action.at : 0;
  const isShown = at > closed;

  useEffect(() => {
    if (!isShown || isHeld) return;
    const timer = setTimeout(() => close(at), SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [at, isShown, isHeld]);

  const undo = () => {
    close(at);
    hold(false);
    action?.undo?.();
  };
  const isInside = () => region.current?.contains(document.activeElement) ?? false;
  return html`<div
    ref=${region}
    class="toasts"
    onPointerEnter=${() => hold(true)}
    onPointerLeave=${() => hold(isInside())}
    onFocusIn=${() => hold(true)}
    onFocusOut=${() => hold(false)}
  >
    <div role="status" class=${isShown ? "toast" : "unseen"}>
      ${isShown && html`<span class="toast-text" dir="auto" key=${at}>${action?.sentence}</span>`}
    </div>
    ${
      isShown &&
      html`<div class="toast-buttons">
        ${action?.undo && html`<button type="button" class="toast-undo" onClick=${undo}>Undo</button>`}
        <${IconButton} icon="close" label="Close this message" onClick=${() => close(at)} />
      </div>`
    }
  </div>`;
}
