// The list: select all, select a range with Shift, keep selection and focus when rows are renewed.

const body = document.getElementById("list-body");
const boxes = () => [...body.querySelectorAll("[name=ids]")];
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
  if (event.target.id === "pick-all") {
    boxes().forEach((box) => (box.checked = event.target.checked));
  } else if (event.target.name === "ids") {
    if (event.shiftKey && last) pickRange(event.target);
    last = event.target;
  } else return;
  mirror();
});

body.addEventListener("htmx:beforeSwap", () => {
  kept = new Set(boxes().filter((box) => box.checked).map((box) => box.value));
  focused = body.contains(document.activeElement) ? document.activeElement.id : "";
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
