// The checklist on the spot: every answer is saved as it is given; without a network it stays on this telephone
// and goes when there is one. Without this script the page saves with its buttons.
(() => {
  // A closed visit leaves nothing on the telephone.
  const done = document.querySelector("[data-visit-done]");
  if (done) {
    try {
      localStorage.removeItem(`yimen-visit-${done.dataset.visitDone}`);
    } catch {
      // Nothing was kept then.
    }
  }
  const form = document.querySelector("[data-visit]");
  if (!form) return;
  const place = `yimen-visit-${form.dataset.visit}`;
  const status = document.getElementById("saved");
  // Two go, each with a telephone: only the points touched on this one are this one's to say. Of the others the
  // server is told what stood there when the page was read, and leaves them as they are.
  const touched = new Set();
  const touch = (point) => {
    if (!point || touched.has(point.id)) return;
    touched.add(point.id);
    point.querySelector('[name^="was-"]').disabled = true;
  };
  const pointOf = (name) => (/^[frn]-/.test(name) ? `point-${name.slice(2)}` : "");
  const isKept = (name) => !name.startsWith("_") && !name.startsWith("was-") && name !== "csrfmiddlewaretoken";
  const typed = () =>
    [...new FormData(form)].filter(
      ([name, value]) => typeof value === "string" && isKept(name) && (!pointOf(name) || touched.has(pointOf(name))),
    );
  const count = () => {
    const looked = document.getElementById("looked");
    if (looked) looked.textContent = form.querySelectorAll('.point [type="radio"]:checked').length;
  };
  const store = (value) => {
    try {
      if (value === null) localStorage.removeItem(place);
      else localStorage.setItem(place, JSON.stringify(value));
    } catch {
      // A browser that keeps nothing still has the buttons.
    }
  };
  const kept = () => {
    try {
      return JSON.parse(localStorage.getItem(place) || "null");
    } catch {
      return null;
    }
  };

  // What never reached the server comes back after a reload.
  const before = kept();
  if (before) {
    for (const [name, value] of before) {
      if (pointOf(name)) touch(document.getElementById(pointOf(name)));
      for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
        if (field.type === "radio" || field.type === "checkbox") field.checked = field.value === value;
        else if (field.type !== "hidden" && field.type !== "file") field.value = value;
      }
    }
    count();
  }

  let waiting = 0;
  let leaving = false;
  const save = async () => {
    clearTimeout(waiting);
    status.textContent = form.dataset.saving;
    const sent = JSON.stringify(typed());
    const body = new FormData(form);
    for (const field of form.querySelectorAll('[type="file"]')) body.delete(field.name);
    try {
      const answer = await fetch(form.dataset.note, { method: "POST", body, headers: { Accept: "application/json" } });
      if (leaving) return;
      const said = await answer.json();
      if (!answer.ok) {
        status.textContent = said.refused || "";
      } else if (Object.keys(said.wrong).length) {
        status.textContent = form.dataset.wrong;
      } else {
        const now = new Date();
        status.textContent = `${form.dataset.saved} ${now.getHours()}:${String(now.getMinutes()).padStart(2, "0")}`;
        // Remarks and signature are sent with the last button only, so they stay here until then.
        if (sent === JSON.stringify(typed()) && !form.remarks?.value && !form.signed_by?.value) store(null);
      }
    } catch {
      if (leaving) return;
      status.textContent = form.dataset.away;
      waiting = setTimeout(save, 15000);
    }
  };
  form.addEventListener("input", (event) => {
    if (event.target.type === "file") return;
    touch(event.target.closest(".point"));
    store(typed());
  });
  form.addEventListener("change", (event) => {
    if (event.target.type === "file") return;
    const point = event.target.closest(".point");
    touch(point);
    if (point && event.target.type === "radio") point.querySelector(".err")?.remove();
    count();
    store(typed());
    save();
  });
  addEventListener("online", save);
  form.addEventListener("submit", () => {
    leaving = true;
    store(typed());
  });
  if (before) save();
})();
