// Remembers which materials are ticked, in this browser only.
for (const list of document.querySelectorAll("[data-checklist]")) {
  const key = "yimen.checklist." + list.dataset.checklist;
  let ticked = [];
  try { ticked = JSON.parse(localStorage.getItem(key)) || []; } catch { /* no storage: ticks last as long as the page */ }
  for (const box of list.querySelectorAll("input[type=checkbox]")) {
    box.checked = ticked.includes(box.id);
    box.addEventListener("change", () => {
      const now = [...list.querySelectorAll("input:checked")].map((each) => each.id);
      try { localStorage.setItem(key, JSON.stringify(now)); } catch { /* see above */ }
    });
  }
}
