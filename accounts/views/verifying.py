"""Codes under Send Mail As: sending one and typing it, in a dialog or on a page of its own."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.explain import explain
from accounts.forms.identities import CodeForm
from accounts.identities import proof_of, proved_uses, unproved
from accounts.identity_cards import cards_of, waiting_for
from accounts.models import Identity, Use
from accounts.verification import CodeRefused, Standing, confirm_code, last_code, send_code
from accounts.verification import standing as standing_of
from accounts.views import SignedInRequest
from accounts.views.identities import find, place_of

PAGES = {Use.SEND_AS: "identity_verify", Use.REPLY_TO: "identity_verify_reply_to"}


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def identity_verify(request: SignedInRequest, identity: UUID, use: Use) -> HttpResponse:
    """Ask for the code and check it."""
    chosen = find(request, identity)
    if _is_proved(chosen, use):
        return _verified(request, chosen)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            confirm_code(proof_of(chosen, use), form.cleaned_data["code"], now=timezone.now())
        except CodeRefused as error:
            form.add_error("code", _words(error))
        else:
            return _verified(request, chosen)
    return _show(request, chosen, use, form)


@login_required
@require_POST
def identity_code(request: SignedInRequest, identity: UUID, use: Use) -> HttpResponse:
    """Have a code mailed: a new one where that is asked for, else only where none is open."""
    chosen, now = find(request, identity), timezone.now()
    if _is_proved(chosen, use):
        return _verified(request, chosen)
    proof, refused = proof_of(chosen, use), ""
    is_open = standing_of(last_code(proof), now=now) in {Standing.COMING, Standing.WAITING}
    if request.POST.get("new") or not is_open:
        try:
            send_code(proof, now=now)
        except CodeRefused as error:
            refused = _words(error)
    if request.htmx:
        return _show(request, chosen, use, CodeForm(), refused)
    if refused:
        messages.error(request, refused)
    return redirect(PAGES[use], chosen.public_id)


def _is_proved(identity: Identity, use: Use) -> bool:
    return use not in unproved(identity, proved_uses(identity.owner_id))


def _show(
    request: SignedInRequest, identity: Identity, use: Use, form: CodeForm, refused: str = ""
) -> HttpResponse:
    now, proof = timezone.now(), proof_of(identity, use)
    context = {
        "identity": identity,
        "waiting": waiting_for(proof, last_code(proof), now=now),
        "form": form,
        "refused": refused,
    }
    if request.htmx:
        context["card"] = _card(request, identity)
        return render(request, "accounts/_verify_dialog.html", context)
    status = 422 if form.errors else 200
    return render(request, "accounts/identity_verify.html", context, status=status)


def _verified(request: SignedInRequest, identity: Identity) -> HttpResponse:
    if request.htmx:
        context = {"identity": identity, "card": _card(request, identity), "verified": True}
        return render(request, "accounts/_verify_dialog.html", context)
    messages.success(request, _("Verified."))
    return redirect(place_of(identity))


def _card(request: SignedInRequest, identity: Identity) -> object:
    cards = cards_of(request.user, now=timezone.now())
    return next(card for card in cards if card.identity.pk == identity.pk)


def _words(error: CodeRefused) -> str:
    words = explain(error.code, error.facts)
    return f"{words.title} {words.advice}"
