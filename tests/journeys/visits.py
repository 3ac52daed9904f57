"""A person at a browser, and what must hold on every page that they see."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Frame, Page, Request

from tests.servers.shapes import ROOT

RESULTS = ROOT / "test-results"
PICTURES = ROOT / "docs" / "pictures"
# What the README shows comes from here.
SHOWN = {"embedded-wide-newsletter.png": "inbox.png", "embedded-phone-all.png": "phone.png"}
# Foreign mail is not ours to judge; it lies in a frame of its own.
JUDGED = {"exclude": [["iframe"]]}
LEVELS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
RULES = {"runOnly": list(LEVELS), "resultTypes": ["violations"]}


@dataclass
class Visit:
    """One browser window at one site; ``troubles`` collects what must not happen.

    ``refused`` is set while pages are asked for that the site answers with an error on purpose.
    """

    page: Page
    site: str
    name: str
    troubles: list[str] = field(default_factory=list)
    refused: bool = False

    def go(self, path: str) -> None:
        """Open an address of the site."""
        self.page.goto(f"{self.site}{path}")

    def look(self, what: str) -> None:
        """Keep a picture of the page and judge it."""
        self.page.wait_for_load_state("networkidle")
        RESULTS.mkdir(exist_ok=True)
        picture = RESULTS / f"{self.name}-{what}.png"
        self.page.screenshot(path=picture)
        if picture.name in SHOWN and os.environ.get("MUARA_SCREENSHOTS"):
            PICTURES.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(picture, PICTURES / SHOWN[picture.name])
        self.judge(what)

    def judge(self, what: str) -> None:
        """Hold the page to axe's rules (WCAG 2.2 AA) and to the width of the screen."""
        found = Axe().run(self.page, context=JUDGED, options=RULES).response["violations"]
        for violation in found:
            where = "; ".join(str(node["target"]) for node in violation["nodes"][:5])
            self.troubles.append(f"{what}: axe {violation['id']}: {violation['help']}: {where}")
        room, wanted = self.page.evaluate(
            "[document.documentElement.clientWidth, document.documentElement.scrollWidth]"
        )
        if wanted > room:
            self.troubles.append(f"{what}: {wanted} px wide on a screen of {room}")

    def hear(self, message: ConsoleMessage) -> None:
        """Take down what the browser complains about, broken content rules among it."""
        own_answer = message.text.startswith("Failed to load resource")
        if message.type in {"error", "warning"} and not (self.refused and own_answer):
            self.troubles.append(f"console: {message.text}")

    def see_request(self, request: Request) -> None:
        """Take down every request that leaves the site."""
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and not request.url.startswith(f"{self.site}/"):
            self.troubles.append(f"request to {request.url}")


def until(page: Page | Frame, expression: str, arg: object = None, *, seconds: float = 10) -> None:
    """Wait until an expression is true in a page.

    Playwright's own way evaluates words inside the page, which our policy forbids it from the
    second look on.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, f"not true within {seconds} seconds: {expression}"
        page.wait_for_timeout(50)


@contextmanager
def visit(
    browser: Browser, site: str, name: str, *, width: int, height: int, **options: Any
) -> Iterator[Visit]:
    """Open a window of a size, in English, with nothing remembered from before.

    ``options`` are those of Playwright's ``new_context``.
    """
    context = browser.new_context(
        viewport={"width": width, "height": height}, **({"locale": "en-US"} | options)
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    visitor = Visit(page, site, name)
    page.on("console", visitor.hear)
    page.on("pageerror", lambda error: visitor.troubles.append(f"script: {error}"))
    context.on("request", visitor.see_request)
    try:
        yield visitor
    finally:
        RESULTS.mkdir(exist_ok=True)
        page.screenshot(path=RESULTS / f"{name}-last.png")
        context.close()
