// The reader: open a message beside its list, unfold others of its conversation, make each frame as
// high as the mail in it, and say where its links lead.

const wide = matchMedia("(width >= 1180px)");
const isBeside = () => wide.matches && document.documentElement.dataset.reading_pane !== "off";
const list = document.getElementById("list");
const reader = document.getElementById("reader");
const shown = () => reader.querySelector(".message")?.dataset.id;
let before = shown();
// The link of the message that is on its way.
let opening = null;

// The row of what is read, or about to be, also after the list was renewed.
function markCurrent() {
  list.querySelectorAll("a[aria-current]").forEach((link) => link.removeAttribute("aria-current"));
  const row = document.getElementById(opening?.closest(".mail").id ?? `m-${shown()}`);
  row?.querySelector("a").setAttribute("aria-current", "true");
  return row;
}

function markRead(article) {
  const row = markCurrent();
  row?.classList.remove("unread");
  row?.querySelector(".dot")?.remove();
  const state = document.getElementById("list-state");
  state.dataset.unread = article.dataset.unread;
  // Only our own marking moved the number: then the list is already as it should be.
  if (Number(article.dataset.change) === Number(state.dataset.change) + 1) {
    state.dataset.change = article.dataset.change;
  }
}

// Mail that stays wider than its place is made smaller as a whole, never cut.
function fit(frame) {
  const page = frame.contentDocument?.documentElement;
  if (!page || !page.ownerDocument.body) return;
  const room = frame.parentElement.clientWidth;
  frame.style.cssText = "height: 0";
  let width = Math.max(room, page.scrollWidth);
  frame.style.width = `${width}px`;
  // With more room the rules for phones are off, and a little more may be wanted.
  width = Math.max(width, page.scrollWidth);
  frame.style.width = `${width}px`;
  const height = page.scrollHeight;
  frame.style.height = `${height}px`;
  if (width > room) {
    frame.style.transform = `scale(${room / width})`;
    frame.parentElement.style.height = `${(height * room) / width}px`;
  } else frame.parentElement.style.height = "";
}

const linkAt = (event) => event.target.closest?.("a[href]");

function listen(frame) {
  const page = frame.contentDocument;
  const target = frame.parentElement.querySelector(".link-target");
  const say = (event) => {
    target.textContent = linkAt(event)?.href ?? "";
    target.hidden = !target.textContent;
  };
  for (const kind of ["pointerover", "pointerdown", "focusin"]) page.addEventListener(kind, say);
  for (const kind of ["pointerleave", "focusout"]) page.addEventListener(kind, () => (target.hidden = true));
  page.addEventListener("toggle", () => fit(frame), true);
  page.addEventListener("load", () => fit(frame), true); // A picture has come.
  page.addEventListener("error", (event) => event.target.tagName === "IMG" && insist(event.target), true);
}

// A picture may be told to come again, while this site fetches as many as it does at once.
function insist(picture) {
  const tries = Number(picture.dataset.tries ?? 0);
  if (tries >= 3 || !picture.src.includes("/images/")) return;
  picture.dataset.tries = tries + 1;
  setTimeout(() => (picture.src = `${picture.src.split("?")[0]}?${tries + 1}`), 2000 * (tries + 1));
}

const heard = new WeakSet();

// The frame has its height as soon as its text is there; pictures may take longer.
function watch(frame) {
  const begin = () => {
    const page = frame.contentDocument;
    if (!page) return;
    fit(frame);
    [...page.images].filter((one) => one.complete && !one.naturalWidth).forEach(insist);
    if (!heard.has(page)) listen(frame);
    heard.add(page);
  };
  const look = () => {
    const page = frame.contentDocument;
    if (page && page.URL !== "about:blank" && page.readyState !== "loading") begin();
    else if (frame.isConnected && page) setTimeout(look, 30);
  };
  frame.addEventListener("load", begin);
  look();
  new ResizeObserver(() => fit(frame)).observe(frame.closest(".message"));
}

list.addEventListener("click", (event) => {
  const link = event.target.closest(".mail > a");
  const plain = !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button);
  if (!link || !plain || !isBeside() || !window.htmx) return;
  event.preventDefault();
  open(link);
});

// Keys that are pressed before it is there wait for it (keys.js); another choice takes its place.
async function open(link) {
  if (opening === link) return;
  if (opening) window.htmx.trigger(opening, "htmx:abort");
  opening = link;
  reader.setAttribute("aria-busy", "true");
  markCurrent();
  reader.focus({ preventScroll: true });
  const answer = window.htmx.ajax("GET", link.getAttribute("href"), { target: "#reader", source: link });
  await answer.catch(() => {}); // Said above the list.
  if (opening !== link) return;
  opening = null;
  reader.removeAttribute("aria-busy");
  const isThere = link.closest(".mail").id === `m-${shown()}`;
  if (!isThere) {
    markCurrent();
    link.focus();
  }
  reader.dispatchEvent(new CustomEvent("opened", { bubbles: true, detail: isThere }));
}

list.addEventListener("htmx:afterSwap", markCurrent);

// The page to print holds foreign mail and runs nothing, so it is told from here.
reader.addEventListener("click", (event) => {
  const link = event.target.closest("[data-prints]");
  if (!link) return;
  event.preventDefault();
  link.closest("[popover]")?.hidePopover();
  const page = window.open(link.href);
  page?.addEventListener("load", () => page.print());
});

function opened(article) {
  markRead(article);
  showSteps();
  article.querySelectorAll("iframe").forEach(watch);
  if (shown() === before && reader.contains(document.activeElement)) return; // A star was turned.
  before = shown();
  reader.scrollTop = 0;
  document.getElementById("subject").focus({ preventScroll: true });
  comeTo(article.querySelector(`#letter-${article.dataset.id}`));
}

// In a long conversation the message that was asked for is brought up.
function comeTo(letter) {
  if (letter?.previousElementSibling) letter.scrollIntoView({ block: "start" });
}

reader.addEventListener("htmx:afterSettle", (event) => {
  const article = reader.querySelector(".message");
  if (event.target.matches(".letter")) {
    event.target.querySelectorAll("iframe").forEach(watch);
    event.target.querySelector(".people summary")?.focus({ preventScroll: true });
  } else if (article) opened(article);
});

// The next and the previous message of a conversation.
function step(by) {
  const letters = [...reader.querySelectorAll(".letter")];
  const at = letters.findIndex((letter) => letter.contains(document.activeElement));
  const next = at < 0 ? letters.at(by > 0 ? 0 : -1) : letters[at + by];
  const focused = next?.matches("a") ? next : next?.querySelector(".people summary");
  focused?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

reader.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step]");
  if (button) step(Number(button.dataset.step));
});

const showSteps = () => reader.querySelector(".steps")?.removeAttribute("hidden");
showSteps();
reader.querySelectorAll("iframe").forEach(watch);
list.querySelector("a[aria-current]")?.scrollIntoView({ block: "nearest" });
comeTo(reader.querySelector(`#letter-${shown()}`));
