// j and k walk the rows of a list, x marks one, Enter opens it, / goes to the search box, ? shows the keys.
(() => {
  const links = () => [...document.querySelectorAll("[data-rows] tbody td:first-child a")];
  const typing = (node) => node && /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName) && node.type !== "checkbox";
  const rowOf = () => document.querySelector("[data-rows] tr.is-on");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(document.activeElement)) return;
    if (event.key === "/") {
      const find = document.querySelector("[data-find]");
      if (find) {
        event.preventDefault();
        find.focus();
      }
      return;
    }
    if (event.key === "?") {
      const keys = document.getElementById("keys");
      if (keys && !keys.open) keys.showModal();
      return;
    }
    if (event.key === "x") {
      const box = rowOf() && rowOf().querySelector(".pickbox");
      if (box) box.checked = !box.checked;
      return;
    }
    // In a case: to the next task of mine, or back to the list.
    const way = { j: "[data-next]", k: "[data-list]" }[event.key];
    const all = links();
    if (way && !all.length) {
      const link = document.querySelector(way);
      if (link) link.click();
      return;
    }
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (!step || !all.length) return;
    event.preventDefault();
    const at = all.indexOf(document.activeElement);
    const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
    for (const row of document.querySelectorAll("[data-rows] tr.is-on")) row.classList.remove("is-on");
    next.closest("tr").classList.add("is-on");
    next.focus();
  });

  // Everything at once, which could do nothing without script.
  for (const all of document.querySelectorAll("[data-pick-all]")) {
    all.hidden = false;
    all.addEventListener("change", () => {
      for (const box of all.form.querySelectorAll(".pickbox")) box.checked = all.checked;
    });
  }
})();
