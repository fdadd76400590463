// Kept words go into the field beside them with one click, the choice they are for with them.
// Without script the same link opens the page with the words in the field.
for (const link of document.querySelectorAll("[data-words]")) {
  link.addEventListener("click", (event) => {
    const field = document.getElementById(link.dataset.into);
    if (!field) return;
    event.preventDefault();
    const typed = field.value.trimEnd();
    field.value = typed ? `${typed}\n${link.dataset.words}` : link.dataset.words;
    const choice = field.form.querySelector(`[name="outcome"][value="${link.dataset.act}"]`);
    if (choice) choice.checked = true;
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
