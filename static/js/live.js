// Ask every five seconds, while the page can be seen, whether anything changed; then renew the list.
// After "Check now" ask every second for a while, so that what it brings is seen at once. A page that
// cannot be seen asks seldom, for its title and for notifications alone.

import { tell } from "./notify.js";
import { renewTimes } from "./times.js";

const EVERY = 5000;
const SOON = 1000;
const HURRY = 20000;
const HIDDEN = 30000;
const rail = document.getElementById("rail");
const list = document.getElementById("list");
const fresh = document.getElementById("fresh");
let known = null;
// What is unread since something changed that the list does not show yet, else null.
let stale = null;
let hurried = -HURRY;
let timer = 0;
const state = () => document.getElementById("list-state").dataset;

function title(unread) {
  const words = document.title.replace(/^\(\d+\) /, "");
  document.title = unread > 0 ? `(${unread}) ${words}` : words;
}

function renew() {
  known = null;
  stale = null;
  fresh.hidden = true;
  return window.htmx.ajax("GET", state().url, { target: "#list-body", source: "#list-body" });
}

// New rows above what is being read would push it down: then only say that there are some.
const isScrolled = () => (list.scrollTop || scrollY) > 80;

// A menu or question in use, or a row that is being dragged, is not taken away.
const isBusy = () => document.querySelector("#rail :popover-open, #list dialog[open], .mail.dragged");

function offer(arrived) {
  fresh.textContent = arrived === 1 ? fresh.dataset.one : fresh.dataset.many.replace("#", arrived);
  fresh.hidden = false;
}

async function look() {
  if (!window.htmx || isBusy()) return;
  if (!document.hidden) renewTimes();
  let answer;
  try {
    answer = await fetch(`${rail.dataset.changes}?since=${known ?? state().change}`, { cache: "no-store" });
  } catch {
    return; // No connection now; the next look may have one.
  }
  if (answer.redirected) return location.reload(); // Signed out meanwhile.
  if (answer.status === 200) {
    const { change, unread, told } = await answer.json();
    title(unread);
    tell(told);
    known = change;
    stale = unread;
  }
  if (stale === null || document.hidden) return;
  const arrived = stale - Number(state().unread);
  if (arrived > 0 && isScrolled()) offer(arrived);
  else await renew();
}

title(Number(state().unread));
fresh.addEventListener("click", () => {
  list.scrollTop = 0;
  scrollTo(0, 0);
  renew();
});
function wait() {
  clearTimeout(timer);
  const calm = document.hidden ? HIDDEN : EVERY;
  const pause = performance.now() - hurried < HURRY ? SOON : calm;
  timer = setTimeout(() => look().finally(wait), pause);
}

wait();
document.addEventListener("visibilitychange", look);
document.body.addEventListener("htmx:afterSettle", () => {
  title(Number(state().unread));
  renewTimes();
});
// Signed out meanwhile: the page of signing in is no part of this one.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (!new URL(event.detail.xhr.responseURL).pathname.startsWith("/auth/")) return;
  event.detail.shouldSwap = false;
  location.reload();
});
list.addEventListener("submit", (event) => {
  if (!event.target.matches(".check-now")) return;
  hurried = performance.now();
  wait();
});
