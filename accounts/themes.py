"""The colour theme of a browser, kept in its cookie so that no page flashes in another one."""

from __future__ import annotations

from django.http import HttpRequest

COOKIE = "muara_theme"
SYSTEM, LIGHT, DARK = "system", "light", "dark"


def theme_of(request: HttpRequest) -> str:
    """Return the theme that was chosen in this browser, else the device's."""
    chosen = request.COOKIES.get(COOKIE, "")
    return chosen if chosen in {LIGHT, DARK} else SYSTEM
