// One question before what can't be taken back.

import { html, signal, useLayoutEffect, useRef } from "./html.js";

/** @typedef {{question: string, explanation?: string, action: string, run: () => void}} Question */

/** @type {import("./html.js").Signal<Question | null>} */
const asked = signal(null);

/** @param {Question} question */
export function confirm(question) {
  asked.value = question;
}

export function Confirm() {
  return asked.value && html`<${Asking} ...${asked.value} />`;
}

/** @param {Question} props */
function Asking({ question, explanation, action, run }) {
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => ref.current?.showModal(), []);
  const close = () => ref.current?.close();
  return html`<dialog
    ref=${ref}
    class="confirm"
    role="alertdialog"
    aria-labelledby="confirm-question"
    aria-describedby=${explanation && "confirm-explanation"}
    onClose=${() => {
      asked.value = null;
    }}
  >
    <h2 id="confirm-question">${question}</h2>
    ${explanation && html`<p id="confirm-explanation">${explanation}</p>`}
    <div class="confirm-buttons">
      <button type="button" class="button" autofocus onClick=${close}>Cancel</button>
      <button
        type="button"
        class="button danger"
        onClick=${() => {
          close();
          run();
        }}
      >
        ${action}
      </button>
    </div>
  </dialog>`;
}
