/* A page of figures that renews itself, but never under somebody who is writing in it. */
"use strict";

(() => {
  const main = document.querySelector("main");
  const mark = main.querySelector("[data-renew]");
  if (!mark) return;
  const places = () => [...main.querySelectorAll("a, button, summary, input, select, textarea")];
  const written = (one) => one.matches("input:not([type=hidden]), textarea") && one.value !== one.defaultValue;
  const busy = () => places().some((one) => written(one) || (one === document.activeElement && one.matches("input, select, textarea")));

  async function renew() {
    if (busy() || document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected) location.reload(); // signed out meanwhile
      if (!answer.ok || busy()) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (!fresh || busy()) return;
      const open = [...main.querySelectorAll("details")].map((one) => one.open);
      const at = places().indexOf(document.activeElement);
      main.replaceChildren(...fresh.childNodes);
      main.querySelectorAll("details").forEach((one, n) => { one.open = open[n] || false; });
      if (at >= 0 && places()[at]) places()[at].focus({ preventScroll: true });
    } catch { /* the next time will do */ }
  }

  setInterval(renew, Number(mark.dataset.renew) * 1000);
})();
