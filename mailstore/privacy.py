"""What senders may learn, and what is kept where: the page on privacy."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.preference_forms import PrivacyForm
from accounts.views import SignedInRequest
from accounts.views.preferences import answer


@login_required
@require_http_methods(["GET", "POST"])
def settings_privacy(request: SignedInRequest) -> HttpResponse:
    """Show and keep whose pictures may be loaded."""
    form = PrivacyForm(request.POST or None, request=request)
    return answer(request, form, "settings_privacy")
