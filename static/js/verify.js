// The dialog for a code: open it with what was swapped in, close it once the address is verified,
// and count down until a new code may be sent.

const dialog = document.getElementById("verify");

function countDown(words) {
  const until = performance.now() + Number(words.dataset.wait) * 1000;
  const button = words.previousElementSibling;
  button.disabled = true;
  const timer = setInterval(() => {
    const left = Math.ceil((until - performance.now()) / 1000);
    words.querySelector("[data-left]").textContent = left;
    if (left > 0 && words.isConnected) return;
    clearInterval(timer);
    button.disabled = false;
    words.remove();
  }, 1000);
}

function settle(part) {
  const verified = part.querySelector("[data-verified]");
  if (verified) {
    dialog.close();
    document.getElementById(verified.dataset.verified)?.focus();
    return;
  }
  part.querySelectorAll("[data-wait]").forEach(countDown);
  if (dialog && !dialog.open) dialog.showModal();
  part.querySelector("input.code")?.focus();
}

document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id === "verify-body") settle(event.detail.target);
});
document.querySelectorAll(".verify [data-wait]").forEach(countDown);
