"""The pages of the accounts app."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class SignedInRequest(HttpRequest):
    """A request that ``login_required`` has let through."""

    user: User
    htmx: HtmxDetails


def back_from(request: HttpRequest, otherwise: str) -> str:
    """Return the address of this site that a form names as ``next``, else a page's name."""
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return back if back.startswith("/") and is_ours else otherwise


def is_leaving(request: HttpRequest) -> bool:
    """Tell a form that is sent only to keep what was typed: by Back, or by a page being left."""
    return not {"back", "keep"}.isdisjoint(request.POST)


def left(request: HttpRequest, back: str) -> HttpResponse:
    """Answer a form that was kept: Back leads to the page before, nobody reads the other answer."""
    return redirect(back) if "back" in request.POST else HttpResponse(status=204)


def uuids(values: Iterable[str]) -> list[UUID]:
    """Read public ids from a form, passing over what is none."""
    ids = []
    for value in values:
        try:
            ids.append(UUID(value))
        except ValueError:
            continue
    return ids
