// Speaking to the server, and what can come of it.

/** Where the page is served from, with a slash at its end: the API is below it. */
export const base = new URL(".", document.baseURI).href;
const SECONDS = 1000;
const PATIENCE = 30 * SECONDS;

/** It says who is logged in, whoever asks. */
const WHO_IS_THERE = "setup";

let spokenFor = "";

/** From now on requests are for this account: where the browser's cookie is another's, they are refused. @param {number | null} accountId */
export function speakFor(accountId) {
  spokenFor = accountId === null ? "" : String(accountId);
}

/** @returns {Record<string, string>} */
export const forWhom = () => (spokenFor ? { "Taskhold-Account": spokenFor } : {});

/** An answer that is not 2xx, with a sentence that a person can act on. */
export class Problem extends Error {
  /** @param {number} status @param {any} body @param {Headers} headers */
  constructor(status, body, headers) {
    super(typeof body?.detail === "string" ? body.detail : `The server answered ${status}.`);
    this.status = status;
    this.body = body ?? {};
    this.headers = headers;
  }

  get detail() {
    return this.message;
  }

  /** @returns {{in: string, field: string, message: string, code: string}[]} */
  get errors() {
    return this.body.errors ?? [];
  }

  /** Whether it is of this kind: the last part of its `type`. @param {string} name */
  is(name) {
    return typeof this.body.type === "string" && this.body.type.endsWith(`/${name}`);
  }

  /** How long the server asks to wait, in milliseconds. */
  get wait() {
    const seconds = Number(this.headers.get("Retry-After"));
    return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 3600) * SECONDS : 0;
  }
}

/** The server can't be reached, or its answer got lost on the way. */
export class Unreachable extends Error {
  constructor() {
    super("The server can't be reached.");
  }
}

/**
 * One request. Raises Problem for an answer that is not 2xx, and Unreachable for none.
 *
 * @param {string} method
 * @param {string} path below the base, as `tasks/5`; a slash in front makes no difference
 * @param {unknown} [body] becomes JSON; a text is sent as it is
 * @param {{headers?: Record<string, string>, signal?: AbortSignal}} [more]
 * @returns {Promise<{status: number, body: any, headers: Headers}>}
 */
export async function call(method, path, body, { headers = {}, signal } = {}) {
  const timeout = AbortSignal.timeout(PATIENCE);
  /** @type {RequestInit} */
  const request = {
    method,
    headers: {
      Accept: "application/json",
      ...(path === WHO_IS_THERE ? {} : forWhom()),
      ...headers,
    },
    cache: "no-store",
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  };
  if (body !== undefined && body !== "") {
    request.body = typeof body === "string" ? body : JSON.stringify(body);
    request.headers = { ...request.headers, "Content-Type": "application/json" };
  }
  let answer;
  let text;
  try {
    answer = await fetch(address(path), request);
    text = await answer.text();
  } catch {
    throw new Unreachable();
  }
  const content = read(text);
  if (!answer.ok) throw new Problem(answer.status, content, answer.headers);
  return { status: answer.status, body: content, headers: answer.headers };
}

/** @param {string} path */
export const address = (path) => new URL(path.replace(/^\//, ""), base);

/** The query of the next page, from `Link`; its path may be another than ours behind a proxy. @param {Headers} headers */
export function nextPage(headers) {
  const target = /<([^>]*)>;\s*rel="next"/.exec(headers.get("Link") ?? "")?.[1];
  return target === undefined ? null : new URL(target, base).search;
}

/** @param {string} text */
function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // empty, or of something between us and the server
  }
}
