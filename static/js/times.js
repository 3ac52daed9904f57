// Keep "3 minutes ago" and "in 5 minutes" true while the page stays open, without asking the site.

const STEPS = [[60, "second"], [60, "minute"], [24, "hour"], [30, "day"], [12, "month"], [Infinity, "year"]];
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
// This clock may be wrong, and the site's words go by its own.
const skew = Date.now() - 1000 * document.getElementById("rail").dataset.now;

// Seconds until a moment, below zero once it has passed.
export const until = (moment) => (Date.parse(moment) + skew - Date.now()) / 1000;

function said(seconds) {
  let number = seconds;
  for (const [size, unit] of STEPS) {
    if (Math.abs(Math.trunc(number)) < size) return words.format(Math.trunc(number), unit);
    number /= size;
  }
}

export function renewTimes() {
  document.querySelectorAll("time[data-ago]").forEach((time) => {
    const now = said(until(time.dateTime));
    if (time.textContent !== now) time.textContent = now;
  });
}
