// Drag rows onto a folder of the rail: the selected ones, or the one that is held.
// "Move to" does the same by keyboard and touch.

const body = document.getElementById("list-body");
const rail = document.getElementById("rail");
let held = false;

const target = (event) => event.target.closest?.("[data-to]");
const mark = (link) => {
  rail.querySelectorAll(".drop-here").forEach((one) => one !== link && one.classList.remove("drop-here"));
  link?.classList.add("drop-here");
};

// Only rows that are pressed on become draggable, so that text elsewhere can still be selected.
body.addEventListener("pointerdown", (event) => {
  const row = event.target.closest(".mail");
  if (row && event.pointerType === "mouse") row.draggable = true;
});

body.addEventListener("dragstart", (event) => {
  const row = event.target.closest?.(".mail");
  if (!row) return;
  const box = row.querySelector("[name=ids]");
  if (!box.checked) {
    body.querySelectorAll("[name=ids]:checked").forEach((other) => (other.checked = false));
    box.click();
  }
  held = true;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", "");
  event.dataTransfer.setDragImage(row, 24, 24);
  body.querySelectorAll(".mail:has([name=ids]:checked)").forEach((one) => one.classList.add("dragged"));
});

rail.addEventListener("dragover", (event) => {
  if (!held) return;
  mark(target(event));
  if (target(event)) event.preventDefault();
});

rail.addEventListener("dragleave", (event) => {
  if (!rail.contains(event.relatedTarget)) mark(null);
});

rail.addEventListener("drop", (event) => {
  const link = held && target(event);
  if (!link) return;
  event.preventDefault();
  const form = document.getElementById("list-form");
  const button = Object.assign(document.createElement("button"), { name: "to", hidden: true });
  button.value = link.dataset.to;
  form.append(button);
  form.requestSubmit(button);
});

body.addEventListener("dragend", () => {
  held = false;
  mark(null);
  body.querySelectorAll(".dragged").forEach((row) => row.classList.remove("dragged"));
});
