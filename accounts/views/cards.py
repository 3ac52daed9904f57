"""The mail accounts of a person: their cards, and what can be done with each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import order, pace, quotas, roster
from accounts.cards import card_for
from accounts.explain import explain
from accounts.forms.account import KEEP, AccountSettingsForm, FetchingForm, RemoveForm
from accounts.lifecycle import AccountMoved, IllegalTransition
from accounts.models import ExternalAccount
from accounts.policy import OUTSIDE, policy_of
from accounts.progress import together
from accounts.steps import place_of
from accounts.troubles import Step
from accounts.views import SignedInRequest, uuids


@login_required
@require_GET
def mail_accounts(request: SignedInRequest) -> HttpResponse:
    """List the cards of a person's accounts, and say so where none may be added."""
    objection = policy_of(request.user).against(OUTSIDE)
    refusal = explain(objection.code, objection.facts) if objection else None
    context = _cards(request) | {"refusal": refusal}
    return render(request, "accounts/mail_accounts.html", context)


@login_required
@require_GET
def account_cards(request: SignedInRequest) -> HttpResponse:
    """Return the cards alone, as they are now, for the page that follows them."""
    return render(request, "accounts/_cards.html", _cards(request))


@login_required
@require_http_methods(["GET", "POST"])
def account_settings(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Change how an account is called and shown."""
    chosen = _find(request, account)
    form = AccountSettingsForm(request.POST or None, instance=chosen)
    return _keep(request, form, "account_settings")


@login_required
@require_http_methods(["GET", "POST"])
def account_fetching(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Change how often an account is fetched and how much at once."""
    chosen = _find(request, account)
    plan = quotas.plan_of(request.user)
    form = FetchingForm(request.POST or None, instance=chosen, plan=plan)
    return _keep(request, form, "account_fetching")


@login_required
@require_POST
def account_pause(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Stop fetching, or go on: the button shows which."""
    chosen, wanted = _find(request, account), request.POST.get("to")
    verb = roster.resume if wanted == "active" else roster.pause
    try:
        verb(chosen, now=timezone.now())
    except (AccountMoved, IllegalTransition):
        # The page was older than the account, for example in a second tab.
        messages.info(request, _("The account had changed meanwhile."))
    return redirect("mail_accounts")


@login_required
@require_POST
def account_default(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Make this the account that opens first."""
    roster.make_default(_find(request, account))
    return redirect("mail_accounts")


@login_required
@require_POST
def account_move(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Move an account by one place; the button shows which way."""
    chosen = _find(request, account)
    order.move(chosen, -1 if request.POST.get("to") == "up" else 1)
    return redirect(place_of(Step.LOOK, chosen))


@login_required
@require_POST
def account_order(request: SignedInRequest) -> HttpResponse:
    """Put the accounts into the order in which their cards were dropped."""
    order.arrange(request.user, uuids(request.POST.getlist("account")))
    return redirect("mail_accounts")


@login_required
@require_http_methods(["GET", "POST"])
def account_remove(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Remove an account and keep or erase its mail here, once its address has been typed."""
    chosen = _find(request, account)
    form = RemoveForm(request.POST or None, account=chosen)
    if request.method == "POST" and form.is_valid():
        keep_mail = form.cleaned_data["mail"] == KEEP
        roster.remove_account(chosen, now=timezone.now(), keep_mail=keep_mail)
        said = _("%(name)s was archived.") if keep_mail else _("%(name)s was removed.")
        messages.success(request, said % {"name": chosen.name})
        return redirect("mail_accounts")
    context = {"form": form, "account": chosen}
    status = 422 if form.errors else 200
    return render(request, "accounts/account_remove.html", context, status=status)


def _cards(request: SignedInRequest) -> dict[str, Any]:
    """Return each account's card, and how far all that are being fetched are together."""
    now, plan = timezone.now(), quotas.plan_of(request.user)
    owned = ExternalAccount.objects.for_user(request.user).select_related("incoming", "outgoing")
    owned = owned.prefetch_related("credentials")
    cards = [card_for(account, now=now, plan=plan) for account in owned]
    return {"cards": cards, "total": together(card.progress for card in cards if card.is_busy)}


def _keep(
    request: SignedInRequest, form: AccountSettingsForm | FetchingForm, page: str
) -> HttpResponse:
    """Show a form about an account, or keep what was typed into it."""
    account: ExternalAccount = form.instance
    if request.method == "POST" and form.is_valid():
        pace.keep_settings(account, form.changed_data, now=timezone.now())
        messages.success(request, _("Saved."))
        return redirect(page, account.public_id)
    context = {"form": form, "account": account}
    status = 422 if form.errors else 200
    return render(request, f"accounts/{page}.html", context, status=status)


def _find(request: SignedInRequest, account: UUID) -> ExternalAccount:
    owned = ExternalAccount.objects.for_user(request.user).select_related("incoming")
    return get_object_or_404(owned, public_id=account)
