"""What the list of sessions calls a browser, from the headers that real ones send."""

from __future__ import annotations

import pytest

from accounts.browsers import browser_of
from accounts.templatetags.browsers import browser_words

GECKO = "Mozilla/5.0 {} AppleWebKit/537.36 (KHTML, like Gecko) {}"


@pytest.mark.parametrize(
    ("system", "program", "named"),
    [
        ("(X11; Linux x86_64)", "HeadlessChrome/140.0.0.0 Safari/537.36", ("Chromium", "Linux")),
        ("(Windows NT 10.0; Win64)", "Chrome/140.0 Safari/537.36 Edg/140.0", ("Edge", "Windows")),
        ("(Linux; Android 15)", "Chrome/140.0 Mobile Safari/537.36", ("Chrome", "Android")),
        ("(Macintosh; Intel Mac OS X)", "Version/18.0 Safari/605.1", ("Safari", "macOS")),
        ("(iPhone; CPU iPhone OS 18 like Mac OS X)", "Safari/604.1", ("Safari", "iPhone")),
        ("(X11; Linux x86_64; rv:140.0)", "Gecko/20100101 Firefox/140.0", ("Firefox", "Linux")),
    ],
)
def test_a_browser_and_its_system_are_named(
    system: str, program: str, named: tuple[str, str]
) -> None:
    assert browser_of(GECKO.format(system, program)) == named


def test_nothing_that_a_stranger_wrote_is_passed_on() -> None:
    assert browser_words("<b>Chrome/1 (Windows)") == "Chrome on Windows"
    assert browser_words("<script>") == "Unknown browser"
    assert browser_words("curl/8.5") == "curl"
