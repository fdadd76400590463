/* The hall screen: keeps the server-rendered page up to date from /events/hall/<code>. */
"use strict";

(() => {
  const HOLD = 8000;          // a call stands at least so long before the next takes its place
  const SILENCE = 4500;       // beats come every 2 s
  const MOST_WAITING = 3;     // older ones are in the row below anyway
  const main = document.querySelector("[data-events]");
  const calling = main.querySelector("[data-calling]");
  const recent = [...main.querySelectorAll("[data-recent] > li")];
  const lost = document.querySelector("[data-lost]");
  const clock = document.querySelector("[data-clock]");
  const surge = main.querySelector("[data-surge]");

  let calls = [calling, ...recent].filter((box) => box.dataset.key).map((box) => ({
    key: box.dataset.key, label: text(box, "label"), window: text(box, "window"),
  }));
  const seen = new Set(calls.map((call) => call.key));
  let shown = calls[0] || null;
  let shownAt = -HOLD;
  let waiting = [];
  let turn = 0;

  function text(box, name) { return box.querySelector(`[data-${name}]`).textContent; }

  function put(box, name, value) {
    const place = box.querySelector(`[data-${name}]`);
    if (place.textContent !== String(value)) place.textContent = value;
  }

  function draw() {
    calling.toggleAttribute("data-idle", !shown);
    if (shown) {
      put(calling, "label", shown.label);
      put(calling, "window", shown.window);
    }
    const rest = calls.filter((call) => !shown || call.key !== shown.key);
    recent.forEach((box, place) => {
      box.hidden = place >= rest.length;
      if (place < rest.length) {
        put(box, "label", rest[place].label);
        put(box, "window", rest[place].window);
      }
    });
  }

  function next() {
    clearTimeout(turn);
    if (waiting.length) {
      const left = shownAt + HOLD - performance.now();
      if (left > 0) {
        turn = setTimeout(next, left);
      } else {
        shown = waiting.shift();
        shownAt = performance.now();
        calling.classList.remove("fresh");
        void calling.offsetWidth;          // so that the slide runs again
        calling.classList.add("fresh");
        chime();
        if (waiting.length) turn = setTimeout(next, HOLD);
      }
    }
    draw();
  }

  function take(board) {
    if (board.day && board.day !== main.dataset.day) return location.reload();
    if (board.calls) {
      calls = board.calls;
      const known = calls.findIndex((call) => seen.has(call.key));   // newest first: all before it are new
      const fresh = calls.slice(0, known < 0 ? calls.length : known).reverse();
      fresh.forEach((call) => seen.add(call.key));
      waiting = [...waiting, ...fresh].slice(-MOST_WAITING);
      if (!calls.length) shown = null;
      next();
    }
    for (const row of board.waits || []) {
      const box = main.querySelector(`tr[data-letter="${CSS.escape(row.letter)}"]`);
      if (!box) return location.reload();
      put(box, "people", row.people);
      put(box, "minutes", row.minutes ?? "");
      box.querySelector("[data-minutes-cell]").hidden = !row.minutes;   // nobody waits, or nobody knows
      box.classList.toggle("busy", row.busy);
    }
    if (board.surge !== undefined) {
      surge.hidden = !board.surge;
      put(surge, "text", board.surge);
    }
  }

  /* Two soft tones; a browser that wants a touch first stays silent. */
  let sound = null;
  function chime() {
    try {
      sound = sound || new AudioContext();
      if (sound.state === "suspended") sound.resume().catch(() => {});
      [[880, 0], [660, 0.28]].forEach(([pitch, after]) => {
        const at = sound.currentTime + after, tone = sound.createOscillator(), volume = sound.createGain();
        tone.frequency.value = pitch;
        volume.gain.setValueAtTime(0.0001, at);
        volume.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
        volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.7);
        tone.connect(volume).connect(sound.destination);
        tone.start(at);
        tone.stop(at + 0.75);
      });
    } catch { /* no sound here */ }
  }

  let source = null, heard = performance.now(), isAway = false, opened = 0;

  function open() {
    if (source) source.close();
    opened = performance.now();
    source = new EventSource(main.dataset.events);
    const on = (name, act) => source.addEventListener(name, (event) => {
      heard = performance.now();
      act(event.data ? JSON.parse(event.data) : {});
      lost.hidden = !isAway;
    });
    on("board", (board) => { isAway = false; take(board); });
    on("change", take);
    on("beat", (beat) => { clock.textContent = beat.time; });
    on("away", () => { isAway = true; });
    source.addEventListener("error", () => { lost.hidden = false; });
  }

  setInterval(() => {
    const now = performance.now();
    const isSilent = now - heard > SILENCE;
    if (isSilent) lost.hidden = false;
    // EventSource gives up for good after a refusal, and does not notice a dead line.
    if ((isSilent || source.readyState === EventSource.CLOSED) && now - opened > SILENCE) open();
  }, 1000);
  open();
})();
