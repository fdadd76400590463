// Hands the page's address on: the device's own way where there is one, else it is copied.
for (const button of document.querySelectorAll("[data-share]")) {
  const copies = navigator.clipboard && typeof navigator.clipboard.writeText === "function";
  if (!navigator.share && !copies) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const url = location.origin + location.pathname;
    try {
      if (navigator.share) {
        await navigator.share({ title: document.title, url });
      } else {
        await navigator.clipboard.writeText(url);
        document.querySelector("[data-share-done]").textContent = button.dataset.done;
      }
    } catch { /* closed without choosing */ }
  });
}
