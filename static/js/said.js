// Say to screen readers how far fetching is, and only when that has moved by a tenth of the way.

const said = document.getElementById("said");

function say() {
  const words = [...document.querySelectorAll("[data-said]")].map((part) => part.dataset.said).join(". ");
  if (said && words && words !== said.textContent) said.textContent = words;
}

["htmx:afterSettle", "renewed"].forEach((name) => document.body.addEventListener(name, say));
