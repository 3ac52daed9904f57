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

from accounts import pace, quotas, roster
from accounts.cards import card_for
from accounts.forms import AccountSettingsForm, RemoveForm
from accounts.lifecycle import AccountMoved, IllegalTransition
from accounts.models import ExternalAccount
from accounts.progress import together
from accounts.views import SignedInRequest


@login_required
@require_GET
def mail_accounts(request: SignedInRequest) -> HttpResponse:
    """List the cards of a person's accounts."""
    return render(request, "accounts/mail_accounts.html", _cards(request))


@login_required
@require_GET
def account_cards(request: SignedInRequest) -> HttpResponse:
    """Return the cards alone, as they are now, for the page that follows them."""
    return render(request, "accounts/_cards.html", _cards(request))


@login_required
@require_http_methods(["GET", "POST"])
def account_settings(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Change how an account is called and shown, how often it is fetched and how much."""
    chosen = _find(request, account)
    plan = quotas.plan_of(request.user)
    form = AccountSettingsForm(request.POST or None, instance=chosen, plan=plan)
    if request.method == "POST" and form.is_valid():
        pace.keep_settings(form.instance, form.changed_data, now=timezone.now())
        messages.success(request, _("Saved."))
        return redirect("mail_accounts")
    context = {"form": form, "account": chosen}
    status = 422 if form.errors else 200
    return render(request, "accounts/account_settings.html", context, status=status)


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
@require_http_methods(["GET", "POST"])
def account_remove(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Remove an account and its mail here, once its address has been typed."""
    chosen = _find(request, account)
    form = RemoveForm(request.POST or None, address=chosen.address)
    if request.method == "POST" and form.is_valid():
        roster.remove_account(chosen, now=timezone.now())
        messages.success(request, _("%(name)s was removed.") % {"name": chosen.name})
        return redirect("mail_accounts")
    context = {"form": form, "account": chosen}
    status = 422 if form.errors else 200
    return render(request, "accounts/account_remove.html", context, status=status)


def _cards(request: SignedInRequest) -> dict[str, Any]:
    """Return each account's card, and how far all that are being fetched are together."""
    now, plan = timezone.now(), quotas.plan_of(request.user)
    owned = ExternalAccount.objects.for_user(request.user).select_related("incoming")
    cards = [card_for(account, now=now, plan=plan) for account in owned]
    return {"cards": cards, "total": together(card.progress for card in cards if card.is_busy)}


def _find(request: SignedInRequest, account: UUID) -> ExternalAccount:
    owned = ExternalAccount.objects.for_user(request.user).select_related("incoming")
    return get_object_or_404(owned, public_id=account)
