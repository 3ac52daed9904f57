// Buttons that copy a text of the page: data-copies names the element, data-done says that it is done.

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copies).textContent;
  await navigator.clipboard.writeText(text);
  button.querySelector("span").textContent = button.dataset.done;
});
