/* An application saves itself as it is typed, and files go up in pieces. Without script its buttons do both. */
"use strict";

(() => {
  const token = () => document.querySelector("[name=csrfmiddlewaretoken]").value;
  const zh = (document.documentElement.lang || "zh").startsWith("zh");
  const words = zh
    ? { away: "没连上，先记在这个页面里，连上就存。", login: "登录过期了。点“先存着”去登录，您填的都还在。",
        going: (n) => `正在传 ${n}%`, look: "传完了，正在检查", wait: "断了，等一下接着传", found: "这个页面没存上的找回来了，正在存。" }
    : { away: "Not connected. Kept in this page, saved when the line is back.", login: "Please log in again: press save; what you typed is kept.",
        going: (n) => `Sending ${n}%`, look: "Sent, being checked", wait: "Line lost, going on in a moment", found: "Found what was not saved yet, saving it now." };

  /* Saving */
  for (const form of document.querySelectorAll("form[data-draft]")) {
    const key = "yimen.draft." + form.dataset.draft;
    const said = form.querySelector("[data-saved]");
    const say = (text) => { if (said) said.textContent = text; };
    const fields = () => [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken" && name !== "edition");
    const known = (name) => [...form.elements].filter((each) => each.name === name);
    let timer = 0, running = false, again = false, stopped = false;

    const edition = form.elements.edition;
    // With the edition it was typed on: what another page saved meanwhile is not written over, both are shown.
    const copy = () => {
      try { sessionStorage.setItem(key, JSON.stringify([edition.value, fields()])); } catch { /* no room: the server has the rest */ }
    };
    const forget = () => { try { sessionStorage.removeItem(key); } catch { /* as above */ } };

    const save = async () => {
      if (running) { again = true; return; }
      running = true;
      again = false;
      const body = new URLSearchParams(fields());
      body.set("edition", edition.value);
      try {
        const answer = await fetch(form.dataset.draft, {
          method: "POST", body, headers: { "X-CSRFToken": token(), "X-Requested-With": "fetch" }, redirect: "error",
        });
        const told = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
        if (answer.ok) {
          for (const one of document.querySelectorAll("[name=edition]")) one.value = told.edition;
          say(told.saved);
          if (again) copy(); else forget();
        } else if (answer.status === 409 || answer.status === 422) {
          stopped = true;                 // the form's own button shows both sides
          say(told.error);
        } else {
          say(answer.status === 401 || answer.status === 403 ? words.login : words.away);
        }
      } catch {
        say(words.away);
        setTimeout(later, 5000);
      }
      running = false;
      if (again) later();
    };
    const later = () => {
      if (stopped) return;
      clearTimeout(timer);
      timer = setTimeout(save, 800);
    };
    const changed = () => { copy(); later(); };
    form.addEventListener("input", changed);
    form.addEventListener("change", changed);
    addEventListener("online", later);
    form.addEventListener("submit", () => { clearTimeout(timer); });

    let left = null, typedOn = "";
    try { [typedOn, left] = JSON.parse(sessionStorage.getItem(key)); } catch { /* nothing was left */ }
    if (left && JSON.stringify(left) === JSON.stringify(fields())) forget();
    else if (left) {
      for (const one of document.querySelectorAll("[name=edition]")) one.value = typedOn;
      for (const [name, value] of left) {
        for (const one of known(name)) {
          if (one.type === "radio" || one.type === "checkbox") { if (one.value === value) one.checked = true; }
          else if (one.type !== "hidden") one.value = value;
        }
      }
      say(words.found);
      later();
    }
  }

  /* Files in pieces: a lost line costs the piece, not the file. */
  const LEAST = 1 << 14, MOST = 1 << 20, TRIES = 20;
  let piece = 1 << 16;                    // some seconds of this line: a body that comes too slowly is refused (408)
  const pause = (n) => new Promise((done) => setTimeout(done, Math.min(1000 * n, 10000)));

  const post = async (url, body) => {
    const answer = await fetch(url, { method: "POST", body, headers: {
      "X-CSRFToken": token(), "X-Requested-With": "fetch",
      ...(body instanceof Blob ? { "Content-Type": "application/octet-stream" } : {}),
    } });
    const told = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
    return { status: answer.status, ...told };
  };

  const isBusy = (answer) => answer.status >= 500 || answer.status === 408;

  const send = async (form, file, tell) => {
    const about = new FormData();
    about.set("name", file.name);
    about.set("size", file.size);
    if (form.elements.material) about.set("material", form.elements.material.value);
    let failed = 0, id = "", at = 0;
    for (;;) {
      try {
        if (!id) {
          const begun = await post(form.dataset.upload, about);
          if (isBusy(begun)) throw new Error("busy");
          if (!begun.id) return begun.error || words.login;
          id = begun.id;
          at = begun.received;
        }
        while (at < file.size) {
          tell(words.going(Math.floor(100 * at / file.size)));
          const began = performance.now();
          const answer = await post(`/my/files/${id}/piece?offset=${at}`, file.slice(at, at + piece));
          if (isBusy(answer)) throw new Error("busy");
          if (answer.received === undefined) return answer.error || words.login;
          at = answer.received;           // also when the place was wrong: it says from where to go on
          failed = 0;
          const took = performance.now() - began;
          if (took > 4000) piece = Math.max(LEAST, piece >> 1);
          else if (took < 1500) piece = Math.min(MOST, piece << 1);
        }
        tell(words.look);
        const done = await post(`/my/files/${id}/finish`, new FormData());
        if (isBusy(done)) throw new Error("busy");
        if (done.status === 409) { at = done.received; continue; }
        return done.id ? "" : done.error || words.login;
      } catch {
        failed += 1;
        piece = Math.max(LEAST, piece >> 1);
        if (failed > TRIES) return words.away;
        tell(words.wait);
        await pause(failed);
      }
    }
  };

  /* One after the other, whatever is pressed meanwhile; the page comes anew when all are through. */
  const forms = [...document.querySelectorAll("form[data-upload]")];
  const waiting = [];
  let going = false, then = () => location.reload();
  const sendAll = async () => {
    if (going) return;
    going = true;
    let failed = false;
    for (let form; (form = waiting[0]); waiting.shift()) {
      const note = form.querySelector("[data-progress]"), input = form.elements.file, chosen = input.files, faults = [];
      const tell = (text) => { note.hidden = false; note.textContent = text; };
      for (const file of chosen) {
        const fault = await send(form, file, (text) => tell(`${file.name}：${text}`));
        if (fault) faults.push(`${file.name}：${fault}`);
      }
      if (input.files === chosen) input.value = "";
      else waiting.push(form);            // others were chosen meanwhile
      if (faults.length) { tell(faults.join(" ")); failed = true; }
    }
    going = false;
    if (!failed) then();
    then = () => location.reload();
  };
  const queue = (form) => {
    if (!form.elements.file.files.length || waiting.includes(form)) return;
    waiting.push(form);
    sendAll();
  };
  for (const form of forms) {
    form.addEventListener("submit", (event) => {
      if (!form.elements.file.files.length) return;    // the page says what is missing
      event.preventDefault();
      queue(form);
    });
  }

  addEventListener("beforeunload", (event) => { if (going) event.preventDefault(); });

  /* Going on takes along what was chosen and not sent. */
  for (const form of document.querySelectorAll("form[data-after-files]")) {
    form.addEventListener("submit", (event) => {
      if (!going && !forms.some((one) => one.elements.file.files.length)) return;
      event.preventDefault();
      const button = event.submitter;
      then = () => form.requestSubmit(button);
      forms.forEach(queue);
    });
  }
})();
