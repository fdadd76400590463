// j and k walk the rows of a list, Enter opens one, / goes to the search box.
(() => {
  const links = () => [...document.querySelectorAll("[data-rows] tbody td:first-child a")];
  const typing = (node) => node && /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName);

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
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    const all = links();
    if (!step || !all.length) return;
    event.preventDefault();
    const at = all.indexOf(document.activeElement);
    const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
    for (const row of document.querySelectorAll("[data-rows] tr.is-on")) row.classList.remove("is-on");
    next.closest("tr").classList.add("is-on");
    next.focus();
  });
})();
