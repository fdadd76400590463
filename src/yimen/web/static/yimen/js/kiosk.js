/* The kiosk: back to the start when nobody touches it; the printer. Without script a link does the first. */
"use strict";

(() => {
  const ASK = 45000, LEAVE = 60000;
  const start = document.querySelector("[data-start]") || document.querySelector(".done .main");
  const idle = document.querySelector("[data-idle]");
  const print = document.querySelector("[data-print]");
  let touched = Date.now();

  const touch = () => { touched = Date.now(); if (idle) idle.hidden = true; };
  ["pointerdown", "keydown", "input", "scroll"].forEach((name) => addEventListener(name, touch, { passive: true, capture: true }));
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  setInterval(() => {
    const quiet = Date.now() - touched;
    if (!start) {                       // the start page itself: only the figures grow old
      if (quiet > LEAVE) location.reload();
    } else if (quiet > LEAVE) {
      location.replace(start.href);     // nothing to go back to
    } else if (quiet > ASK && idle) {
      idle.hidden = false;
    }
  }, 1000);

  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
  document.querySelectorAll("form[method=post]").forEach((form) => form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";            // the key on the form is what counts; this only saves a request
  }));
})();
