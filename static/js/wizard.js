// The port follows the encryption until somebody types another one; a password can be looked at;
// what was typed is kept when the page is left without sending it.

const security = document.querySelector("select[data-ports]");
const port = document.querySelector("input[name=port]");
const ports = JSON.parse(security?.dataset.ports ?? "{}");

security?.addEventListener("change", () => {
  if (port.value === "" || Object.values(ports).includes(Number(port.value))) {
    port.value = ports[security.value];
  }
});

for (const button of document.querySelectorAll("[data-shows]")) {
  const secret = document.getElementById(button.dataset.shows);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = secret.type === "password";
    secret.type = shown ? "text" : "password";
    button.ariaPressed = String(shown);
  });
}

const form = document.querySelector("form[data-keeps]");
let isSent = false;

form?.addEventListener("submit", () => {
  isSent = true;
});
addEventListener("pageshow", () => {
  isSent = false;
});
addEventListener("pagehide", () => {
  if (!form || isSent) return;
  const typed = new FormData(form);
  typed.delete("password");
  typed.set("keep", "");
  navigator.sendBeacon(location.href, typed);
});
