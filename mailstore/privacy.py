"""What senders may learn, and what is kept where: the page on privacy."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.preferences import PrivacyForm
from accounts.views import SignedInRequest
from accounts.views.preferences import answer
from mailstore.models import ImageSender
from mailstore.reading.remote_images import distrust


@login_required
@require_http_methods(["GET", "POST"])
def settings_privacy(request: SignedInRequest) -> HttpResponse:
    """Show and keep whose pictures may be loaded."""
    form = PrivacyForm(request.POST or None, request=request)
    senders = ImageSender.objects.filter(owner=request.user).order_by("address")
    return answer(request, form, "settings_privacy", senders=senders)


@require_POST
@login_required
def forget_sender(request: SignedInRequest) -> HttpResponse:
    """Ask about the pictures of a sender again."""
    address = request.POST.get("address", "")
    distrust(request.user, address)
    messages.success(
        request, _("Images of %(address)s are asked about again.") % {"address": address}
    )
    return redirect("settings_privacy")
