// Ask every five seconds, while the page can be seen, whether anything changed; then renew the list.
// After "Check now" ask every second for a while, so that what it brings is seen at once.

import { renewTimes } from "./times.js";

const EVERY = 5000;
const SOON = 1000;
const HURRY = 20000;
const rail = document.getElementById("rail");
const list = document.getElementById("list");
const fresh = document.getElementById("fresh");
let known = null;
let hurried = -HURRY;
let timer = 0;
const state = () => document.getElementById("list-state").dataset;

function title(unread) {
  const words = document.title.replace(/^\(\d+\) /, "");
  document.title = unread > 0 ? `(${unread}) ${words}` : words;
}

function renew() {
  known = null;
  fresh.hidden = true;
  return window.htmx.ajax("GET", state().url, { target: "#list-body", source: "#list-body" });
}

// New rows above what is being read would push it down: then only say that there are some.
const isScrolled = () => (list.scrollTop || scrollY) > 80;

async function look() {
  // A menu in use is not taken away.
  if (document.hidden || !window.htmx || rail.querySelector(":popover-open")) return;
  renewTimes();
  let answer;
  try {
    answer = await fetch(`${rail.dataset.changes}?since=${known ?? state().change}`, { cache: "no-store" });
  } catch {
    return; // No connection now; the next look may have one.
  }
  if (answer.redirected) return location.reload(); // Signed out meanwhile.
  if (answer.status !== 200) return;
  const { change, unread } = await answer.json();
  title(unread);
  if (unread > Number(state().unread) && isScrolled()) {
    known = change;
    fresh.hidden = false;
  } else await renew();
}

title(Number(state().unread));
fresh.addEventListener("click", () => {
  list.scrollTop = 0;
  scrollTo(0, 0);
  renew();
});
function wait() {
  clearTimeout(timer);
  const pause = performance.now() - hurried < HURRY ? SOON : EVERY;
  timer = setTimeout(() => look().finally(wait), pause);
}

wait();
document.addEventListener("visibilitychange", look);
document.body.addEventListener("htmx:afterSettle", () => {
  title(Number(state().unread));
  renewTimes();
});
list.addEventListener("submit", (event) => {
  if (!event.target.matches(".check-now")) return;
  hurried = performance.now();
  wait();
});
