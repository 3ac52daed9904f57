"""The connection doctor: an account's servers tried step by step with what is kept for them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import onboarding
from accounts.explain import explain
from accounts.models import ExternalAccount, Probe, State
from accounts.models.probe import ProbeKind
from accounts.refusals import AccountRefused
from accounts.views import SignedInRequest
from accounts.views.adding import shown


@login_required
@require_http_methods(["GET", "POST"])
def account_doctor(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Show the last check-up of an account, or begin another."""
    owned = ExternalAccount.objects.for_user(request.user).exclude(state=State.ARCHIVED)
    chosen = get_object_or_404(owned.select_related("incoming"), public_id=account)
    if request.method == "POST":
        try:
            onboarding.begin_doctor(chosen, now=timezone.now())
        except AccountRefused as error:
            words = explain(error.code, error.facts)
            messages.error(request, f"{words.title} {words.advice}")
        return redirect("account_doctor", chosen.public_id)
    tests = Probe.objects.for_user(request.user).filter(account=chosen, kind=ProbeKind.DOCTOR)
    last = tests.order_by("-id").first()
    context = {"account": chosen, "checklist": explain("conn.refused", {}).checklist}
    return render(request, "accounts/account_doctor.html", context | (shown(last) if last else {}))
