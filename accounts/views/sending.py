"""The server that an account sends through, which is tested before it is saved."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import onboarding, outgoing, setups
from accounts.forms.connection import refuse
from accounts.forms.outgoing import OutgoingForm, typed_before
from accounts.identity_cards import relay_refusal
from accounts.models import ExternalAccount, Probe, Setup, State
from accounts.models.probe import ProbeKind, ProbeState
from accounts.policy import policy_of
from accounts.refusals import AccountRefused
from accounts.vault import SealBroken
from accounts.views import SignedInRequest, is_leaving, left


@login_required
@require_http_methods(["GET", "POST"])
def account_outgoing(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Ask for the outgoing server of an account; without one this service sends.

    With ``?adding`` this is a step of adding the account.
    """
    owned = ExternalAccount.objects.for_user(request.user).exclude(state=State.ARCHIVED)
    chosen = get_object_or_404(owned.select_related("incoming", "outgoing"), public_id=account)
    setup = setups.latest(request.user, chosen.address) if _is_adding(request) else None
    if _is_adding(request) and "skip" in request.POST:
        outgoing.leave_for_later(chosen, now=timezone.now())
        return redirect("account_added", chosen.public_id)
    form = _form(request, chosen, setup)
    before = setups.last_passed(setup) if setup else None
    if request.method == "POST" and setup:
        setups.remember_outgoing(setup, form.typed())
    if before and is_leaving(request):
        return left(request, reverse("probe", args=[before.public_id]))
    if request.method == "POST" and form.is_valid() and (kept := _keep(request, form, chosen)):
        return kept
    context = {"form": form, "account": chosen, "is_adding": _is_adding(request)}
    status = 422 if form.errors else 200
    context |= {"before": before, "step": 5, "refusal": relay_refusal(request.user)}
    return render(request, "accounts/account_outgoing.html", context, status=status)


def _form(request: SignedInRequest, account: ExternalAccount, setup: Setup | None) -> OutgoingForm:
    failed = _failed_test(request, account)
    return OutgoingForm(
        request.POST or None,
        account=account,
        policy=policy_of(request.user),
        kept=_kept_password(failed),
        initial=typed_before(account, failed, setup),
    )


def _keep(
    request: SignedInRequest, form: OutgoingForm, account: ExternalAccount
) -> HttpResponse | None:
    """Begin the test and lead to its page, or put the reason against it on the form."""
    wanted, now = form.outgoing(), timezone.now()
    if wanted is None:
        outgoing.send_by_house_relay(account, now=now)
        if _is_adding(request):
            return redirect("account_added", account.public_id)
        messages.success(request, _("Saved."))
        return redirect("send_mail_as")
    setup = setups.latest(request.user, account.address) if _is_adding(request) else None
    try:
        test = onboarding.begin_sending_probe(account, wanted, now=now, setup=setup)
    except AccountRefused as error:
        refuse(form, error)
        return None
    return redirect("probe", test.public_id)


def _is_adding(request: SignedInRequest) -> bool:
    return "adding" in request.GET


def _failed_test(request: SignedInRequest, account: ExternalAccount) -> Probe | None:
    """Return the test that ``?again=`` names, so that nothing need be typed twice."""
    try:
        wanted = UUID(request.GET.get("again", ""))
    except ValueError:
        return None
    failed = Probe.objects.for_user(request.user).filter(state=ProbeState.FAILED, account=account)
    return failed.filter(public_id=wanted, kind=ProbeKind.SENDING).first()


def _kept_password(failed: Probe | None) -> str | None:
    try:
        return onboarding.outgoing_again(failed).password if failed else None
    except SealBroken:
        return None
