// The list: select, act at once on what is selected, and keep selection and focus when rows are
// renewed. Every button works without this; then a page follows where here rows go or a dialog opens.

const body = document.getElementById("list-body");
const boxes = () => [...body.querySelectorAll("[name=ids]")];
const form = () => document.getElementById("list-form");
// These take messages away from a list, wherever they go.
const TAKING = new Set(["archive", "trash", "junk", "inbox", "erase"]);
let last = null;
let kept = new Set();
let focused = "";

function showSelectAll() {
  const all = document.getElementById("pick-all");
  if (all) all.closest("label").hidden = false;
}

function mirror() {
  const all = document.getElementById("pick-all");
  if (!all) return;
  const picked = boxes().filter((box) => box.checked).length;
  all.checked = picked > 0 && picked === boxes().length;
  all.indeterminate = picked > 0 && !all.checked;
  const whole = form().elements.all;
  if (whole && !all.checked) whole.checked = false;
}

// The buttons show themselves only once the selection is back; what is gone gives way to the list.
function keepFocus() {
  if (!focused || document.activeElement?.id === focused) return;
  document.getElementById(focused)?.focus();
  if (document.activeElement?.id !== focused) document.getElementById("list").focus();
}

function pickRange(box) {
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
  if (from >= 0) all.slice(from, to + 1).forEach((other) => (other.checked = box.checked));
}

body.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.opens).showModal();
  } else if (event.target.closest("[data-closes]")) {
    event.target.closest("dialog").close();
  } else if (event.target.id === "pick-all") {
    boxes().forEach((box) => (box.checked = event.target.checked));
    mirror();
  } else if (event.target.name === "ids") {
    if (event.shiftKey && last) pickRange(event.target);
    last = event.target;
    mirror();
  }
});

// Which rows the pressed button is about, and whether they leave this list.
function taken(button) {
  if (!button || button.form !== form()) return [];
  const isRows = button.closest(".mail") && TAKING.has(button.name);
  if (isRows) return [button.closest(".mail")];
  if (button.name !== "to" && !(button.name === "do" && TAKING.has(button.value))) return [];
  return boxes().filter((box) => box.checked).map((box) => box.closest(".mail"));
}

// A row's own buttons stand in one row at a time: under the pointer, or where the focus is.
function lendActions(event) {
  const row = event.target.closest?.(".mail");
  if (!row || row.querySelector(".row-actions")) return;
  const held = body.querySelector(".row-actions");
  if (held?.contains(document.activeElement) && event.type === "pointerover") return;
  const actions = held ?? document.createElement("div");
  if (!held) {
    actions.className = "row-actions";
    actions.append(document.getElementById("row-actions").content.cloneNode(true));
  }
  const id = row.querySelector("[name=ids]").value;
  const isUnread = row.classList.contains("unread");
  for (const button of actions.children) {
    button.value = id;
    button.id = `${button.name}-${id}`;
    if (button.name.endsWith("seen")) button.hidden = button.name.startsWith("un") === isUnread;
  }
  row.append(actions);
}

["pointerover", "focusin"].forEach((name) => body.addEventListener(name, lendActions));

let leaving = [];

body.addEventListener("htmx:beforeRequest", (event) => {
  document.getElementById("failed").hidden = true;
  if (event.target !== form()) return;
  const mixed = document.querySelector(".list-tools").dataset.role === "starred";
  leaving = mixed ? [] : taken(event.detail.requestConfig.triggeringEvent?.submitter);
  body.querySelector("dialog[open]")?.close();
  leaving.forEach((row) => (row.hidden = true));
});

["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach((name) =>
  body.addEventListener(name, () => {
    leaving.forEach((row) => (row.hidden = false));
    document.getElementById("failed").hidden = false;
  }),
);

body.addEventListener("htmx:beforeSwap", () => {
  const left = new Set(leaving);
  const stays = (box) => box.checked && !left.has(box.closest(".mail"));
  kept = new Set(boxes().filter(stays).map((box) => box.value));
  focused = body.contains(document.activeElement) ? document.activeElement.id : "";
  leaving = [];
});

body.addEventListener("htmx:afterSwap", () => {
  last = null;
  boxes().forEach((box) => (box.checked = kept.has(box.value)));
  showSelectAll();
  mirror();
  keepFocus();
});

showSelectAll();
mirror();

// What leads to a page of its own is sent as it would be without scripts.
body.addEventListener("click", (event) => {
  const button = event.target.closest("[data-page]");
  if (!button) return;
  event.preventDefault();
  button.form.action = button.formAction;
  button.form.submit();
});
