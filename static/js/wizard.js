// The port follows the encryption until somebody types another one.

const STANDARD = { tls: "995", starttls: "110", plain: "110" };
const security = document.querySelector("select[name=security]");
const port = document.querySelector("input[name=port]");

security?.addEventListener("change", () => {
  if (port.value === "" || Object.values(STANDARD).includes(port.value)) {
    port.value = STANDARD[security.value];
  }
});
