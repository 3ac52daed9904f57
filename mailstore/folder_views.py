"""Settings → Folders: what every account has and how large it is; making, changing, removing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import ExternalAccount, IncomingServer, User
from accounts.views import SignedInRequest, back_from
from mailstore import purging, trees
from mailstore.folder_forms import NEVER, FolderForm, KeepingForm, RemovalForm
from mailstore.folders import in_order, make_role_folders
from mailstore.models import DISCARDED, Folder, Role
from mailstore.trees import FolderRefused

TAKEN = {
    "name": gettext_lazy("There is a folder with this name already."),
    "parent": gettext_lazy("The folder cannot stand there."),
}
# Where mail may go when its folder is removed; Trash first, the others fill themselves.
HOMES = (Role.TRASH, Role.ARCHIVE, Role.INBOX)


@dataclass(frozen=True, slots=True)
class Section:
    """One account with the folders that every account has and its own; where it fetches from."""

    account: ExternalAccount
    fixed: Sequence[Folder]
    own: Sequence[Folder]
    incoming: IncomingServer | None


@require_safe
@login_required
def show_folders(request: SignedInRequest) -> HttpResponse:
    """Show all folders, account by account, and how long thrown-away mail is kept."""
    days = request.user.purge_days
    context = {
        "sections": _sections(request.user),
        "form": KeepingForm(initial={"days": NEVER if days is None else days}),
    }
    return render(request, "mailstore/folders.html", context)


@login_required
@require_POST
def keep_discarded(request: SignedInRequest) -> HttpResponse:
    """Keep how many days mail stays in Trash and Spam."""
    form = KeepingForm(request.POST)
    if form.is_valid():
        request.user.purge_days = form.chosen
        request.user.save(update_fields=["purge_days"])
        messages.success(request, _("Saved."))
    return redirect("folders")


@login_required
@require_http_methods(["GET", "POST"])
def folder_add(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Make a folder in an account."""
    own = get_object_or_404(ExternalAccount.objects.for_user(request.user), public_id=account)
    places = trees.places(None, trees.own_folders(own))
    form = FolderForm(
        request.POST or None, places=places, initial={"parent": request.GET.get("in")}
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = trees.make(own, **form.cleaned_data)
        except FolderRefused as refused:
            form.add_error(refused.field, TAKEN[refused.field])
        else:
            messages.success(request, _("The folder “%(name)s” was made.") % {"name": made})
            return redirect(_place_of(own))
    context = {"form": form, "account": own}
    return render(request, "mailstore/folder.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def folder_edit(request: SignedInRequest, folder: UUID) -> HttpResponse:
    """Give a folder another name or place."""
    own = _own(request.user, folder)
    places = trees.places(own, trees.own_folders(own.account))
    initial = {"name": own.name, "parent": own.parent and own.parent.public_id}
    form = FolderForm(request.POST or None, places=places, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            trees.change(own, **form.cleaned_data)
        except FolderRefused as refused:
            form.add_error(refused.field, TAKEN[refused.field])
        else:
            messages.success(request, _("Saved."))
            return redirect(_place_of(own.account))
    context = {"form": form, "account": own.account, "folder": own}
    return render(request, "mailstore/folder.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def folder_remove(request: SignedInRequest, folder: UUID) -> HttpResponse:
    """Remove a folder and those in it, once it is said where their mail goes."""
    own = _own(request.user, folder)
    ordered = trees.own_folders(own.account)
    doomed = trees.branch(own, ordered)
    form = RemovalForm(request.POST or None, targets=_targets(own.account, ordered, doomed))
    if request.method == "POST" and form.is_valid():
        count = trees.remove(request.user, own, form.cleaned_data["to"])
        words = ngettext(
            "The folder “%(name)s” was removed; %(count)d message was moved.",
            "The folder “%(name)s” was removed; %(count)d messages were moved.",
            count,
        )
        messages.success(request, words % {"name": own, "count": count})
        return redirect(_place_of(own.account))
    context = {
        "form": form,
        "account": own.account,
        "folder": own,
        "inside": doomed[1:],
        "total": sum(one.total for one in doomed),
    }
    return render(request, "mailstore/folder_remove.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def empty_now(request: SignedInRequest, role: str) -> HttpResponse:
    """Erase all that lies in Trash or Spam, of all accounts, once that has been confirmed."""
    folders = Folder.objects.for_user(request.user).filter(role=role, role__in=DISCARDED)
    if request.method == "POST" and role in DISCARDED:
        count = purging.ask_to_empty(request.user, Role(role), now=timezone.now())
        words = ngettext(
            "%(count)d message is erased for ever.",
            "%(count)d messages are erased for ever.",
            count,
        )
        messages.success(request, words % {"count": count})
        return redirect(back_from(request, "folders"))
    full = [folder for folder in folders.select_related("account") if folder.total]
    if not full:
        return redirect("folders")
    context = {
        "folders": full,
        "role": Role(role),
        "total": sum(folder.total for folder in full),
        "size": sum(folder.size for folder in full),
    }
    return render(request, "mailstore/empty_now.html", context)


def _sections(user: User) -> list[Section]:
    order = {role: place for place, role in enumerate(Role)}
    sections = []
    known = Folder.objects.for_user(user).select_related("account")
    accounts = list(ExternalAccount.objects.for_user(user).select_related("incoming"))
    for account in accounts:
        mine = [folder for folder in known if folder.account_id == account.pk]
        fixed = sorted((one for one in mine if one.role), key=lambda one: order[Role(one.role)])
        own = in_order(one for one in mine if not one.role)
        sections.append(Section(account, fixed, own, getattr(account, "incoming", None)))
    return sections


def _targets(
    account: ExternalAccount, ordered: Sequence[Folder], doomed: Sequence[Folder]
) -> list[Folder]:
    make_role_folders(account)
    fixed = {
        folder.role: folder for folder in Folder.objects.filter(account=account, role__in=HOMES)
    }
    return [*(fixed[role] for role in HOMES), *(one for one in ordered if one not in doomed)]


def _own(user: User, folder: UUID) -> Folder:
    """Return one of a person's own folders; those that every account has stay as they are."""
    mine = Folder.objects.for_user(user).filter(account__in=ExternalAccount.objects.for_user(user))
    return get_object_or_404(mine.select_related("account", "parent"), public_id=folder, role="")


def _place_of(account: ExternalAccount) -> str:
    return f"{reverse('folders')}#account-{account.public_id}"
