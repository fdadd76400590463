/* Taking a number from near by: asks the phone where it is, once, after a tap. Without it the door's code does. */
"use strict";

(() => {
  const form = document.querySelector("[data-join]"), box = document.querySelector("[data-place]");
  if (!form || !box || !navigator.geolocation) return;
  const said = box.querySelector("[data-said]"), ask = box.querySelector("button");
  box.hidden = false;
  ask.addEventListener("click", () => {
    if (!form.querySelector("[name=series]:checked")) { form.reportValidity(); return; }
    said.textContent = box.dataset.asking;
    ask.disabled = true;
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      // Four decimals are some ten metres: enough to know whether somebody is near.
      form.elements.latitude.value = coords.latitude.toFixed(4);
      form.elements.longitude.value = coords.longitude.toFixed(4);
      form.elements.doubt.value = String(Math.round(coords.accuracy));
      if (form.elements.code) form.elements.code.required = false;
      form.requestSubmit();
    }, () => { said.textContent = box.dataset.failed; ask.disabled = false; }, { enableHighAccuracy: true, timeout: 10000, maximumAge: 60000 });
  });
})();
