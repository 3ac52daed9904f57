// Keep the rail and the account cards as they are now: ask every few seconds, while the page can be
// seen, whether anything changed, and renew them then or once a moment that one names has passed.

import { renewTimes, until } from "./times.js";

const EVERY = 5000;
const WHILE_BUSY = 2000;
const rail = document.getElementById("rail");
const parts = [...document.querySelectorAll("[data-live]")];
const waited = new Set();
let known = rail.dataset.change;
let stale = new Set();

const among = (selector) => parts.flatMap((part) => [...part.querySelectorAll(selector)]);

// Each moment counts once: a worker may be late, and looking again would not hurry it.
function isDue() {
  const keys = among("[data-due]").map((one) => `${one.id} ${one.dataset.due}`);
  const passed = keys.filter((key) => !waited.has(key) && until(key.split(" ")[1]) <= 0);
  passed.forEach((key) => waited.add(key));
  return passed.length > 0;
}

async function hasMoved() {
  const answer = await fetch(`${rail.dataset.changes}?since=${known}`, { cache: "no-store" });
  if (answer.status !== 200 || answer.redirected) return false;
  known = (await answer.json()).change;
  return true;
}

// The same element in a newer page: the so-manieth of its kind within what has a name.
function twin(one, page) {
  const home = one.closest("[id]");
  const place = [...home.querySelectorAll(one.localName)].indexOf(one);
  return page.getElementById(home.id)?.querySelectorAll(one.localName)[place];
}

// What is open stays open, and the focus where it is; a menu or question in use is not taken away.
async function renew(part) {
  if (part.querySelector(":popover-open, dialog[open]")) return;
  const answer = await fetch(part.dataset.live, { cache: "no-store" });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  part.querySelectorAll("details[open]").forEach((one) => twin(one, page)?.setAttribute("open", ""));
  const focused = part.contains(document.activeElement) && twin(document.activeElement, page);
  part.replaceChildren(...(page.getElementById(part.id) ?? page.body).childNodes);
  if (focused) focused.focus({ preventScroll: true });
  stale.delete(part);
  part.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
}

async function look() {
  if (document.hidden) return;
  renewTimes();
  try {
    if ((await hasMoved()) || isDue()) stale = new Set(parts);
    for (const part of stale) await renew(part);
  } catch {
    return; // No connection now; the next look may have one.
  }
  renewTimes();
}

function wait() {
  setTimeout(() => look().finally(wait), among("[data-busy]").length ? WHILE_BUSY : EVERY);
}

renewTimes();
wait();
document.addEventListener("visibilitychange", look);
