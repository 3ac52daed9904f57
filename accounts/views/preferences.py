"""A person's own choices, page by page: general, notifications, privacy.

Each is one form. A page with scripts sends it after each change and is answered in JSON; without
them its button does.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import themes
from accounts.forms.preferences import GeneralForm, NotificationsForm, PreferencesForm
from accounts.views import SignedInRequest

ONE_YEAR = 365 * 24 * 60 * 60


@login_required
@require_http_methods(["GET", "POST"])
def settings_general(request: SignedInRequest) -> HttpResponse:
    """Show and keep how pages look and behave; the theme stays with the browser, in a cookie."""
    form = GeneralForm(request.POST or None, request=request)
    response = answer(request, form, "settings_general")
    if form.is_bound and form.is_valid():
        response.set_cookie(
            themes.COOKIE,
            form.cleaned_data["theme"],
            max_age=ONE_YEAR,
            secure=settings.HTTPS,
            httponly=True,
            samesite="Lax",
        )
    return response


@login_required
@require_http_methods(["GET", "POST"])
def settings_notifications(request: SignedInRequest) -> HttpResponse:
    """Show and keep what a person is told of."""
    form = NotificationsForm(request.POST or None, request=request)
    return answer(request, form, "settings_notifications")


def answer(
    request: SignedInRequest, form: PreferencesForm, page: str, **context: Any
) -> HttpResponse:
    """Keep what was sent and say so, or show the page ``page``, whose template has its name."""
    is_from_script = request.accepts("application/json") and not request.accepts("text/html")
    if form.is_bound and form.is_valid():
        person = form.save()
        with translation.override(person.language or translation.get_language()):
            said = _("Saved.")
        if is_from_script:
            return JsonResponse({"said": said})
        messages.success(request, said)
        return redirect(page)
    if is_from_script:
        return JsonResponse({"errors": form.errors}, status=422)
    status = 422 if form.errors else 200
    return render(request, f"accounts/{page}.html", {"form": form} | context, status=status)
