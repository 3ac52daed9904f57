"""How pages look to a person: name, language, time zone and theme."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import themes
from accounts.forms import GeneralForm
from accounts.views import SignedInRequest
from accounts.zones import browser_zone

ONE_YEAR = 365 * 24 * 60 * 60


@login_required
@require_http_methods(["GET", "POST"])
def settings_general(request: SignedInRequest) -> HttpResponse:
    """Show and keep a person's choices; the theme stays with the browser, in a cookie."""
    initial = {"theme": themes.theme_of(request)}
    zone = browser_zone(request)
    form = GeneralForm(
        request.POST or None, instance=request.user, initial=initial, browser_zone=zone
    )
    if request.method == "POST" and form.is_valid():
        person = form.save()
        with translation.override(person.language or translation.get_language()):
            messages.success(request, _("Saved."))
        response = redirect("settings_general")
        response.set_cookie(
            themes.COOKIE,
            form.cleaned_data["theme"],
            max_age=ONE_YEAR,
            secure=settings.HTTPS,
            httponly=True,
            samesite="Lax",
        )
        return response
    status = 422 if form.errors else 200
    return render(request, "accounts/settings_general.html", {"form": form}, status=status)
