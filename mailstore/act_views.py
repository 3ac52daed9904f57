"""What is done from the lists and the reader: act, confirm, choose where to, take back."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.views import SignedInRequest, back_from, uuids
from mailstore import actions
from mailstore.acting import ASK_ERASE, ASK_MOVE, Wish, grant, read_wish, told
from mailstore.providers import deletions
from mailstore.rail import build_rail

# What a page that asks back sends along; ids of their own verbs come as ticked ones.
KEPT = ("ids", "all", "in", "account", "q", "next")
UNDO = "undo-"


@require_POST
@login_required
def act(request: SignedInRequest) -> HttpResponse:
    """Do something with messages, or ask first, and go back to ``next``."""
    wish = read_wish(request.user, request.POST)
    if wish and wish.verb in {ASK_ERASE, ASK_MOVE}:
        return _ask(request, wish)
    if wish:
        done = grant(request.user, wish)
        if words := told(wish, done):
            messages.success(request, words, extra_tags=f"{UNDO}{done.undo}" if done.undo else "")
    return redirect(back_from(request, "mail_home"))


@require_POST
@login_required
def undo(request: SignedInRequest) -> HttpResponse:
    """Take back what was done last, and go back to ``next``."""
    ids = uuids([request.POST.get("undo", "").removeprefix(UNDO)])
    count = sum(actions.undo(request.user, one) for one in ids)
    if count:
        words = ngettext(
            "Undone: %(number)d message is as it was.",
            "Undone: %(number)d messages are as they were.",
            count,
        )
        messages.success(request, words % {"number": count})
    else:
        messages.warning(request, _("This can no longer be undone."))
    return redirect(back_from(request, "mail_home"))


def _ask(request: SignedInRequest, wish: Wish) -> HttpResponse:
    """Show a page that asks, for browsers without scripts; with them a dialog in the list does."""
    kept = [(name, value) for name in KEPT for value in request.POST.getlist(name)]
    one = request.POST.getlist(wish.verb)
    context = {
        "kept": kept + [("ids", value) for value in one],
        "back": back_from(request, "mail_home"),
        "count": wish.messages.count(),
        "rail": build_rail(request.user),
        "deletions": deletions(request.user),
    }
    page = "erase" if wish.verb == ASK_ERASE else "move"
    return render(request, f"mailstore/ask_{page}.html", context)
