// The edge between list and message: drag it, or move it with the arrow keys. It is kept in a
// cookie, in steps, so that the next page comes with it.

const STEP = 40;
const edge = document.getElementById("edge");
const box = edge.parentElement;
const [least, most] = [Number(edge.ariaValueMin), Number(edge.ariaValueMax)];
const width = () => document.getElementById("list").offsetWidth;

function keep(wanted) {
  const pixels = Math.min(most, Math.max(least, Math.round(wanted / STEP) * STEP));
  box.style.removeProperty("--list");
  box.dataset.list = edge.ariaValueNow = String(pixels);
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `muara_list=${pixels}; path=/; max-age=31536000; samesite=lax${secure}`;
}

edge.addEventListener("pointerdown", (event) => {
  edge.setPointerCapture(event.pointerId);
  edge.classList.add("dragged");
  event.preventDefault();
});

edge.addEventListener("pointermove", (event) => {
  if (!edge.classList.contains("dragged")) return;
  const wanted = event.clientX - box.getBoundingClientRect().left;
  box.style.setProperty("--list", `${Math.min(most, Math.max(least, wanted))}px`);
});

["pointerup", "pointercancel"].forEach((name) =>
  edge.addEventListener(name, () => {
    if (edge.classList.contains("dragged")) keep(width());
    edge.classList.remove("dragged");
  }),
);

edge.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
  if (!step) return;
  event.preventDefault();
  keep(width() + step);
});
