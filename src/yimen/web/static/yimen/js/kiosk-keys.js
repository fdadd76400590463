/* Keys on the glass for a field that asks for them: data-keys = digits, id, code or letters. */
"use strict";

(() => {
  const ROWS = {
    digits: ["123", "456", "789", "⌫0✓"],
    id: ["123", "456", "789", "X0⌫"],
    code: ["1234567890", "QWERTYUIOP", "ASDFGHJKL-", "ZXCVBNM⌫"],
    letters: ["qwertyuiop", "asdfghjkl", "zxcvbnm⌫"],
  };
  const WORDS = { zh: { "⌫": "删一个", "✓": "好了" }, en: { "⌫": "Delete", "✓": "Done" } };
  const words = WORDS[document.documentElement.lang.slice(0, 2)] || WORDS.zh;

  const press = (field, key, pad) => {
    if (key === "✓") { pad.hidden = true; field.blur(); return; }
    const at = field.selectionStart ?? field.value.length, until = field.selectionEnd ?? at;
    let value = field.value;
    if (key === "⌫") value = value.slice(0, at === until ? Math.max(0, at - 1) : at) + value.slice(until);
    else if (field.maxLength < 0 || value.length - (until - at) < field.maxLength) value = value.slice(0, at) + key + value.slice(until);
    else return;
    const moved = key === "⌫" ? Math.max(0, at === until ? at - 1 : at) : at + 1;
    field.value = value;
    field.setSelectionRange(moved, moved);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const pads = [];
  document.querySelectorAll("input[data-keys]").forEach((field) => {
    const kind = field.dataset.keys, pad = document.createElement("div");
    pad.className = `kpad ${kind}`;
    pad.dataset.pad = "";
    pad.setAttribute("role", "group");
    pad.setAttribute("aria-label", field.labels[0]?.textContent || "");
    pad.hidden = true;
    ROWS[kind].forEach((row) => {
      const line = document.createElement("p");
      [...row].forEach((key) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = words[key] || key;
        button.addEventListener("pointerdown", (event) => event.preventDefault());   // the field keeps its caret
        button.addEventListener("click", () => press(field, key, pad));
        line.append(button);
      });
      pad.append(line);
    });
    (field.closest(".row") || field).after(pad);
    pads.push(pad);
    field.addEventListener("focus", () => pads.forEach((one) => { one.hidden = one !== pad; }));
  });
})();
