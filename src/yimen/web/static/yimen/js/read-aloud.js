// Reads the marked parts of the page aloud, where the browser can; the buttons stay hidden where it cannot.
(() => {
  const speech = window.speechSynthesis;
  const start = document.querySelector("[data-read-aloud]"), stop = document.querySelector("[data-read-stop]");
  if (!start || !stop || !speech || typeof window.SpeechSynthesisUtterance !== "function") return;
  const language = document.documentElement.lang || "zh-Hans";
  const spoken = language.startsWith("zh") ? (language === "zh-Hant" ? "zh-TW" : "zh-CN") : language;
  const voice = () => {
    const voices = speech.getVoices();
    return voices.find((one) => one.lang.replace("_", "-") === spoken)
      || voices.find((one) => one.lang.slice(0, 2) === spoken.slice(0, 2));
  };
  const parts = () => [...document.querySelectorAll("[data-read]")].flatMap((box) => {
    const rows = box.querySelectorAll("dl > div");
    const texts = rows.length ? [...rows].map((row) => [...row.children].map((one) => one.textContent.trim()).join("，")) : [box.textContent.trim()];
    return texts.filter(Boolean);
  });
  const reading = (isOn) => { start.hidden = isOn; stop.hidden = !isOn; };

  const offer = () => { if (stop.hidden) start.hidden = !voice(); };
  offer();
  speech.addEventListener?.("voiceschanged", offer);   // some browsers load their voices late

  start.addEventListener("click", () => {
    speech.cancel();
    const texts = parts();
    texts.forEach((text, n) => {
      const said = new SpeechSynthesisUtterance(text);
      said.lang = spoken;
      said.voice = voice() || null;
      said.rate = 0.9;
      if (n === texts.length - 1) said.addEventListener("end", () => reading(false));
      said.addEventListener("error", () => reading(false));
      speech.speak(said);
    });
    reading(true);
    stop.focus();
  });
  stop.addEventListener("click", () => { speech.cancel(); reading(false); start.focus(); });
  addEventListener("pagehide", () => speech.cancel());
})();
