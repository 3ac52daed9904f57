"""A real Chromium for tests of pages, kept from looking anything up outside this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.servers.processes import program

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)


@contextmanager
def run_chromium() -> Iterator[Browser]:
    """Run a browser without a screen; pages are opened in contexts of their own."""
    command = program("chromium")
    flags = [*FLAGS, *(["--no-sandbox"] if os.getuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=command, args=flags, headless=True)
        try:
            yield browser
        finally:
            browser.close()
