/* A phone that follows its ticket: looks again when its number is called, and now and then. */
"use strict";

(() => {
  const EVERY = 15000;
  const box = () => document.querySelector("[data-ticket]");
  if (!box() || !box().dataset.events) return;
  let source = null, timer = 0;

  async function look() {
    clearTimeout(timer);
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-ticket]");
        const opened = box().querySelector("details[open]"), same = fresh && fresh.querySelector("details");
        if (opened && same) same.open = true;
        if (fresh) box().replaceWith(fresh);
      }
    } catch { /* the next look will do */ }
    if (box().dataset.events) {
      timer = setTimeout(look, EVERY);
    } else if (source) {
      source.close();
    }
  }

  const hear = (event) => {
    const { calls = [] } = JSON.parse(event.data);
    const mine = calls.find((call) => call.label === box().dataset.ticket);
    if (mine && box().dataset.status !== "called" && box().dataset.status !== "serving") look();
  };

  source = new EventSource(box().dataset.events);
  source.addEventListener("board", hear);
  source.addEventListener("change", hear);
  timer = setTimeout(look, EVERY);
})();
