"""New settings of an account, and the page that follows the test of a server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authorizing, ladder, onboarding, provider_help
from accounts.certificates import chain_of, rule_of
from accounts.explain import explain, explain_once
from accounts.forms.connection import ConnectionForm, RenewalForm, refuse
from accounts.models import ExternalAccount, Probe, State
from accounts.models.probe import ProbeKind
from accounts.onboarding import AccountRefused, NewAccount, wanted_again
from accounts.policy import policy_of
from accounts.report import certificate_report_of, report_of
from accounts.vault import SealBroken
from accounts.views import SignedInRequest
from wire.endpoint import Protocol


@login_required
@require_http_methods(["GET", "POST"])
def account_connection(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Ask for a new password or server of an account, which is tested before it is saved."""
    owned = ExternalAccount.objects.for_user(request.user).exclude(state=State.ARCHIVED)
    chosen = get_object_or_404(owned, public_id=account)
    policy, initial = policy_of(request.user), ladder.connection_of(chosen.incoming)
    protocol = Protocol(chosen.incoming.protocol)
    form = RenewalForm(
        request.POST or None, account=chosen, policy=policy, initial=initial, protocol=protocol
    )
    is_typed = request.method == "POST" and form.is_valid()
    if is_typed and (started := _begin(request, form, form.wanted_for(chosen), chosen)):
        return started
    app = authorizing.any_app_for(chosen.incoming.host)
    context = {"form": form, "account": chosen, "app": app}
    status = 422 if form.errors else 200
    return render(request, "accounts/account_connection.html", context, status=status)


@login_required
@require_GET
def probe(request: SignedInRequest, probe: UUID) -> HttpResponse:
    """Show how far a test has come; htmx asks for the ladder alone."""
    followed = get_object_or_404(Probe.objects.for_user(request.user), public_id=probe)
    part = request.headers.get("HX-Request") == "true"
    page = "accounts/_ladder.html" if part else "accounts/probe.html"
    return render(request, page, shown(followed) | {"is_part": part})


@login_required
@require_POST
def probe_again(request: SignedInRequest, probe: UUID) -> HttpResponse:
    """Test the same settings once more with the password kept for a while, else ask for it.

    A refused user name may be sent in another of its forms.
    """
    failed = get_object_or_404(Probe.objects.for_user(request.user), public_id=probe)
    try:
        next_one = _again(failed, request.POST.get("username", ""))
    except (SealBroken, AccountRefused) as error:
        return _back_to_form(request, failed, error)
    if failed.kind == ProbeKind.DOCTOR and failed.account is not None:
        return redirect("account_doctor", failed.account.public_id)
    return redirect("probe", next_one.public_id)


def _again(failed: Probe, username: str) -> Probe:
    now = timezone.now()
    if failed.kind == ProbeKind.DOCTOR:
        return onboarding.begin_doctor(failed.tested_account(), now=now)
    if failed.kind == ProbeKind.SENDING:
        again = onboarding.outgoing_again(failed)
        account = failed.tested_account()
        return onboarding.begin_sending_probe(account, again, now=now, setup=failed.setup)
    wanted = wanted_again(failed)
    if username in ladder.other_usernames(failed):
        wanted = replace(wanted, username=username)
    return onboarding.begin_probe(
        failed.owner, wanted, now=now, account=failed.account, setup=failed.setup
    )


def shown(probe: Probe) -> dict[str, Any]:
    """Return what the pages that follow a test show."""
    return {
        "probe": probe,
        "rungs": ladder.rungs(probe),
        "remarks": ladder.remarks(probe),
        "usernames": ladder.other_usernames(probe),
        "trouble": explain_once(probe.code, probe.facts) if probe.code else None,
        "asked": provider_help.after(probe),
        "report": report_of(probe) if probe.is_over else "",
        "chain": chain_of(probe),
        "rule": rule_of(probe),
        "certificate_report": certificate_report_of(probe) if probe.chain else "",
    }


def _begin(
    request: SignedInRequest,
    form: ConnectionForm,
    wanted: NewAccount,
    account: ExternalAccount,
) -> HttpResponse | None:
    """Begin the test and lead to its page, or put the reason against it on the form."""
    try:
        test = onboarding.begin_probe(request.user, wanted, now=timezone.now(), account=account)
    except AccountRefused as error:
        refuse(form, error)
        return None
    return redirect("probe", test.public_id)


def kept_password(failed: Probe | None) -> str | None:
    """Return the password of a failed test while it is kept; it is never part of a page."""
    try:
        return wanted_again(failed).password if failed else None
    except SealBroken:
        return None


def _back_to_form(request: SignedInRequest, failed: Probe, error: Exception) -> HttpResponse:
    if isinstance(error, AccountRefused):
        words = explain(error.code, error.facts)
        messages.error(request, f"{words.title} {words.advice}")
    else:
        messages.info(request, _("Please enter the password once more."))
    if failed.kind == ProbeKind.SENDING and failed.account is not None:
        return redirect("account_outgoing", failed.account.public_id)
    if failed.account is not None:
        return redirect("account_connection", failed.account.public_id)
    if failed.setup is not None:
        return redirect("account_add_incoming", failed.setup.public_id)
    return redirect("account_add")
