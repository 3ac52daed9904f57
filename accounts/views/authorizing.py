"""Signing in at a provider: what is asked for, the way there and back, and what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authorizing
from accounts.explain import Explanation, explain, explain_once
from accounts.models import Authorization, ExternalAccount, OAuthApp
from accounts.models.authorization import TripState
from accounts.refusals import AccountRefused
from accounts.roster import NewAccount
from accounts.views import SignedInRequest

WINDOW = "oauth-window"
# What is the matter with the provider's server, of which the person has chosen nothing.
AT_PROVIDER = {"conn", "tls", "server"}


@login_required
@require_http_methods(["GET", "POST"])
def account_authenticate(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Say what a provider will be asked for, and ask for it."""
    owned = ExternalAccount.objects.for_user(request.user).select_related("incoming")
    chosen = get_object_or_404(owned, public_id=account)
    by_device = request.POST.get("by") == "device"
    app = authorizing.app_for(chosen.incoming.host, by_device=by_device)
    if request.method == "POST" and app:
        wanted = authorizing.wanted_for(chosen)
        return begin_trip(request, app, wanted, account=chosen, by_device=by_device)
    context = {"account": chosen, "app": authorizing.any_app_for(chosen.incoming.host)}
    return render(request, "accounts/account_authenticate.html", context)


@login_required
@require_GET
def authorization(request: SignedInRequest, trip: UUID) -> HttpResponse:
    """Show how far a trip has come; htmx asks for its changing part alone."""
    shown = _find(request, trip)
    is_part = request.headers.get("HX-Request") == "true"
    if shown.state == TripState.GRANTED:
        return _leave(shown, is_part=is_part)
    if is_part and request.GET.get("seen") == shown.state:
        return HttpResponse(status=204)
    context = {
        "trip": shown,
        "trouble": _trouble(shown),
        "is_part": is_part,
    }
    page = "accounts/_authorization.html" if is_part else "accounts/authorization.html"
    return render(request, page, context)


@login_required
@require_GET
def authorization_go(request: SignedInRequest, trip: UUID) -> HttpResponse:
    """Lead to the provider, as soon as it is known where; ``?window`` says that one was opened."""
    sent = _find(request, trip)
    if "window" in request.GET:
        request.session[WINDOW] = str(sent.public_id)
    if url := authorizing.page_url(sent, now=timezone.now()):
        return redirect(url)
    if sent.state != TripState.PREPARING:
        return redirect("authorization", sent.public_id)
    return render(request, "accounts/authorization_ahead.html", {"trip": sent})


@login_required
@require_GET
def oauth_callback(request: SignedInRequest, provider: str) -> HttpResponse:
    """Take what the provider sent the person back with; a worker exchanges it."""
    back = authorizing.come_back(
        provider,
        request.GET.dict(),
        owner=request.user,
        browser=authorizing.browser_of(request.session.session_key),
        now=timezone.now(),
    )
    if back is None:
        return render(
            request,
            "accounts/authorization_lost.html",
            {"trouble": explain("oauth.expired", {})},
            status=400,
        )
    if request.session.pop(WINDOW, None) == str(back.public_id):
        return render(request, "accounts/authorization_back.html", {"trip": back})
    return redirect("authorization", back.public_id)


@login_required
@require_POST
def authorization_again(request: SignedInRequest, trip: UUID) -> HttpResponse:
    """Ask for the same once more."""
    old = _find(request, trip)
    again = authorizing.wanted_in(old)
    kept = {"account": old.account, "setup": old.setup, "by_device": old.by_device}
    return begin_trip(request, old.app, again, **kept)


@login_required
@require_POST
def authorization_cancel(request: SignedInRequest, trip: UUID) -> HttpResponse:
    """End a trip; whatever comes back of it is not taken."""
    ended = _find(request, trip)
    authorizing.cancel(ended)
    if ended.setup:
        return redirect("account_add_incoming", ended.setup.public_id)
    return redirect("mail_accounts")


def begin_trip(
    request: SignedInRequest, app: OAuthApp, wanted: NewAccount, **more: Any
) -> HttpResponse:
    """Begin a trip and lead to its page, or say which rule stands against it.

    ``more`` are the options of ``authorizing.begin``.
    """
    try:
        trip = authorizing.begin(
            app,
            wanted,
            owner=request.user,
            browser=authorizing.browser_of(request.session.session_key),
            now=timezone.now(),
            **more,
        )
    except AccountRefused as error:
        words = explain(error.code, error.facts)
        messages.error(request, f"{words.title} {words.advice}")
        return redirect("mail_accounts")
    return redirect("authorization", trip.public_id)


def _trouble(trip: Authorization) -> Explanation | None:
    """Say why a trip has failed. Nobody but the person tries again, and with the same settings."""
    if not trip.code:
        return None
    words = explain_once(trip.code, {"protocol": "OAuth"} | trip.facts)
    if trip.code.partition(".")[0] not in AT_PROVIDER:
        return words
    again = _("Try again in a few minutes. If it lasts, tell whoever runs this service.")
    return replace(words, advice=again, hints=())


def _leave(trip: Authorization, *, is_part: bool) -> HttpResponse:
    """Lead on to the test of the mail server, or to the accounts once that is forgotten."""
    probe = trip.probe
    place = reverse("probe", args=[probe.public_id]) if probe else reverse("mail_accounts")
    if not is_part:
        return redirect(place)
    return HttpResponse(headers={"HX-Redirect": place})


def _find(request: SignedInRequest, trip: UUID) -> Authorization:
    owned = Authorization.objects.for_user(request.user)
    related = owned.select_related("app", "account", "setup", "probe")
    return get_object_or_404(related, public_id=trip)
