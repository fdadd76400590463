// Keys and the running minutes of the window; every button works without it.
(() => {
  const keyOf = (event) => (event.ctrlKey || event.metaKey ? "Control+" : "") + event.key;

  document.addEventListener("keydown", (event) => {
    const key = keyOf(event);
    if (event.repeat || !/^(F2|F4|F7|F8|F9|Control\+Enter)$/.test(key)) return;
    // The form one is typing in comes first: Ctrl+Enter means its act, not another's.
    const form = document.activeElement && document.activeElement.closest("form");
    const button =
      (form && form.querySelector(`[data-key="${key}"]`)) ||
      (!form || key !== "Control+Enter" ? document.querySelector(`[data-key="${key}"]`) : null) ||
      document.querySelector(`main [data-key="${key}"]`);
    if (!button) return;
    event.preventDefault();
    button.click();
  });

  const tick = () => {
    for (const node of document.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(node.dataset.since)) / 1000));
      node.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    }
  };
  tick();
  setInterval(tick, 1000);

  // A second click while the first is on its way is answered by the server once; do not even send it.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    else if (event.target.method === "post") event.target.dataset.sent = "1";
  });
  addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => delete form.dataset.sent));

  // The hall tells of every call; the card of who waits looks again, at most every two seconds.
  const card = document.getElementById("waiting");
  if (card && window.EventSource && window.htmx) {
    let due = 0;
    new EventSource(`/events/hall/${card.dataset.hall}`).addEventListener("change", () => {
      if (due) return;
      due = setTimeout(() => {
        due = 0;
        htmx.trigger("#waiting", "refresh");
      }, 2000);
    });
  }

  const errors = document.querySelector(".errs");
  if (errors) errors.focus();
})();
