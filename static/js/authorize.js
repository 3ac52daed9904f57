// The provider's page opens in a window of its own; where the browser forbids that, it opens here.
// Nothing is heard from that window: this page asks the server how far things are.

let left = false;

function show() {
  if (!left) return;
  for (const part of document.querySelectorAll("[data-waiting], [data-here]")) part.hidden = false;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-window]");
  if (!link) return;
  const opened = window.open(`${link.href}?window`, "authorize", "popup,width=540,height=720");
  if (!opened) return;
  event.preventDefault();
  left = true;
  show();
});
document.body.addEventListener("htmx:afterSettle", show);
