// Ask every five seconds, while the page can be seen, whether anything changed; then renew the list.

const EVERY = 5000;
const main = document.getElementById("main");
const state = () => document.getElementById("list-state").dataset;

function title(unread) {
  const words = document.title.replace(/^\(\d+\) /, "");
  document.title = unread > 0 ? `(${unread}) ${words}` : words;
}

function renew() {
  return window.htmx.ajax("GET", state().url, { target: "#list-body", source: "#list-body" });
}

async function look() {
  if (document.hidden || !window.htmx) return;
  let answer;
  try {
    answer = await fetch(`${main.dataset.changes}?since=${state().change}`, { cache: "no-store" });
  } catch {
    return; // No connection now; the next look may have one.
  }
  if (answer.redirected) return location.reload(); // Signed out meanwhile.
  if (answer.status !== 200) return;
  title((await answer.json()).unread);
  await renew();
}

title(Number(state().unread));
setInterval(look, EVERY);
document.addEventListener("visibilitychange", look);
document.body.addEventListener("htmx:afterSettle", () => title(Number(state().unread)));
