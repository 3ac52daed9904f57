// The port follows the encryption until somebody types another one; a password can be looked at.

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
