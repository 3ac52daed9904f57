// Drag account cards by their grip into another order; the buttons beside it do the same.

const cards = document.getElementById("cards");
const order = document.getElementById("order");
let dragged = null;

const cardAt = (event) => event.target.closest(".account-card");

cards.addEventListener("dragstart", (event) => {
  if (!event.target.closest(".grip")) return;
  dragged = cardAt(event);
  dragged.classList.add("dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.account);
  event.dataTransfer.setDragImage(dragged, 24, 24);
});

cards.addEventListener("dragover", (event) => {
  const card = dragged && cardAt(event);
  if (!card) return;
  event.preventDefault();
  if (card === dragged) return;
  const { top, height } = card.getBoundingClientRect();
  card[event.clientY < top + height / 2 ? "before" : "after"](dragged);
});

cards.addEventListener("drop", (event) => {
  if (!dragged) return;
  event.preventDefault();
  for (const card of cards.querySelectorAll(".account-card")) {
    const place = Object.assign(document.createElement("input"), { type: "hidden", name: "account" });
    place.value = card.dataset.account;
    order.append(place);
  }
  order.submit();
});

cards.addEventListener("dragend", () => {
  dragged?.classList.remove("dragged");
  dragged = null;
});
