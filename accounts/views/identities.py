"""Send Mail As: the list of addresses, and adding, changing and removing them."""

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

from accounts import identities
from accounts.explain import explain
from accounts.forms.identities import IdentityForm, NewIdentityForm
from accounts.identities import IdentityNotVerified, IdentityRefused, identities_of
from accounts.identity_cards import cards_of
from accounts.models import ExternalAccount, Identity, Use
from accounts.views import SignedInRequest


@login_required
@require_GET
def send_mail_as(request: SignedInRequest) -> HttpResponse:
    """List every address with its state."""
    cards = cards_of(request.user, now=timezone.now())
    return render(request, "accounts/send_mail_as.html", {"cards": cards})


@login_required
@require_http_methods(["GET", "POST"])
def identity_add(request: SignedInRequest) -> HttpResponse:
    """Add an address; a code goes to it at once unless it is proved already."""
    if not ExternalAccount.objects.for_user(request.user).exists():
        return redirect("account_add")
    form = NewIdentityForm(request.POST or None, owner=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            added = identities.add_identity(**form.cleaned_data)
        except IdentityRefused as error:
            words = explain(error.code, error.facts)
            form.add_error("address", f"{words.title} {words.advice}")
        else:
            return _ask(request, added)
    status = 422 if form.errors else 200
    return render(request, "accounts/identity_form.html", {"form": form}, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def identity_edit(request: SignedInRequest, identity: UUID) -> HttpResponse:
    """Change name and Reply-To; a new Reply-To gets a code unless it is proved already."""
    chosen = find(request, identity)
    initial = {"name": chosen.name, "reply_to": chosen.reply_to}
    form = IdentityForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        identities.change(chosen, **form.cleaned_data)
        if "reply_to" in form.changed_data:
            return _ask(request, chosen)
        messages.success(request, _("Saved."))
        return redirect(place_of(chosen))
    context = {"form": form, "identity": chosen}
    status = 422 if form.errors else 200
    return render(request, "accounts/identity_form.html", context, status=status)


@login_required
@require_POST
def identity_default(request: SignedInRequest, identity: UUID) -> HttpResponse:
    """Make this the From that new mail of its account is written with."""
    chosen = find(request, identity)
    try:
        identities.make_default(chosen)
    except IdentityNotVerified as error:
        words = explain(error.code, error.facts)
        messages.error(request, f"{words.title} {words.advice}")
    return redirect(place_of(chosen))


@login_required
@require_http_methods(["GET", "POST"])
def identity_remove(request: SignedInRequest, identity: UUID) -> HttpResponse:
    """Remove an address, once that has been confirmed; the account's own one stays."""
    chosen = find(request, identity)
    if identities.is_own(chosen):
        return redirect(place_of(chosen))
    if request.method == "POST":
        identities.remove(chosen)
        messages.success(request, _("%(name)s was removed.") % {"name": chosen.address})
        return redirect("send_mail_as")
    return render(request, "accounts/identity_remove.html", {"identity": chosen})


def find(request: SignedInRequest, identity: UUID) -> Identity:
    """Return one of the person's own addresses, or answer 404."""
    return get_object_or_404(identities_of(request.user), public_id=identity)


def place_of(identity: Identity) -> str:
    """Return the address of its row."""
    return f"{reverse('send_mail_as')}#identity-{identity.public_id}"


def _ask(request: SignedInRequest, identity: Identity) -> HttpResponse:
    """Lead to the page for the code that was mailed, if one is needed."""
    missing = identities.ask_for_proofs(identity, now=timezone.now())
    if not missing:
        messages.success(request, _("Saved."))
        return redirect(place_of(identity))
    name = "identity_verify" if missing[0] is Use.SEND_AS else "identity_verify_reply_to"
    return redirect(name, identity.public_id)
