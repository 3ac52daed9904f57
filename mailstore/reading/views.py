"""What a reader decides about a sender: whose pictures show, and which list to leave."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.views import SignedInRequest, back_from
from mailstore.contents import own_message
from mailstore.models import Unsubscription
from mailstore.reading import remote_images, unsubscribing
from mailstore.reading.letters import contents_of


@require_POST
@login_required
def images_of_sender(request: SignedInRequest, account: UUID, message: UUID) -> HttpResponse:
    """Let the remote pictures of a message's sender always show, or not, and go back."""
    own = own_message(request, account, message)
    decide = remote_images.distrust if request.POST.get("ask") else remote_images.trust
    if own.sender_address:
        decide(request.user, own.sender_address)
    return redirect(back_from(request, reverse("mail_message", args=[account, message])))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def unsubscribe(request: SignedInRequest, account: UUID, message: UUID) -> HttpResponse:
    """Ask a message's list to be left, and go back; a GET tells how that stands."""
    own = own_message(request, account, message)
    contents = contents_of(own)
    if request.method == "POST":
        if contents.may_leave_at_once:
            unsubscribing.ask(request.user, own, now=timezone.now())
        return redirect(back_from(request, reverse("mail_message", args=[account, message])))
    wish = Unsubscription.objects.filter(message=own).first()
    context = {"one": own, "contents": contents, "wish": wish}
    return render(request, "mailstore/_unsubscribe.html", context)
