// Opens the page without a network. It keeps the page's own files and nothing that people keep here:
// their tasks are in the page's replica.
//
// The server puts two lines before this: VERSION, which changes with any file, and FILES, all of
// them. A new version is kept beside the one until now, since open windows may still load parts of it.

const worker = /** @type {ServiceWorkerGlobalScope & {VERSION: string, FILES: string[]}} */ (
  /** @type {unknown} */ (self)
);
const PREFIX = "taskhold-page-";

worker.addEventListener("install", (event) => {
  event.waitUntil(keepFiles());
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(forgetOldVersions());
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const root = new URL("./", worker.location.href);
  if (request.method !== "GET" || url.origin !== root.origin) return;
  if (request.mode === "navigate" && url.pathname === root.pathname) {
    event.respondWith(page(request, root.href));
  } else if (url.pathname.startsWith(`${root.pathname}static/`)) {
    event.respondWith(file(request));
  }
});

async function keepFiles() {
  const cache = await caches.open(PREFIX + worker.VERSION);
  // The page itself as it is now; files are named by their content, so any copy of them will do.
  await cache.addAll(
    worker.FILES.map((name) => new Request(name, { cache: name === "./" ? "reload" : "default" })),
  );
  await worker.skipWaiting();
}

async function forgetOldVersions() {
  const kept = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  const old = kept.filter((name) => name !== PREFIX + worker.VERSION).slice(0, -1);
  await Promise.all(old.map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** @param {Request} request @param {string} root */
async function page(request, root) {
  const cache = await caches.open(PREFIX + worker.VERSION);
  return (await cache.match(root)) ?? fetch(request);
}

/** @param {Request} request */
async function file(request) {
  return (await caches.match(request)) ?? fetch(request);
}
