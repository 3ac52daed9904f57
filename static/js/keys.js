// The keys. What each does comes from one table (mailstore/keys.py) and stands on the page itself:
// a key presses the button or link that is marked with its name, data-key="archive". Where several
// are, it is that of the row in focus, of the list while messages are selected, of the open message.

const table = JSON.parse(document.getElementById("keys").textContent);
const names = new Map(Object.entries(table).flatMap(([name, combos]) => combos.map((combo) => [combo, name])));
const firsts = new Set([...names.keys()].filter((combo) => combo.includes(" ")).map((combo) => combo.split(" ")[0]));
const PATIENCE = 1500;
let first = "";
let timer = 0;
// What was pressed while a message is on its way to the reader is about that message.
let waiting = [];

const rows = () => [...document.querySelectorAll(".rows > .mail")];
const box = (row) => row?.querySelector("[name=ids]");
const inFocus = () => document.activeElement.closest(".mail");
const current = () => inFocus() ?? document.querySelector(".mail:has([aria-current])");
const isSelecting = () => rows().some((row) => box(row)?.checked);
const reader = () => document.querySelector("#reader:has(.message)");
const isOpening = () => document.querySelector("#reader[aria-busy]");

function marked(name) {
  const all = [...document.querySelectorAll(`[data-key~="${name}"]`)].filter((one) => !one.disabled);
  const isOfList = (one) => one.form?.id === "list-form" && !one.closest(".mail");
  const places = [
    (one) => inFocus()?.contains(one),
    (one) => isSelecting() && isOfList(one),
    (one) => reader()?.contains(one),
    (one) => current() && isOfList(one),
    (one) => !one.form || one.form.id !== "list-form",
  ];
  for (const place of places) {
    const found = all.filter(place);
    if (found.length) return found.at(-1);
  }
}

// A tool of the list works on what is selected; where nothing is, on the row in focus.
function click(one) {
  const lent = one.form?.id === "list-form" && !one.closest(".mail") && !isSelecting() && box(current());
  if (lent) lent.checked = true;
  if (one.matches("input:not([type=checkbox]), select, textarea")) one.select?.() ?? one.focus();
  else one.click();
  if (lent) lent.checked = false;
}

function go(step) {
  const all = rows();
  const at = all.indexOf(current());
  const row = at < 0 ? all[0] : all[at + step];
  if (!row) return;
  const link = row.querySelector("a");
  if (reader() && !inFocus()) link.click();
  else link.focus();
  return row;
}

function pick(step) {
  const here = current();
  for (const row of [here, go(step)]) if (row && !box(row).checked) box(row).click();
}

function pickAll(wanted) {
  for (const row of rows()) if (box(row).checked !== wanted(row)) box(row).click();
}

function back() {
  const link = marked("back");
  if (!link?.checkVisibility()) return current()?.querySelector("a").focus();
  location.assign(`${link.getAttribute("href")}#open-${reader().querySelector(".message").dataset.id}`);
}

// Where the answer leads is written in the form: the neighbour of the message instead of the list.
function archive(step) {
  const button = marked("archive");
  const all = rows();
  const beside = all[all.indexOf(current()) + step]?.querySelector("a");
  const next = button?.form?.elements.next;
  if (next && beside) next.value = beside.getAttribute("href");
  button?.click();
}

const own = {
  next: () => go(1),
  previous: () => go(-1),
  open: () => current()?.querySelector("a").click(),
  select: () => box(current())?.click(),
  "select-next": () => pick(1),
  "select-previous": () => pick(-1),
  "select-all": () => pickAll(() => true),
  "select-none": () => pickAll(() => false),
  "select-unread": () => pickAll((row) => row.classList.contains("unread")),
  back,
  "archive-previous": () => archive(-1),
  "archive-next": () => archive(1),
  sheet: () => overlay("showSheet"),
  palette: () => overlay("showPalette"),
};

// What can be pressed is told before a dialog takes the focus, which goes back when it closes.
async function overlay(show) {
  const usable = new Set(Object.keys(table).filter(canPress));
  const overlays = await import("./palette.js");
  await overlays[show](usable, press);
}

function canPress(name) {
  const needs = { back: "back", "archive-previous": "archive", "archive-next": "archive" }[name];
  if (needs || !own[name]) return Boolean(marked(needs ?? name));
  return name === "sheet" || rows().length > 0;
}

function press(name) {
  if (own[name]) own[name]();
  else if (marked(name)) click(marked(name));
}

const isField = (one) =>
  one.isContentEditable || one.matches("select, textarea, input:not([type=checkbox], [type=radio], [type=button])");

function combo(event) {
  const letter = event.key.length === 1 && event.key.toLowerCase() !== event.key.toUpperCase();
  const key = letter ? event.key[event.shiftKey ? "toUpperCase" : "toLowerCase"]() : event.key;
  return event.ctrlKey || event.metaKey ? `Mod+${key}` : key;
}

// Enter opens a row, but presses what else has the focus; Shift and Tab do not end a sequence.
function isOthers(event, pressed) {
  if (event.defaultPrevented || event.isComposing || event.altKey) return true;
  if (document.querySelector("dialog[open], :popover-open")) return true;
  if (isField(event.target) && !pressed.startsWith("Mod+")) return true;
  return pressed === "Enter" && event.target !== document.body;
}

document.addEventListener("keydown", (event) => {
  const pressed = combo(event);
  if (["Shift", "Control", "Alt", "Meta"].includes(event.key) || isOthers(event, pressed)) return;
  const name = names.get(first ? `${first} ${pressed}` : pressed);
  clearTimeout(timer);
  first = !first && firsts.has(pressed) ? pressed : "";
  timer = setTimeout(() => (first = ""), PATIENCE);
  if (!name || !(isOpening() || canPress(name))) return;
  event.preventDefault();
  waiting.push(name);
  catchUp();
});

function catchUp() {
  while (waiting.length && !isOpening()) {
    const name = waiting.shift();
    if (canPress(name)) press(name);
  }
}

document.addEventListener("opened", (event) => {
  if (!event.detail) waiting = [];
  catchUp();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-key=sheet]")) return;
  event.preventDefault();
  overlay("showSheet");
});

// Each button says by which key it can be pressed, to eyes and to screen readers.
function hint() {
  for (const one of document.querySelectorAll("[data-key]:not([aria-keyshortcuts])")) {
    const [keys] = one.dataset.key.split(" ").flatMap((name) => table[name] ?? []);
    if (!keys) continue;
    one.setAttribute("aria-keyshortcuts", keys.replace("Mod", "Control"));
    if (one.title) one.title += ` (${/^[A-Z]$/.test(keys) ? `Shift ${keys}` : keys})`;
  }
}

hint();
["htmx:afterSettle", "renewed"].forEach((name) => document.addEventListener(name, hint));
if (location.hash.startsWith("#open-")) document.getElementById(location.hash.slice(1))?.focus();
