// Ask the browser for notifications, by a press alone; say how it stands with them.

const allow = document.getElementById("allow");
const refused = document.getElementById("refused");

function show() {
  const state = window.Notification?.permission ?? "denied";
  const isWanted = document.querySelector("[name=notify]:checked")?.value !== "nothing";
  allow.hidden = !(isWanted && state === "default");
  refused.hidden = !(isWanted && state === "denied");
}

allow.querySelector("button").addEventListener("click", () => Notification.requestPermission().then(show));
document.addEventListener("change", show);
show();
