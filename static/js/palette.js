// The dialogs that keys open: the sheet of all keys, and the palette of commands and places.

let ready = null;
let usable = new Set();
let press = null;

async function load() {
  const answer = await fetch(document.body.dataset.palette, { cache: "no-store" });
  if (!answer.ok || answer.redirected) return location.reload(); // Signed out meanwhile.
  document.body.insertAdjacentHTML("beforeend", await answer.text());
  wire();
}

const part = (id) => document.getElementById(id);
const lines = () => [...part("palette-list").children];
const shown = () => lines().filter((line) => !line.hidden);
const plain = (words) => words.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function choose(line) {
  for (const one of lines()) one.setAttribute("aria-selected", String(one === line));
  const field = part("palette-words");
  if (line) field.setAttribute("aria-activedescendant", line.id);
  else field.removeAttribute("aria-activedescendant");
  line?.scrollIntoView({ block: "nearest" });
}

// Every word that was typed must be found; a line that begins with them comes first.
function filter() {
  const words = plain(part("palette-words").value).split(/\s+/).filter(Boolean);
  for (const line of lines()) {
    const said = plain(line.firstElementChild.textContent);
    const isHere = !line.dataset.press || usable.has(line.dataset.press);
    line.hidden = !isHere || !words.every((word) => said.includes(word));
  }
  const best = shown().find((line) => words.length && plain(line.textContent.trim()).startsWith(words[0]));
  part("palette-none").hidden = shown().length > 0;
  choose(best ?? shown()[0]);
}

function run(line) {
  if (!line) return;
  part("palette").close();
  if (line.dataset.url) location.assign(line.dataset.url);
  else press(line.dataset.press);
}

function steer(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const chosen = part("palette-list").querySelector("[aria-selected=true]");
  if (event.key === "Enter") run(chosen);
  if (!step && event.key !== "Enter") return;
  event.preventDefault();
  if (!step) return;
  const all = shown();
  choose(all.at((all.indexOf(chosen) + step + all.length) % all.length));
}

function wire() {
  part("palette-words").addEventListener("input", filter);
  part("palette-words").addEventListener("keydown", steer);
  part("palette-list").addEventListener("click", (event) => run(event.target.closest("[role=option]")));
  for (const dialog of [part("palette"), part("key-sheet")]) {
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }
}

async function open(id) {
  ready ??= load();
  await ready;
  document.querySelectorAll(":popover-open").forEach((one) => one.hidePopover());
  const dialog = part(id);
  if (dialog && !dialog.open) dialog.showModal();
  return dialog;
}

export async function showSheet() {
  await open("key-sheet");
}

export async function showPalette(names, presser) {
  [usable, press] = [names, presser];
  if (!(await open("palette"))) return;
  part("palette-words").value = "";
  filter();
}
