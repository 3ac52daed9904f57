"""The page about mail at the provider: what will be deleted there, and when."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import ExternalAccount, IncomingServer
from accounts.policy import DELETE, policy_of
from accounts.views import SignedInRequest
from fetcher import deletion
from fetcher.forms import DeletionForm, chosen

PAGE = 50


@login_required
@require_http_methods(["GET", "POST"])
def account_deletion(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Show what a choice would delete at the provider, and when; keep the choice if it is sent."""
    owned = _find(request, account)
    saved, now = owned.incoming.delete_after_days, timezone.now()
    given = request.POST or ({} if "when" not in request.GET else request.GET)
    objection = policy_of(request.user).against(DELETE)
    form = DeletionForm(given or chosen(saved), objection=objection)
    if not form.is_valid():
        # A preview changes nothing: an address that was mistyped asks again.
        context = {"form": form, "account": owned, "is_sent": request.method == "POST"}
        status = 422 if request.method == "POST" else 200
        return render(request, "fetcher/account_deletion.html", context, status=status)
    days = form.delete_after_days
    if request.method == "POST":
        IncomingServer.objects.filter(account=owned).update(delete_after_days=days)
        messages.success(request, _("Saved."))
        return redirect("account_deletion", owned.public_id)
    context = {"form": form, "account": owned, "is_saved": days == saved}
    if days is not None:
        pages = Paginator(deletion.doomed(owned), PAGE)
        context |= {
            "preview": deletion.preview(owned, days=days, now=now),
            "page": deletion.dated(pages.get_page(request.GET.get("page")), days=days, now=now),
        }
    return render(request, "fetcher/account_deletion.html", context)


def _find(request: SignedInRequest, account: UUID) -> ExternalAccount:
    owned = ExternalAccount.objects.for_user(request.user).select_related("incoming")
    return get_object_or_404(owned, public_id=account)
