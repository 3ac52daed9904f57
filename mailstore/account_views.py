"""What is stored: the room it takes, in all and by account."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts import quotas
from accounts.models import ExternalAccount
from accounts.views import SignedInRequest
from mailstore import storage
from mailstore.models import Folder
from mailstore.rail import build_rail


@require_safe
@login_required
def show_storage(request: SignedInRequest) -> HttpResponse:
    """Show how much room there is, what takes it up, and what waits for more."""
    rail = build_rail(request.user)
    shares = storage.shares_of(request.user)
    context = {
        "rail": rail,
        "shares": shares,
        "tone": storage.tone_of(rail.usage),
        "waiting": sum(share.waiting for share in shares),
        "plan": quotas.plan_of(request.user),
    }
    return render(request, "mailstore/storage.html", context)


@require_safe
@login_required
def account_storage(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Show how much room an account's folders take of what its owner may use."""
    own = _own(request, account)
    folders = Folder.objects.for_user(request.user).filter(account=own, total__gt=0)
    rows = sorted(folders, key=lambda folder: folder.size, reverse=True)
    context = {
        "account": own,
        "folders": rows,
        "total": sum(folder.total for folder in rows),
        "size": sum(folder.size for folder in rows),
        "usage": quotas.usage(request.user.pk),
    }
    return render(request, "mailstore/account_storage.html", context)


def _own(request: SignedInRequest, account: UUID) -> ExternalAccount:
    return get_object_or_404(ExternalAccount.objects.for_user(request.user), public_id=account)
