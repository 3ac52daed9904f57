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
from accounts.views import SignedInRequest, back_from
from fetcher import schedule


@login_required
@require_POST
def fetch_now(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Make one account due; a worker notices within a second."""
    owned = ExternalAccount.objects.for_user(request.user)
    chosen = get_object_or_404(owned, public_id=account)
    if schedule.ask_for_visits(owned.filter(pk=chosen.pk), now=timezone.now()):
        _say(request, _("Checking %(name)s now.") % {"name": chosen.name})
    return redirect(back_from(request, "mail_accounts"))


@login_required
@require_POST
def fetch_all(request: SignedInRequest) -> HttpResponse:
    """Make all of a person's accounts due."""
    owned = ExternalAccount.objects.for_user(request.user)
    if schedule.ask_for_visits(owned, now=timezone.now()):
        _say(request, _("Checking all accounts now."))
    return redirect(back_from(request, "mail_accounts"))


def _say(request: SignedInRequest, words: str) -> None:
    """Leave words for the next page; where only a part is renewed, its button tells."""
    if not request.htmx:
        messages.info(request, words)
