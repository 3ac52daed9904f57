"""What a person may ask of the fetcher: a visit now."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import ExternalAccount
from accounts.views import SignedInRequest
from fetcher import schedule


@login_required
@require_POST
def fetch_now(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Make the account due; a worker notices within a second."""
    chosen = get_object_or_404(ExternalAccount.objects.for_user(request.user), public_id=account)
    if schedule.ask_for_visit(chosen, now=timezone.now()):
        messages.info(request, _("Checking %(name)s now.") % {"name": chosen.name})
    return redirect("mail_accounts")
