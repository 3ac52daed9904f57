"""Which language and time zone a page is shown in: the person's, the cookie's, the browser's."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from accounts.models import User
from accounts.zones import zone_of

Handler = Callable[[HttpRequest], HttpResponse]


class LanguageMiddleware:
    """Activate the language and time zone for one request."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in the reader's language and say so in ``Content-Language``."""
        chosen = getattr(request.user, "language", "")
        language = chosen or translation.get_language_from_request(request)
        zone = zoneinfo.ZoneInfo(zone_of(request))
        with translation.override(language), timezone.override(zone):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        _remember(request, seen_language=language, seen_zone=zone.key)
        response.headers.setdefault("Content-Language", language)
        response.headers["Vary"] = ", ".join(
            dict.fromkeys([*filter(None, response.get("Vary", "").split(", ")), "Accept-Language"])
        )
        return response


def _remember(request: HttpRequest, **seen: str) -> None:
    """Note what a person's pages were last shown in: mails and counts have no browser to ask."""
    if not request.user.is_authenticated:
        return
    changed = {
        name: is_now for name, is_now in seen.items() if getattr(request.user, name) != is_now
    }
    if changed:
        User.objects.filter(pk=request.user.pk).update(**changed)
