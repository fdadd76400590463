"use strict";
const KNOWN = {{ data|safe }};
const NAME = "yimen-kiosk-" + KNOWN.version;
const WAIT = 6000;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(KNOWN.files)).then(() => skipWaiting()));
});
addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith("yimen-kiosk-") && name !== NAME) await caches.delete(name);
    await clients.claim();
  })());
});

const code = (url) => url.pathname.slice(KNOWN.path.length).split("/")[0];

// The network first. Only what says "keep" is kept: pages with nothing of anybody on them.
async function navigate(request) {
  const url = new URL(request.url), stop = new AbortController(), timer = setTimeout(() => stop.abort(), WAIT);
  const cache = await caches.open(NAME);
  try {
    const answer = await fetch(request, request.method === "GET" ? { signal: stop.signal } : {});
    if (request.method === "GET" && answer.ok && !answer.redirected && answer.headers.get(KNOWN.header) === "keep") {
      await cache.put(url.pathname, answer.clone());
    }
    return answer;
  } catch (error) {
    const kept = request.method === "GET" && !url.search ? await cache.match(url.pathname) : null;
    const told = kept || await cache.match(KNOWN.path + code(url) + "/offline/");
    if (told) return told;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== location.origin) return;
  if (event.request.mode === "navigate" && url.pathname.startsWith(KNOWN.path)) {
    event.respondWith(navigate(event.request));
  } else if (event.request.method === "GET" && KNOWN.files.includes(url.pathname)) {
    event.respondWith(caches.match(event.request, { ignoreSearch: true }).then((kept) => kept || fetch(event.request)));
  }
});
