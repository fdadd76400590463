// Suggestions under a search box while somebody types: a combobox with a list, by keyboard and by hand.
// Without this file the box is a plain form.
const PAUSE = 120;

for (const form of document.querySelectorAll("[data-suggest]")) {
  const box = form.querySelector("input[name=q]");
  const list = form.querySelector("[role=listbox]");
  const status = form.querySelector("[role=status]");
  let timer, asking, at = -1, composing = false;

  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-expanded", "false");

  const options = () => [...list.children];
  const close = () => {
    list.hidden = true;
    at = -1;
    status.textContent = "";
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const mark = (next) => {
    const rows = options();
    at = (next + rows.length) % rows.length;
    rows.forEach((row, n) => row.setAttribute("aria-selected", String(n === at)));
    rows[at].scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", rows[at].id);
  };
  const show = (items) => {
    list.replaceChildren(...items.map((item, n) => {
      const row = document.createElement("li");
      row.id = `${list.id}-${n}`;
      row.role = "option";
      row.setAttribute("aria-selected", "false");
      row.dataset.url = item.url;
      const note = document.createElement("small");
      note.textContent = item.note;
      row.append(item.name, note);
      return row;
    }));
    at = -1;
    box.removeAttribute("aria-activedescendant");
    list.hidden = items.length === 0;
    status.textContent = items.length ? form.dataset.found : "";
    box.setAttribute("aria-expanded", String(items.length > 0));
  };
  const ask = async () => {
    const text = box.value.trim();
    asking?.abort();
    if (!text) return close();
    asking = new AbortController();
    try {
      const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(text)}`, { signal: asking.signal });
      if (answer.ok && document.activeElement === box) show((await answer.json()).items);
    } catch { /* a newer letter came, or the network is away: the form still works */ }
  };
  const later = () => {
    clearTimeout(timer);
    if (!composing) timer = setTimeout(ask, PAUSE);
  };

  box.addEventListener("input", later);
  box.addEventListener("compositionstart", () => { composing = true; });
  box.addEventListener("compositionend", () => { composing = false; later(); });
  box.addEventListener("keydown", (event) => {
    if (composing || event.isComposing) return;
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (list.hidden) return ask();
      event.preventDefault();
      if (event.key === "ArrowDown") mark(at + 1);
      else mark(at < 0 ? options().length - 1 : at - 1);
    } else if (event.key === "Enter" && at >= 0 && !list.hidden) {
      event.preventDefault();
      location.assign(options()[at].dataset.url);
    }
  });
  box.addEventListener("blur", () => setTimeout(close, 150));
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const row = event.target.closest("[role=option]");
    if (row) location.assign(row.dataset.url);
  });
}
