// Reading from the server: all there is, in pages, and the journal, in pages and as it grows.

import { address, call, nextPage, Problem, Unreachable } from "./api.js";

/** @typedef {import("./types.js").Change} Change */

const LARGEST_PAGE = 500;
/** The server gives a sign of life every 15 seconds. */
const SILENCE = 40_000;

/** @param {"lists" | "tasks" | "trash"} store @param {AbortSignal} signal @returns {AsyncGenerator<any[]>} */
export async function* pagesOf(store, signal) {
  for (let query = `?limit=${LARGEST_PAGE}`; query; ) {
    const page = await call("GET", store + query, undefined, { signal });
    yield page.body;
    query = nextPage(page.headers) ?? "";
  }
}

/** @param {AbortSignal} signal @returns {Promise<{cursor: number, count: number}>} where the journal ends now, and about how many tasks there are */
export async function whatThereIs(signal) {
  const { cursor } = (await call("GET", "changes", undefined, { signal })).body;
  const { count } = (await call("GET", "tasks/count", undefined, { signal })).body;
  return { cursor, count };
}

/** @param {number} cursor @param {AbortSignal} signal @returns {Promise<{changes: Change[], more: boolean}>} */
export const changesAfter = async (cursor, signal) =>
  (await call("GET", `changes?after=${cursor}&limit=${LARGEST_PAGE}`, undefined, { signal })).body;

/**
 * Follow the events until the stream ends, or nothing is heard for too long.
 *
 * @param {number} cursor
 * @param {AbortSignal} signal
 * @param {(rows: Change[]) => void} take
 */
export async function listen(cursor, signal, take) {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENCE);
  try {
    const either = AbortSignal.any([signal, silent.signal]);
    const stream = await openStream(address(`events?after=${cursor}`), either);
    const reader = stream.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
    for (let rest = ""; ; ) {
      const { done, value } = await reader.read().catch(() => ({ done: true, value: "" }));
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE);
      const events = (rest + value).split("\n\n");
      rest = /** @type {string} */ (events.pop());
      take(events.flatMap(changeIn));
    }
  } finally {
    clearTimeout(timer);
    silent.abort();
  }
}

/** @param {URL} url @param {AbortSignal} signal @returns {Promise<ReadableStream<any>>} */
async function openStream(url, signal) {
  const headers = { Accept: "text/event-stream" };
  const answer = await fetch(url, { signal, cache: "no-store", headers }).catch(() => {
    throw new Unreachable();
  });
  if (answer.ok && answer.body) return answer.body;
  throw new Problem(answer.status, await answer.json().catch(() => null), answer.headers);
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html @param {string} event @returns {Change[]} */
function changeIn(event) {
  const data = event
    .split("\n")
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(5).trimStart());
  return data.length > 0 ? [JSON.parse(data.join("\n"))] : [];
}
