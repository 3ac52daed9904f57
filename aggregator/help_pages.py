"""The help pages: one for every kind of trouble, and a few on what people ask before they begin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.explain import SIDES, Explanation, explain
from accounts.meanings import meaning_of, telling_of
from accounts.troubles import TROUBLES, Words
from mailstore.keys import sheet

TOPICS: Final[dict[str, Words]] = {
    "app-passwords": _("What app passwords are"),
    "pop-or-imap": _("POP or IMAP"),
    "delete-from-server": _("Delete email from server"),
    "keyboard": _("Keyboard shortcuts"),
}
# What a page about a family of troubles leads to.
RELATED: Final = {"auth": "app-passwords"}
# Examples, where the message about an account has its own.
EXAMPLES: Final = {
    "host": "mail.example.org",
    "port": 995,
    "name": "other.example.org",
    "address": "siti@example.org",
    "by": "policy",
    "rule": "Staff",
    "limit": 10,
    "minutes": 42,
    "usable": "other.example.org",
}


@dataclass(frozen=True, slots=True)
class Group:
    """The troubles of one side, each by its code."""

    name: Words
    entries: tuple[tuple[str, Explanation], ...]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the help pages."""
    context = {"topics": TOPICS, "groups": list(_groups())}
    return render(request, "aggregator/help.html", context)


@require_safe
def topic(request: HttpRequest, topic: str) -> HttpResponse:
    """Show the page about one question."""
    if topic not in TOPICS:
        raise Http404
    name = topic.replace("-", "_")
    context = {"title": TOPICS[topic], "sheet": sheet()}
    return render(request, f"aggregator/help_{name}.html", context)


@require_safe
def error(request: HttpRequest, code: str) -> HttpResponse:
    """Show what a trouble means, whose side it is on and what to press next."""
    trouble = TROUBLES.get(code)
    if trouble is None:
        raise Http404
    context: dict[str, object] = {
        "code": code,
        "words": explain(code, EXAMPLES),
        "meaning": meaning_of(code),
        "telling": telling_of(trouble),
        "related": RELATED.get(code.partition(".")[0]),
    }
    return render(request, "aggregator/help_error.html", context)


def _groups() -> Iterator[Group]:
    for side, name in SIDES.items():
        codes = [code for code, trouble in TROUBLES.items() if trouble.side == side]
        yield Group(name, tuple((code, explain(code, EXAMPLES)) for code in codes))
