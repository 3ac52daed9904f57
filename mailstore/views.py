"""The mail pages: lists, one message, the rail, and the number that moved.

Every row is looked up among the reader's own; for anybody else, an administrator too, there is
nothing at these addresses.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import prefetch_related_objects
from django.http import (
    HttpResponse,
    HttpResponseNotModified,
    JsonResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from accounts import quotas
from accounts.models import ExternalAccount, User
from accounts.views import SignedInRequest
from mailstore import actions, listings, searches
from mailstore.contents import own_message
from mailstore.listings import Listing
from mailstore.models import DISCARDED, Role
from mailstore.paging import ORIGIN, Page, newest_id
from mailstore.providers import deletions
from mailstore.queries import unread_told, unread_total
from mailstore.rail import build_rail
from mailstore.reading.conversations import Conversation, alone, conversation_of
from mailstore.reading.letters import letters_of


@require_safe
@login_required
def home(request: SignedInRequest) -> HttpResponse:
    """Open the default account, else all inboxes together."""
    default = ExternalAccount.objects.for_user(request.user).filter(is_default=True).first()
    if default:
        return redirect("mail_folder", default.public_id, "inbox")
    return redirect("mail_all", "inbox")


@require_safe
@login_required
def merged(request: SignedInRequest, view: str) -> HttpResponse:
    """Show all accounts together: their inboxes, what is unread or starred, or what has a role."""
    return _list_page(request, listings.merged(view, request.GET))


@require_safe
@login_required
def folder(request: SignedInRequest, account: UUID, folder: str) -> HttpResponse:
    """Show one folder of one account."""
    own = get_object_or_404(ExternalAccount.objects.for_user(request.user), public_id=account)
    return _list_page(request, listings.folder_of(own, folder, request.GET))


@require_safe
@login_required
def labelled(request: SignedInRequest, label: UUID) -> HttpResponse:
    """Show what carries a label."""
    return _list_page(request, listings.labelled(request.user, label, request.GET))


@require_safe
@login_required
def search(request: SignedInRequest) -> HttpResponse:
    """Show what a search over all accounts finds; while it is being typed, the list alone."""
    listing = listings.search(request.GET)
    if searches.is_typed(request):
        if searches.is_too_short(listing.text):
            return HttpResponse(status=204)
        context = _surroundings(request, listing) | _rows(request, listing)
        return searches.follow_address(
            request, listing.url, render(request, "mailstore/_typed.html", context)
        )
    if _is_opened_by_reader(request):
        searches.remember(request, listing.text)
    return _list_page(request, listing)


@require_safe
@login_required
def message(request: SignedInRequest, account: UUID, message: UUID) -> HttpResponse:
    """Show one message beside its list, and mark it as read.

    This is the one change made by a GET: a mailbox is expected to do it, it can be repeated
    without harm, and a request that another site began or that only fetches ahead does not do it.
    """
    own = own_message(request, account, message)
    listing = listings.beside(request, own)
    conversation = conversation_of(request.user, own, listing.account)
    if request.htmx and request.GET.get("only"):
        conversation = alone(request.user, own)
    asked = bool(request.GET.get("images"))
    if _is_opened_by_reader(request):
        _mark_unfolded(request.user, conversation)
    context = {
        "message": own,
        "conversation": conversation,
        "letters": letters_of(request.user, conversation, with_images=own if asked else None),
        "is_dark": bool(request.GET.get("dark")),
        "acted_on": conversation.beside(own),
        **_surroundings(request, listing),
    }
    if request.htmx and request.GET.get("only"):
        letter = {"letter": context["letters"][0], "focuses": True}
        return render(request, "mailstore/_letter.html", context | letter)
    if not _wants_fragment(request):
        return render(request, "mailstore/mailbox.html", context | _rows(request, listing))
    response = render(request, "mailstore/_opened.html", context)
    if request.htmx.current_url_abs_path != request.get_full_path():
        response["HX-Push-Url"] = request.get_full_path()
    return response


@require_safe
@login_required
def rail(request: SignedInRequest) -> HttpResponse:
    """Return the rail alone, for pages whose own content does not bring it."""
    return render(request, "mailstore/_rail.html", {"rail": build_rail(request.user)})


@require_safe
@login_required
def changes(request: SignedInRequest) -> HttpResponse:
    """Answer 304 while ``since`` is still the reader's change number, else the new figures."""
    number = quotas.change_number(request.user.pk)
    if request.GET.get("since") == str(number):
        return HttpResponseNotModified()
    unread, told = unread_total(request.user), unread_told(request.user)
    return JsonResponse({"change": number, "unread": unread, "told": told})


def _list_page(request: SignedInRequest, listing: Listing) -> HttpResponse:
    rows = _rows(request, listing)
    if _is_off(listing, rows["page"]):
        return redirect(listing.newest_url)
    template = "_refreshed" if _wants_fragment(request) else "mailbox"
    return render(request, f"mailstore/{template}.html", _surroundings(request, listing) | rows)


def _is_off(listing: Listing, page: Page) -> bool:
    """Tell whether nothing is left here, or the newest page would begin in the middle."""
    if listing.after and listing.after != ORIGIN and not page.newer_key:
        return True
    return not page.rows and bool(listing.before or listing.after)


def _surroundings(request: SignedInRequest, listing: Listing) -> dict[str, Any]:
    """Gather what every mail page needs: which list it belongs to, and the rail."""
    return {
        "listing": listing,
        "query": listing.text,
        "rail": build_rail(request.user),
        "at": listing.path,
        "at_account": listing.account,
        "told": unread_told(request.user),
    }


def _rows(request: SignedInRequest, listing: Listing) -> dict[str, Any]:
    """Read one page of the list."""
    # Before the rows: what comes while they are read must not be acted on unseen.
    newest = newest_id()
    place = listing.place(request.user)
    page = listing.read(request.user, place)
    if listing.role == Role.SNOOZED:
        prefetch_related_objects(page.messages, "snooze")
    is_bin = listing.role in DISCARDED
    rows = {
        "page": page,
        "older_url": page.older_key and listing.older_url(page.older_key),
        "newer_url": page.newer_key and listing.newer_url(page.newer_key),
        "is_merged": listing.account is None,
        "newest": newest,
        "total": None if listing.text else place.total,
        "deletions": deletions(request.user) if is_bin else None,
        "is_bin": is_bin,
    }
    if listing.within == "search":
        rows |= searches.surroundings(request, listing.text, page.messages)
    return rows


def _mark_unfolded(user: User, conversation: Conversation) -> None:
    """Mark as read what the page shows whole."""
    if unread := conversation.to_read():
        actions.mark_seen(user, [one.public_id for one in unread], seen=True)
        for one in unread:
            one.seen = True


def _is_opened_by_reader(request: SignedInRequest) -> bool:
    ahead = "prefetch" in request.headers.get("Sec-Purpose", "")
    return not ahead and request.headers.get("Sec-Fetch-Site") != "cross-site"


def _wants_fragment(request: SignedInRequest) -> bool:
    """Tell whether htmx swaps the answer into the page; going back in history needs it whole."""
    return bool(request.htmx) and not request.htmx.history_restore_request
