// An open menu closes when one clicks elsewhere, moves on with Tab, or presses Escape (the focus then returns to it).
const open = () => document.querySelectorAll("details.menu[open]");
const close = (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
};
document.addEventListener("click", close);
document.addEventListener("focusin", close);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
