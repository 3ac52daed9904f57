"""Template filter of the list of sessions."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

from accounts.browsers import browser_of

register = template.Library()


@register.filter
def browser_words(user_agent: str) -> str:
    """Return words for a browser, such as "Firefox on Windows"."""
    browser = browser_of(user_agent)
    if not (browser.name and browser.system):
        return browser.name or browser.system or _("Unknown browser")
    return _("%(browser)s on %(system)s") % {"browser": browser.name, "system": browser.system}
