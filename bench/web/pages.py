"""Drives a real browser: when rows stand there, what that took to load, what kept it busy."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

from bench.web.site import Site
from bench.web.timings import Times

# Noted by the page itself, in milliseconds since the address was asked for.
WATCH = """
    window.noted = {rows: 0, long: 0, lcp: 0, shift: 0};
    const rows = () => document.querySelector('.rows .mail') && (noted.rows ||= performance.now());
    new MutationObserver(rows).observe(document, {childList: true, subtree: true});
    const watch = (type, note) => new PerformanceObserver(
        (list) => list.getEntries().forEach(note)).observe({type, buffered: true});
    watch('longtask', (entry) => { noted.long += Math.max(entry.duration - 50, 0); });
    watch('largest-contentful-paint', (entry) => { noted.lcp = entry.startTime; });
    watch('layout-shift', (entry) => { noted.shift += entry.hadRecentInput ? 0 : entry.value; });
"""
OPEN = """async (link) => {
    const began = performance.now();
    link.click();
    const id = link.id.replace('open-', '');
    const there = () => {
        const article = document.querySelector(`#reader .message[data-id="${id}"]`);
        const frame = article?.querySelector('iframe');
        return frame?.contentDocument?.readyState === 'complete'
            && frame.contentDocument.body?.textContent.trim();
    };
    while (!there()) await new Promise(requestAnimationFrame);
    return performance.now() - began;
}"""
TYPE = """async (text) => {
    const box = document.getElementById('q');
    const done = new Promise((settled) =>
        document.body.addEventListener('htmx:afterSettle', settled, {once: true}));
    const began = performance.now();
    box.value = text;
    box.dispatchEvent(new Event('input', {bubbles: true}));
    await done;
    return performance.now() - began;
}"""
VISIBLE = """() => [...document.querySelectorAll('.rows .mail')].filter((row) => {
    const box = row.getBoundingClientRect();
    return box.top >= 0 && box.bottom <= innerHeight;
}).length"""
SIZE = {"width": 1280, "height": 800}


@dataclass
class Load:
    """What came over the network."""

    requests: int = 0
    octets: int = 0
    script_octets: int = 0
    script_length: int = 0
    _scripts: set[str] = field(default_factory=set)

    def listen(self, session: CDPSession) -> None:
        """Count from now on; what the cache has costs nothing."""
        session.on("Network.responseReceived", self._answered)
        session.on("Network.dataReceived", self._came)
        session.on("Network.loadingFinished", self._ended)
        session.send("Network.enable")

    def _answered(self, event: Any) -> None:
        if event["type"] == "Script":
            self._scripts.add(event["requestId"])

    def _came(self, event: Any) -> None:
        if event["requestId"] in self._scripts:
            self.script_length += event["dataLength"]

    def _ended(self, event: Any) -> None:
        self.requests += 1
        self.octets += int(event["encodedDataLength"])
        if event["requestId"] in self._scripts:
            self.script_octets += int(event["encodedDataLength"])


@contextmanager
def reader_at(browser: Browser, site: Site) -> Iterator[Page]:
    """Open a browser without anything cached, signed in."""
    with browser.new_context(viewport=SIZE) as context:  # type: ignore[arg-type]  # a TypedDict
        context.add_cookies([site.cookie])  # type: ignore[list-item]  # a TypedDict
        context.add_init_script(WATCH)
        yield context.new_page()


def rows_after(page: Page, site: Site, paths: list[str], rounds: int) -> Times:
    """Open pages in turn and take from each when its rows stood there."""
    each = []
    for number in range(rounds + 2):
        page.goto(site.url + paths[number % len(paths)], wait_until="load")
        page.wait_for_function("noted.rows > 0")
        each.append(page.evaluate("noted.rows"))
    return Times(each[2:])


def opened(page: Page, site: Site, path: str, rounds: int) -> tuple[Times, Load]:
    """Open messages beside the list; count what the last ones load."""
    page.goto(site.url + path)
    links = page.query_selector_all(".rows .mail > a")[: rounds + 2]
    load, each = Load(), []
    for number, link in enumerate(links):
        if number == len(links) - 5:
            load.listen(page.context.new_cdp_session(page))
        each.append(page.evaluate(OPEN, link))
    return Times(each[2:]), load


def cold(browser: Browser, site: Site, path: str, rounds: int) -> tuple[dict[str, float], Load]:
    """Open a page with nothing cached; tell the medians of what it noted, and what it loaded."""
    noted: list[dict[str, float]] = []
    for _ in range(rounds):
        with reader_at(browser, site) as page:
            load = Load()
            load.listen(page.context.new_cdp_session(page))
            page.goto(site.url + path, wait_until="networkidle")
            noted.append(page.evaluate("noted") | {"visible": page.evaluate(VISIBLE)})
    return {name: statistics.median(one[name] for one in noted) for name in noted[0]}, load


def typed(page: Page, site: Site, path: str, words: list[str]) -> Times:
    """Type the beginnings of words and take when the list followed, the pause before it too."""
    page.goto(site.url + path)
    return Times([page.evaluate(TYPE, word) for word in words])
