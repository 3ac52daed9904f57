"""Adding an account step by step: address, type and provider, incoming mail; then it is tested."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from accounts import authorizing, identity_cards, onboarding, provider_help, setups
from accounts.cards import card_for
from accounts.explain import Explanation, explain
from accounts.forms.adding import AddressForm, IncomingForm, TypeForm
from accounts.forms.connection import refuse
from accounts.models import ExternalAccount, Setup, State
from accounts.onboarding import AccountRefused
from accounts.policy import PROTOCOLS, policy_of
from accounts.views import SignedInRequest, is_leaving, left, uuids
from accounts.views.adding import kept_password
from wire.endpoint import Protocol

LAST_STEP = 6


@login_required
@require_http_methods(["GET", "POST"])
def account_add(request: SignedInRequest) -> HttpResponse:
    """Ask for the address, from which the rest mostly follows."""
    before = _begun_before(request)
    form = AddressForm(request.POST or None, initial={"address": before.address if before else ""})
    if request.method == "POST" and form.is_valid():
        by_hand = "by_hand" in request.POST
        address = form.cleaned_data["address"]
        if before and not by_hand and setups.serves(before, address):
            return redirect("account_add_type", before.public_id)
        try:
            begun = setups.begin(request.user, address, now=timezone.now(), by_hand=by_hand)
            return redirect("account_add_type", begun.public_id)
        except AccountRefused as error:
            refuse(form, error)
    context = {"form": form, "helped": provider_help.linked()}
    return _page(request, "accounts/account_add.html", context, step=1)


@login_required
@require_http_methods(["GET", "POST"])
def account_add_type(request: SignedInRequest, setup: UUID) -> HttpResponse:
    """Ask for type and provider, after waiting for the look-up; htmx asks whether it is over."""
    chosen = _find(request, setup)
    if setups.is_searching(chosen, timezone.now()) and "by_hand" not in request.GET:
        return _searching(request, chosen)
    if request.htmx:
        return HttpResponseClientRefresh()
    protocols = onboarding.offered(policy_of(request.user))
    first = setups.suggested(chosen, protocols)
    form = TypeForm(request.POST or None, setup=chosen, protocols=protocols, initial=first)
    if request.method == "POST":
        is_valid = form.is_valid()
        if is_valid or is_leaving(request):
            setups.remember(chosen, form.cleaned_data)
        if is_leaving(request):
            back = f"{reverse('account_add')}?setup={chosen.public_id}"
            return left(request, back)
        if is_valid:
            return redirect("account_add_incoming", chosen.public_id)
    context = {"form": form, "setup": chosen, "refused": _none_allowed(request, protocols)}
    return _page(request, "accounts/account_type.html", context, step=2)


@login_required
@require_http_methods(["GET", "POST"])
def account_add_incoming(request: SignedInRequest, setup: UUID) -> HttpResponse:
    """Ask for server and password, filled in as far as they are known; then test them."""
    chosen = _find(request, setup)
    if not setups.is_chosen(chosen):
        return redirect("account_add_type", chosen.public_id)
    form = _incoming_form(request, chosen)
    if request.method == "POST":
        setups.remember(chosen, form.typed())
        if is_leaving(request):
            return left(request, reverse("account_add_type", args=[chosen.public_id]))
        begin = _begin_trip if "authenticate" in request.POST else _begin_test
        if form.is_valid() and (started := begin(request, form, chosen)):
            return started
    provider = chosen.typed["provider"]
    context = {
        "form": form,
        "setup": chosen,
        "asked": provider_help.asked_by(provider),
        "proposed": setups.proposal(chosen, provider, form.protocol),
        "app": authorizing.any_app_for(str(form["host"].value() or "")),
        "takes_passwords": setups.takes_passwords(provider),
    }
    return _page(request, "accounts/account_incoming.html", context, step=3)


@login_required
@require_GET
def account_added(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Follow the first fetch of an account; htmx asks for its progress alone."""
    owned = ExternalAccount.objects.for_user(request.user).exclude(state=State.ARCHIVED)
    chosen = get_object_or_404(owned.select_related("incoming"), public_id=account)
    now = timezone.now()
    lines = identity_cards.unproved_lines(request.user, chosen, now=now)
    context = {
        "account": chosen,
        "card": card_for(chosen, now=now),
        "coded": [line.address for line in lines if line.has_code],
        "unproved": [line.address for line in lines if not line.has_code],
    }
    part = "accounts/_first_fetch.html" if request.htmx else "accounts/account_added.html"
    return _page(request, part, context, step=LAST_STEP)


def _searching(request: SignedInRequest, setup: Setup) -> HttpResponse:
    if request.htmx:
        return HttpResponse(status=204)
    return _page(request, "accounts/account_search.html", {"setup": setup}, step=2)


def _none_allowed(request: SignedInRequest, protocols: list[Protocol]) -> Explanation | None:
    """Say which rule forbids every type of account, if one does."""
    objection = None if protocols else policy_of(request.user).against(PROTOCOLS[Protocol.POP3])
    return explain(objection.code, objection.facts) if objection else None


def _incoming_form(request: SignedInRequest, setup: Setup) -> IncomingForm:
    form = IncomingForm(
        request.POST or None,
        policy=policy_of(request.user),
        protocol=Protocol(setup.typed["protocol"]),
        kept=kept_password(setups.last_failed(setup)),
        initial=setups.initial(setup),
    )
    if "authenticate" in request.POST:
        form.fields["password"].required = False
    return form


def _begin_trip(request: SignedInRequest, form: IncomingForm, setup: Setup) -> HttpResponse | None:
    """Lead to the provider's own sign-in instead of testing a password."""
    wanted, by_device = form.wanted_for(setup.address), request.POST["authenticate"] == "device"
    app = authorizing.app_for(wanted.host, by_device=by_device)
    if app is None:
        return None
    try:
        trip = authorizing.begin(
            app,
            wanted,
            owner=request.user,
            browser=authorizing.browser_of(request.session.session_key),
            now=timezone.now(),
            by_device=by_device,
            setup=setup,
        )
    except AccountRefused as error:
        refuse(form, error)
        return None
    return redirect("authorization", trip.public_id)


def _begin_test(request: SignedInRequest, form: IncomingForm, setup: Setup) -> HttpResponse | None:
    wanted = form.wanted_for(setup.address)
    try:
        test = onboarding.begin_probe(request.user, wanted, now=timezone.now(), setup=setup)
    except AccountRefused as error:
        refuse(form, error)
        return None
    return redirect("probe", test.public_id)


def _begun_before(request: SignedInRequest) -> Setup | None:
    """Return the walk that ``?setup=`` comes back from, so that nothing need be typed twice."""
    named = uuids([request.GET.get("setup", "")])
    return Setup.objects.for_user(request.user).filter(public_id__in=named).first()


def _find(request: SignedInRequest, setup: UUID) -> Setup:
    return get_object_or_404(Setup.objects.for_user(request.user), public_id=setup)


def _page(
    request: SignedInRequest, template: str, context: dict[str, object], *, step: int
) -> HttpResponse:
    form = context.get("form")
    status = 422 if getattr(form, "errors", None) else 200
    return render(request, template, context | {"step": step}, status=status)
