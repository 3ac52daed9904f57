"""Adding an account: the form, and the page that follows the test of its server."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import ladder, onboarding, quotas
from accounts.explain import explain
from accounts.forms import AccountForm, ConnectionForm, refuse
from accounts.models import ExternalAccount, Probe, State
from accounts.models.probe import ProbeState
from accounts.onboarding import AccountRefused, NewAccount, wanted_again
from accounts.policy import policy_of
from accounts.vault import SealBroken
from accounts.views import SignedInRequest


@login_required
@require_http_methods(["GET", "POST"])
def account_add(request: SignedInRequest) -> HttpResponse:
    """Ask for an account's settings; ``?again=`` fills in those of a test that failed."""
    failed = _failed_test(request)
    form = AccountForm(
        request.POST or None,
        policy=policy_of(request.user),
        kept=_kept_password(failed),
        initial=ladder.typed_before(failed) if failed else None,
    )
    if request.method == "POST" and form.is_valid():
        wanted = form.wanted(form.cleaned_data["address"], form.cleaned_data["name"])
        if started := _begin(request, form, wanted):
            return started
    status = 422 if form.errors else 200
    return render(request, "accounts/account_add.html", {"form": form}, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def account_connection(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Ask for a new password or server of an account, which is tested before it is saved."""
    owned = ExternalAccount.objects.for_user(request.user).exclude(state=State.ARCHIVED)
    chosen = get_object_or_404(owned, public_id=account)
    policy, initial = policy_of(request.user), ladder.connection_of(chosen.incoming)
    form = ConnectionForm(request.POST or None, policy=policy, initial=initial)
    if request.method == "POST" and form.is_valid():
        wanted = form.wanted(chosen.address, chosen.name)
        if started := _begin(request, form, wanted, chosen):
            return started
    context = {"form": form, "account": chosen}
    status = 422 if form.errors else 200
    return render(request, "accounts/account_connection.html", context, status=status)


@login_required
@require_GET
def probe(request: SignedInRequest, probe: UUID) -> HttpResponse:
    """Show how far a test has come; htmx asks for the ladder alone."""
    followed = get_object_or_404(Probe.objects.for_user(request.user), public_id=probe)
    context = {
        "probe": followed,
        "rungs": ladder.rungs(followed),
        "trouble": explain(followed.code, followed.facts) if followed.code else None,
        "room": quotas.room_left(request.user.pk),
    }
    part = request.headers.get("HX-Request") == "true"
    return render(request, "accounts/_ladder.html" if part else "accounts/probe.html", context)


@login_required
@require_POST
def probe_again(request: SignedInRequest, probe: UUID) -> HttpResponse:
    """Test the same settings once more with the password kept for a while, else ask for it."""
    failed = get_object_or_404(Probe.objects.for_user(request.user), public_id=probe)
    try:
        next_one = onboarding.begin_probe(
            request.user, wanted_again(failed), now=timezone.now(), account=failed.account
        )
    except (SealBroken, AccountRefused) as error:
        return _back_to_form(request, failed, error)
    return redirect("probe", next_one.public_id)


def _begin(
    request: SignedInRequest,
    form: ConnectionForm,
    wanted: NewAccount,
    account: ExternalAccount | None = None,
) -> HttpResponse | None:
    """Begin the test and lead to its page, or put the reason against it on the form."""
    try:
        test = onboarding.begin_probe(request.user, wanted, now=timezone.now(), account=account)
    except AccountRefused as error:
        refuse(form, error)
        return None
    return redirect("probe", test.public_id)


def _failed_test(request: SignedInRequest) -> Probe | None:
    try:
        wanted = UUID(request.GET.get("again", ""))
    except ValueError:
        return None
    failed = Probe.objects.for_user(request.user).filter(state=ProbeState.FAILED)
    return failed.filter(public_id=wanted, account=None).first()


def _kept_password(failed: Probe | None) -> str | None:
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
    if failed.account is not None:
        return redirect("account_connection", failed.account.public_id)
    return redirect(f"{reverse('account_add')}?again={failed.public_id}")
