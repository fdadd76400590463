/* The glass of a kiosk: back to the start by itself, nothing left to go back to, read aloud, the network, the printer.
   Without script links and forms do the same; only these are missing. */
"use strict";

(() => {
  const kiosk = document.querySelector("[data-kiosk]");
  if (!kiosk) return;
  const { kiosk: start, done, alive, worker, offlinePage } = kiosk.dataset;
  const LEAVE = Number(kiosk.dataset.idleSeconds || 60) * 1000;
  const ASK = Math.max(LEAVE - 15000, LEAVE / 2);
  const idle = document.querySelector("[data-idle]"), left = document.querySelector("[data-left]");
  const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value || "";
  const isStart = location.pathname === start;
  let touched = Date.now(), isAway = false;

  // Nobody's page stays behind: every step takes the place of the one before in the history.
  const go = (address) => location.replace(address);
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey) return;
    const to = new URL(link.href);
    if (link.hash && to.pathname === location.pathname) return;
    event.preventDefault();
    // A kiosk is locked: links that lead out of it stay shut.
    if (to.origin === location.origin && to.pathname.startsWith("/kiosk/")) go(to.href);
  });
  document.querySelectorAll("form[data-replace]").forEach((form) => form.addEventListener("submit", (event) => {
    event.preventDefault();
    const asked = new URLSearchParams(new FormData(form));
    go(`${location.pathname}?${asked}`);
  }));
  document.querySelectorAll("form[method=post]").forEach((form) => form.addEventListener("submit", (event) => {
    if (form.dataset.sent || isAway) event.preventDefault();
    else form.dataset.sent = "1";       // the key on the form is what counts; this only saves a request
  }));
  addEventListener("contextmenu", (event) => event.preventDefault());

  // Back to the start
  const touch = (event) => {
    touched = Date.now();
    // A finger on the question itself lets it stand until the tap is whole, or the tap would land on what is below.
    if (idle && !(event?.type === "pointerdown" && idle.contains(event.target))) idle.hidden = true;
  };
  ["pointerdown", "keydown", "input", "scroll"].forEach((name) => addEventListener(name, touch, { passive: true, capture: true }));
  idle?.querySelector("button")?.addEventListener("click", touch);
  setInterval(() => {
    const quiet = Date.now() - touched;
    if (quiet > LEAVE) {
      if (isAway) { touch(); if (!isStart) go(start); }
      else if (isStart && !document.querySelector(".klang [aria-current=true]:not(:first-child)")) { touch(); location.reload(); }
      else go(done);
    } else if (quiet > ASK && idle && (!isStart || document.querySelector(".kiosk.big, .kiosk.low"))) {
      idle.hidden = false;
      left.textContent = String(Math.max(1, Math.ceil((LEAVE - quiet) / 1000)));
    }
  }, 500);

  // The network
  const away = (now) => {
    isAway = now;
    kiosk.classList.toggle("is-away", now);
    const told = document.querySelector("[data-offline]");
    if (told) told.hidden = !now;
    document.querySelectorAll("form[method=post] button, [data-needs-net]").forEach((button) => { button.disabled = now; });
  };
  async function look() {
    try {
      const answer = await fetch(alive, { method: "POST", headers: { "X-CSRFToken": token() }, redirect: "error", cache: "no-store" });
      if (answer.status >= 500) throw new Error();
      // The page that says so may stand at any address of the kiosk.
      if (document.querySelector("[data-net-gone]")) go(start);
      else if (isAway) { away(false); if (isStart) location.reload(); }
    } catch { away(true); }
  }
  addEventListener("offline", () => away(true));
  addEventListener("online", look);
  setInterval(look, 15000);
  look();
  if (worker && navigator.serviceWorker) {
    navigator.serviceWorker.register(worker, { scope: "/kiosk/" }).then(() => navigator.serviceWorker.ready).then(() => {
      // What must be there before the network goes: asked for once, kept by the worker.
      if (isStart) fetch(offlinePage).then((answer) => answer.ok && caches.keys().then((names) => {
        const name = names.find((one) => one.startsWith("yimen-kiosk-"));
        if (name && answer.headers.get("Yimen-Offline") === "keep") caches.open(name).then((cache) => cache.put(offlinePage, answer));
      })).catch(() => {});
    }).catch(() => {});
  }

  // Read aloud: what stands in the middle of the glass, from top to bottom.
  const speech = window.speechSynthesis, reader = document.querySelector("[data-read]");
  if (reader && speech && typeof window.SpeechSynthesisUtterance === "function") {
    const language = { "zh-Hans": "zh-CN", "zh-Hant": "zh-TW", en: "en-US" }[document.documentElement.lang] || "zh-CN";
    const stop = () => { speech.cancel(); reader.textContent = reader.dataset.say; reader.removeAttribute("aria-pressed"); };
    const parts = () => [...document.querySelectorAll("#main :is(h1, h2, p, li, dt, dd, label, legend, button, summary), .help")]
      .filter((one) => one.offsetParent !== null && !one.querySelector("h1, h2, p, li, dd, label, button") && !one.closest("[data-pad]"))
      .map((one) => one.innerText.replace(/\s+/g, " ").trim()).filter(Boolean);
    reader.hidden = false;
    reader.addEventListener("click", () => {
      if (reader.hasAttribute("aria-pressed")) return stop();
      const voices = speech.getVoices();
      if (!voices.length) { reader.textContent = reader.dataset.mute; return; }
      const voice = voices.find((one) => one.lang.replace("_", "-") === language) || voices.find((one) => one.lang.slice(0, 2) === language.slice(0, 2));
      const texts = parts();
      reader.textContent = reader.dataset.stop;
      reader.setAttribute("aria-pressed", "true");
      texts.forEach((text, n) => {
        const said = new SpeechSynthesisUtterance(text);
        said.lang = language;
        said.rate = 0.85;
        if (voice) said.voice = voice;
        said.addEventListener("start", touch);  // who listens is still there
        if (n === texts.length - 1) said.addEventListener("end", stop);
        speech.speak(said);
      });
    });
    addEventListener("pagehide", () => speech.cancel());
  }

  const print = document.querySelector("[data-print]");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
})();
