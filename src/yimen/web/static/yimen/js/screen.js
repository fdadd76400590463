/*
 * A screen: keeps the server-rendered page up to date from its events, says the calls one after the other, and lets
 * notices take turns.
 *
 * One queue: a call stands on the screen while it is said, at least HOLD; the next comes when both are over. A window
 * that has called somebody else meanwhile is said once, with the newest number. What was said is not said again after
 * a reload or a lost line; what was missed meanwhile is said when it is not older than LATE.
 */
"use strict";

(() => {
  const HOLD = 8000;          // a call stands at least so long before the next takes its place
  const HURRY = 3000;         // with more than MANY waiting: each once, and so long at least
  const MANY = 3;
  const LATE = 90;            // seconds
  const SILENCE = 4500;       // beats come every 2 s
  const LONGEST = 20000;      // a voice that does not end is cut off
  const DIGITS = "零一二三四五六七八九";
  const main = document.querySelector("[data-events]");
  const set = main.dataset;
  const calling = main.querySelector("[data-calling]");
  const recent = [...main.querySelectorAll("[data-recent] > li")];
  const over = main.querySelector("[data-over]");
  const card = main.querySelector("[data-card]");
  const lost = document.querySelector("[data-lost]");
  const clock = document.querySelector("[data-clock]");
  const surge = main.querySelector("[data-surge]");
  const speaks = "speaks" in set;
  let volume = Number(set.volume ?? 100);

  /* -- what was announced; a reload of the page begins where it left off -- */
  const KEY = `yimen-said:${set.events}`;
  const kept = (() => { try { return JSON.parse(sessionStorage.getItem(KEY)) || {}; } catch { return {}; } })();
  const seen = new Set(kept.day === set.day ? kept.seen : []);
  let waiting = kept.day === set.day ? kept.waiting : [];
  const isFirst = kept.day !== set.day;

  function keep() {
    const all = [...seen].slice(-200);
    try { sessionStorage.setItem(KEY, JSON.stringify({ day: set.day, seen: all, waiting })); } catch { /* full */ }
  }

  function text(box, name) { return box.querySelector(`[data-${name}]`)?.textContent || ""; }

  function put(box, name, value) {
    const place = box.querySelector(`[data-${name}]`);
    if (place && place.textContent !== String(value)) place.textContent = value;
  }

  let calls = calling ? [calling, ...recent].filter((box) => box.dataset.key).map((box) => ({
    key: box.dataset.key, label: text(box, "label"), window: text(box, "window"), hall: text(box, "hall"),
  })) : [];
  const when = (call) => Number(call.key.split("-")[1]);
  // Where the page begins: what was called before is not said, also what no longer found a place on it.
  const begun = isFirst ? Math.max(0, ...calls.map(when)) : 0;
  if (isFirst) calls.forEach((call) => seen.add(call.key));
  let shown = calls[0] || null;
  let isBusy = false;

  function draw() {
    if (!calling) return;
    calling.toggleAttribute("data-idle", !shown);
    if (shown) {
      put(calling, "label", shown.label);
      put(calling, "window", shown.window);
      put(calling, "hall", shown.hall || "");
    }
    const rest = calls.filter((call) => !shown || call.key !== shown.key);
    recent.forEach((box, place) => {
      box.hidden = place >= rest.length;
      if (place < rest.length) {
        put(box, "label", rest[place].label);
        put(box, "window", rest[place].window);
        put(box, "hall", rest[place].hall || "");
      }
    });
  }

  const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

  /* Say and show one call after the other. */
  async function work() {
    if (isBusy) return;
    isBusy = true;
    while (waiting.length) {
      const isHurried = waiting.length > MANY;
      const call = waiting.shift();
      keep();
      shown = call;
      draw();
      if (calling) {
        calling.classList.remove("fresh");
        void calling.offsetWidth;          // so that the slide runs again
        calling.classList.add("fresh");
      }
      await Promise.all([announce(call, isHurried), pause(isHurried ? HURRY : HOLD)]);
    }
    isBusy = false;
    if (wantsReload) location.reload();
  }

  function hear(list, now) {
    calls = list;
    const fresh = list.filter((call) => !seen.has(call.key)).reverse();
    for (const call of fresh) {
      seen.add(call.key);
      if (when(call) <= begun || (now && now - when(call) > LATE)) continue;
      const place = waiting.findIndex((one) => one.window === call.window && (one.hall || "") === (call.hall || ""));
      if (place < 0) waiting.push(call); else waiting[place] = call;
    }
    keep();
    if (!list.length) shown = null;
    else if (!isBusy && !waiting.length && !list.some((call) => shown && call.key === shown.key)) shown = list[0];
    draw();
    work();
  }

  /* -- voice -- */
  const voice = window.speechSynthesis;
  const spoken = (label, language) => {
    const digits = language.startsWith("zh") || language.startsWith("yue")
      ? (one) => DIGITS[one] : (one) => ` ${one}`;
    return label.replace(/\d/g, digits).replace(/([A-Z])(?=[A-Z])/g, "$1 ");
  };

  function canSay(language) {
    if (!voice || !window.SpeechSynthesisUtterance) return false;
    const voices = voice.getVoices();
    const wanted = language.toLowerCase().replace("_", "-");
    // Some browsers list their voices late or never, and speak all the same.
    return !voices.length || voices.some((one) => {
      const has = one.lang.toLowerCase().replace("_", "-");
      return has === wanted || has.split("-")[0] === wanted.split("-")[0];
    });
  }

  function say(sentence, language) {
    return new Promise((done) => {
      const one = new SpeechSynthesisUtterance(sentence);
      one.lang = language;
      one.volume = volume / 100;
      one.rate = 0.9;
      const end = (isSaid) => { clearTimeout(timer); done(isSaid); };
      const timer = setTimeout(() => { voice.cancel(); end(false); }, LONGEST);
      one.onend = () => end(true);
      one.onerror = () => end(false);
      try { voice.speak(one); } catch { end(false); }
    });
  }

  async function announce(call, isOnce) {
    if (!speaks || volume === 0) return;
    await chime();
    const sentences = [[set.speech, set.language], [set.secondSpeech, set.secondLanguage]]
      .filter(([sentence, language]) => sentence && canSay(language));
    const times = isOnce ? 1 : Number(set.repeats);
    let isSaid = sentences.length > 0;
    for (let n = 0; n < times; n += 1) {
      if (!isSaid) { if (n) await chime(); continue; }      // no voice here: the chime calls as often
      for (const [sentence, language] of sentences) {
        const words = sentence.replaceAll("{label}", spoken(call.label, language)).replaceAll("{window}", call.window);
        isSaid = await say(words, language) && isSaid;
      }
    }
  }

  /* Two soft tones; a browser that wants a touch first stays silent. */
  let sound = null;
  async function chime() {
    try {
      sound = sound || new AudioContext();
      if (sound.state === "suspended") sound.resume().catch(() => {});
      [[880, 0], [660, 0.28]].forEach(([pitch, after]) => {
        const at = sound.currentTime + after, tone = sound.createOscillator(), level = sound.createGain();
        tone.frequency.value = pitch;
        level.gain.setValueAtTime(0.0001, at);
        level.gain.exponentialRampToValueAtTime(Math.max(0.0002, 0.25 * volume / 100), at + 0.02);
        level.gain.exponentialRampToValueAtTime(0.0001, at + 0.7);
        tone.connect(level).connect(sound.destination);
        tone.start(at);
        tone.stop(at + 0.75);
      });
    } catch { return; /* no sound here */ }
    await pause(1000);
  }

  /* -- what takes turns -- */
  const turns = document.querySelector("[data-turns]");
  const FRESH = 60000;        // what takes turns is asked for again after a round, not more often than this
  let turnTimer = 0, renewedAt = performance.now(), wantsTurns = false;

  function turn(step = 1) {
    clearTimeout(turnTimer);
    const all = [...turns.querySelectorAll("[data-turn]")];
    if (!all.length) { turnTimer = setTimeout(renew, FRESH); return; }
    const now = Math.max(0, all.findIndex((one) => !one.hidden));
    const next = (now + step) % all.length;
    if (step && next <= now && performance.now() - renewedAt > FRESH) { renew(); return; }
    all.forEach((one, place) => { one.hidden = place !== next; });
    turnTimer = setTimeout(turn, Number(all[next].dataset.seconds) * 1000);
  }

  async function renew() {
    wantsTurns = false;
    renewedAt = performance.now();
    try {
      const answer = await fetch(turns.dataset.turns);
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-turns]");
        if (fresh) turns.replaceChildren(...fresh.children);
      }
    } catch { turns.querySelectorAll("[data-turn]").forEach((one, place) => { one.hidden = place > 0; }); }
    turn(0);
  }

  /* -- the board -- */
  let wantsReload = false, reloadTimer = 0;

  function reload() {
    wantsReload = true;
    if (!isBusy) location.reload();
  }

  function take(board) {
    if (board.day && board.day !== set.day) { reload(); return; }
    if (board.setup !== undefined) {
      clearTimeout(reloadTimer);
      // The page may be newer than what the first look said.
      if (board.setup !== set.setup) reloadTimer = setTimeout(reload, 700);
    }
    if (board.volume !== undefined) volume = board.volume;
    if (board.notices !== undefined && board.notices !== set.notices) {
      set.notices = board.notices;
      if (turns && !wantsTurns) { wantsTurns = true; clearTimeout(turnTimer); renew(); }
    }
    if (board.window && over) drawWindow(board.window);
    if (board.calls && (calling || over)) hear(board.calls, board.now);
    for (const row of board.waits || []) {
      const box = main.querySelector(`tr[data-letter="${CSS.escape(row.letter)}"]`);
      if (!box) continue;                                   // a new row is a new setup
      put(box, "people", row.people);
      put(box, "minutes", row.minutes);
      box.querySelector("[data-minutes-cell]").hidden = !row.minutes;   // nobody waits, or nobody knows
      box.classList.toggle("busy", row.busy);
    }
    for (const row of board.windows || []) {
      const box = main.querySelector(`li[data-number="${row.number}"]`);
      if (!box) continue;
      box.dataset.state = row.state;
      put(box, "label", row.label);
    }
    if (board.surge !== undefined && surge) {
      surge.hidden = !board.surge;
      put(surge, "text", board.surge);
    }
  }

  function drawWindow(now) {
    over.dataset.state = now.state;
    over.toggleAttribute("data-called", Boolean(now.label));
    over.toggleAttribute("data-serving", now.serving);
    put(over, "label", now.label);
    put(over, "away", now.away);
    card.hidden = !now.card;
    if (now.card) {
      for (const box of card.querySelectorAll("[data-field]")) box.textContent = now.card[box.dataset.field];
    }
  }

  /* -- the line -- */
  let source = null, heard = performance.now(), isAway = false, opened = 0;

  function open() {
    if (source) source.close();
    opened = performance.now();
    source = new EventSource(set.events);
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

  if (turns) turn(0);
  keep();
  work();
  open();
})();
