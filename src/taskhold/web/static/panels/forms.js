// Forms that are sent and answered, of the login and the settings: what was wrong is said beside the
// field that it is about, which gets the focus; and a password manager knows what each field is.

import { Problem } from "../data/api.js";
import {
  createContext,
  html,
  useContext,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from "../parts/html.js";

/** @typedef {Record<string, string>} Problems what is wrong, by field; "" for the whole form */

const SHORTEST = 12;
const Told = createContext(/** @type {Problems} */ ({}));

/**
 * @param {object} props
 * @param {string} props.submit what its button says
 * @param {string} [props.class]
 * @param {(fields: Record<string, string>) => Promise<unknown>} props.onSubmit
 * @param {any} [props.children]
 */
export function Form({ submit, class: name = "", onSubmit, children }) {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const isGone = useRef(false);
  const [isWaiting, setWaiting] = useState(false);
  const [problems, setProblems] = useState(/** @type {Problems} */ ({}));
  useLayoutEffect(() => {
    const fields = /** @type {HTMLInputElement[]} */ ([...(form.current?.elements ?? [])]);
    fields.find(({ name }) => name && problems[name])?.focus();
  }, [problems]);
  useEffect(
    () => () => {
      isGone.current = true;
    },
    [],
  );

  /** @param {SubmitEvent} event */
  const send = async (event) => {
    event.preventDefault();
    if (isWaiting || !form.current) return;
    const fields = fieldsOf(form.current);
    const wrong = checkNew(fields);
    setProblems(wrong);
    if (Object.keys(wrong).length > 0) return;
    setWaiting(true);
    try {
      await onSubmit(fields);
    } catch (error) {
      if (!isGone.current) setProblems(problemsOf(error, Object.keys(fields)));
    }
    if (!isGone.current) setWaiting(false);
  };
  return html`<form ref=${form} class=${`form ${name}`} method="post" onSubmit=${send} noValidate>
    <${Told.Provider} value=${problems}>${children}<//>
    <p class="problem" role="alert">${problems[""]}</p>
    <button type="submit" class="button is-main" aria-disabled=${isWaiting || undefined}>${submit}</button>
  </form>`;
}

/** @param {HTMLFormElement} form @returns {Record<string, string>} */
function fieldsOf(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
}

/** What can be said of a new password without asking. @param {Record<string, string>} fields @returns {Problems} */
function checkNew({ new_password: password, again }) {
  if (password === undefined) return {};
  if ([...password].length < SHORTEST) {
    return { new_password: `At least ${SHORTEST} characters, please; a few words do well.` };
  }
  return again !== undefined && again !== password ? { again: "This is not the same." } : {};
}

/** @param {unknown} error @param {string[]} names @returns {Problems} */
function problemsOf(error, names) {
  if (!(error instanceof Problem)) return { "": sentenceOf(error) };
  /** @type {Problems} */
  const found = {};
  const errors = error.errors.map(({ field, message }) => [field, `It ${message}.`]);
  const type = String(error.body.type ?? "");
  if (type.endsWith("/wrong-setup-code")) errors.push(["code", error.detail]);
  if (type.endsWith("/username-taken")) errors.push(["username", error.detail]);
  for (const [field = "", said = ""] of errors) {
    const name = names.find((each) => each === field || each === `new_${field}`);
    if (name) found[name] = said;
  }
  return Object.keys(found).length > 0 ? found : { "": error.detail };
}

/** @param {unknown} error */
export function sentenceOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param {object} props
 * @param {string} props.name
 * @param {string} props.label
 * @param {string} props.autocomplete
 * @param {string} [props.value]
 * @param {any} [props.hint]
 * @param {string} [props.type]
 * @param {string} [props.class]
 * @param {any} [props.children] what stands at the field's end
 */
export function Field({
  name,
  label,
  autocomplete,
  value = "",
  hint,
  type = "text",
  class: more = "",
  children,
}) {
  const id = useId();
  const problem = useContext(Told)[name];
  const isCode = name !== "display_name" && type !== "date";
  return html`<div class=${`field ${more}`}>
    <label for=${id}>${label}</label>
    <div class="field-box">
      <input
        id=${id}
        name=${name}
        type=${type}
        autocomplete=${autocomplete}
        autocapitalize=${isCode ? "none" : undefined}
        spellcheck=${isCode ? false : undefined}
        dir=${isCode ? undefined : "auto"}
        defaultValue=${value}
        required
        aria-invalid=${problem ? "true" : undefined}
        aria-describedby=${hint || problem ? `${id}-hint` : undefined}
      />
      ${children}
    </div>
    ${(problem || hint) && html`<p id=${`${id}-hint`} class=${problem ? "problem" : "hint"}>${problem || hint}</p>`}
  </div>`;
}

/** @param {{name: string, label: string, autocomplete: string, hint?: string, onShow?: (isShown: boolean) => void}} props */
export function Password({ onShow, label, ...field }) {
  const [isShown, show] = useState(false);
  const toggle = () => {
    show(!isShown);
    onShow?.(!isShown);
  };
  return html`<${Field} ...${field} label=${label} type=${isShown ? "text" : "password"}>
    <${QuietButton} about="what is typed" aria-pressed=${isShown} onClick=${toggle}>
      ${isShown ? "Hide" : "Show"}
    <//>
  <//>`;
}

/** Seen, or typed twice. @param {{label?: string}} props */
export function NewPassword({ label = "Password" }) {
  const [isShown, show] = useState(false);
  return html`<${Password}
      name="new_password"
      label=${label}
      autocomplete="new-password"
      hint=${`At least ${SHORTEST} characters`}
      onShow=${show}
    />
    ${!isShown && html`<${Field} name="again" label="Once more" type="password" autocomplete="new-password" />`}`;
}

/** A button as quiet as a link. `about` is what it is about, for who doesn't see that beside it.
 * @param {{about?: string, children?: any, [attribute: string]: any}} props
 */
export function QuietButton({ about, children, ...attributes }) {
  return html`<button type="button" class="quiet-button" ...${attributes}>
    ${children}${about && html`<span class="unseen"> ${about}</span>`}
  </button>`;
}

/** A button for what takes a moment and may fail.
 * @param {{run: () => Promise<unknown>, class?: string, children?: any}} props
 */
export function WaitingButton({ run, class: name = "button", children }) {
  const [isWaiting, setWaiting] = useState(false);
  const [problem, setProblem] = useState("");
  const start = async () => {
    if (isWaiting) return;
    setWaiting(true);
    setProblem("");
    try {
      await run();
    } catch (error) {
      setProblem(sentenceOf(error));
    }
    setWaiting(false);
  };
  return html`<button type="button" class=${name} aria-disabled=${isWaiting || undefined} onClick=${start}>
      ${children}
    </button>
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}`;
}

/** Asks before it runs: the first press shows what it would do, the second does it.
 * @param {object} props
 * @param {string} props.label what it says, with what it is about for those who don't see that
 * @param {string} props.what the question
 * @param {string} props.yes
 * @param {string} [props.about]
 * @param {() => Promise<unknown>} props.run
 */
export function ConfirmButton({ label, about, what, yes, run }) {
  const [isAsking, ask] = useState(false);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const wasAsking = useRef(false);
  useLayoutEffect(() => {
    if (isAsking !== wasAsking.current) {
      const button = box.current?.querySelector("button");
      button?.focus();
    }
    wasAsking.current = isAsking;
  }, [isAsking]);
  /** @param {KeyboardEvent} event */
  const stepBack = (event) => {
    if (event.key !== "Escape" || !isAsking) return;
    event.stopPropagation();
    ask(false);
  };
  return html`<span ref=${box} class="sure" onKeyDown=${stepBack}>
    ${
      isAsking
        ? html`<span class="sure-what" role="alert">${what}</span>
          <button type="button" class="button" onClick=${() => ask(false)}>Cancel</button>
          <${WaitingButton} class="button danger" run=${run}>${yes}<//>`
        : html`<${QuietButton} about=${about} onClick=${() => ask(true)}>${label}<//>`
    }
  </span>`;
}
