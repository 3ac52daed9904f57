"""What stands around the results of a search: chips, marks, suggestions, and searches kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django_htmx.http import push_url, replace_url

from accounts.views import SignedInRequest
from mailstore import finding
from mailstore.chips import chips_of
from mailstore.marking import Marks
from mailstore.models import Message, SavedSearch
from mailstore.search import terms
from mailstore.suggestions import operators, suggest

BOX = "q"
REMEMBERED = "searches"
MOST_REMEMBERED = 8


def surroundings(
    request: SignedInRequest, text: str, messages: Sequence[Message]
) -> dict[str, Any]:
    """Return what the page says beside its rows, and let the rows show where the words stand."""
    saved = list(SavedSearch.objects.for_user(request.user))
    recent = recent_of(request)
    if not text:
        return {"saved": saved, "recent": recent, "operators": operators()}
    wanted = finding.read(request.user, text)
    marks = Marks(wanted)
    marks.show_hits(messages)
    return {
        "marks": marks,
        "chips": chips_of(wanted.query),
        "unknown": wanted.query.unknown,
        "saved": saved,
        "saved_as": next((one for one in saved if one.text == text), None),
        "suggestions": suggest(request.user, text, recent) if is_typed(request) else (),
    }


def is_typed(request: SignedInRequest) -> bool:
    """Tell whether the search is still being typed."""
    return bool(request.htmx) and request.htmx.trigger == BOX


def is_too_short(text: str) -> bool:
    """Tell whether so little was typed that it is no word yet."""
    return (len(text) == 1 and text.isascii()) or (bool(text) and not terms(text))


def follow_address(request: SignedInRequest, url: str, response: HttpResponse) -> HttpResponse:
    """Let the address tell the search: a new step back at its first letters, then the same one."""
    path = request.htmx.current_url_abs_path or ""
    here = path.partition("?")[0] == request.path
    return replace_url(response, url) if here else push_url(response, url)


def recent_of(request: SignedInRequest) -> list[str]:
    """Return what was searched lately in this session, the latest first."""
    return list(request.session.get(REMEMBERED, []))


def remember(request: SignedInRequest, text: str) -> None:
    """Keep a search until this person signs out here."""
    recent = recent_of(request)
    if text and recent[:1] != [text]:
        others = [one for one in recent if one != text]
        request.session[REMEMBERED] = [text, *others][:MOST_REMEMBERED]
