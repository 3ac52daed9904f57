// The reader: open a message beside its list, and make the frame as high as the mail in it.

const wide = matchMedia("(width >= 1180px)");
const isBeside = () => wide.matches && document.documentElement.dataset.reading_pane !== "off";
const list = document.getElementById("list");
const reader = document.getElementById("reader");
const shown = () => reader.querySelector(".message")?.dataset.id;
let before = shown();

function markCurrent(article) {
  list.querySelectorAll("a[aria-current]").forEach((link) => link.removeAttribute("aria-current"));
  const row = document.getElementById(`m-${article.dataset.id}`);
  row?.querySelector("a").setAttribute("aria-current", "true");
  row?.classList.remove("unread");
  row?.querySelector(".dot")?.remove();
  const state = document.getElementById("list-state");
  state.dataset.unread = article.dataset.unread;
  // Only our own marking moved the number: then the list is already as it should be.
  if (Number(article.dataset.change) === Number(state.dataset.change) + 1) {
    state.dataset.change = article.dataset.change;
  }
}

function fit(frame) {
  const page = frame.contentDocument?.documentElement;
  if (!page || !page.ownerDocument.body) return;
  const room = frame.parentElement.clientWidth;
  frame.style.cssText = "height: 0";
  const width = Math.max(room, page.scrollWidth);
  frame.style.width = `${width}px`;
  const height = page.scrollHeight;
  frame.style.height = `${height}px`;
  if (width > room) {
    frame.style.transform = `scale(${room / width})`;
    frame.parentElement.style.height = `${(height * room) / width}px`;
  } else frame.parentElement.style.height = "";
}

function watch(frame) {
  frame.addEventListener("load", () => fit(frame));
  if (frame.contentDocument?.readyState === "complete") fit(frame);
  new ResizeObserver(() => fit(frame)).observe(frame.closest(".message"));
}

list.addEventListener("click", (event) => {
  const link = event.target.closest(".mail > a");
  const plain = !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button);
  if (!link || !plain || !isBeside() || !window.htmx) return;
  event.preventDefault();
  window.htmx.ajax("GET", link.getAttribute("href"), { target: "#reader", source: link });
});

reader.addEventListener("htmx:afterSettle", () => {
  const article = reader.querySelector(".message");
  if (!article) return;
  markCurrent(article);
  article.querySelectorAll("iframe").forEach(watch);
  if (shown() === before && reader.contains(document.activeElement)) return; // A star was turned.
  before = shown();
  reader.scrollTop = 0;
  document.getElementById("subject").focus({ preventScroll: true });
});

reader.querySelectorAll("iframe").forEach(watch);
list.querySelector("a[aria-current]")?.scrollIntoView({ block: "nearest" });
