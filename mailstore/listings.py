"""Which list a page shows, as addresses tell it: a folder, a merged view or a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import ExternalAccount, User
from accounts.views import SignedInRequest, uuids
from mailstore import scopes
from mailstore.models import Folder, Label, Message, Role
from mailstore.paging import ORIGIN, Page, put_on_top, read_page
from mailstore.queries import find_page, searched
from mailstore.rail import merged_url
from mailstore.scopes import VIEWS, Scope
from mailstore.snoozing import back_in

QUERY_LENGTH = 400
LABEL = "label-"


@dataclass(frozen=True, slots=True)
class Listing:
    """One list: its address, its title, and ``within``, which lets a message page find it again.

    A role folder that no mail has come to yet has no row: then ``folder`` is empty and ``account``
    is not. ``before`` and ``after`` are keys of the page.
    """

    title: str | Promise
    path: str
    within: str
    account: ExternalAccount | None = None
    folder: Folder | None = None
    label: Label | None = None
    view: str = ""
    text: str = ""
    before: str = ""
    after: str = ""

    @property
    def url(self) -> str:
        """Return the address of this very page of the list."""
        return self._address(before=self.before, after=self.after)

    @property
    def newest_url(self) -> str:
        """Return the address of the first page."""
        return self._address()

    @property
    def oldest_url(self) -> str:
        """Return the address of the last page."""
        return self._address(after=ORIGIN)

    @property
    def trail(self) -> str:
        """Return the query string by which a message page finds this page of the list."""
        page = {"before": self.before, "after": self.after}
        return _query(**{"in": self.within}, q=self.text, **page)

    @property
    def role(self) -> str:
        """Return what all its folders are for, "" where they differ."""
        return self.folder.role if self.folder else self.view

    @property
    def is_grouped(self) -> bool:
        """Tell whether conversations may be one row each; what a search finds stands for itself."""
        return self.within != "search"

    def older_url(self, key: str) -> str:
        """Return the address of the page that continues after ``key``."""
        return self._address(before=key)

    def newer_url(self, key: str) -> str:
        """Return the address of the page that ends just before ``key``."""
        return self._address(after=key)

    def place(self, user: User) -> Scope:
        """Return where the messages of the list lie, before anything is searched for there."""
        if self.folder:
            return scopes.of_folder(self.folder)
        if self.label:
            return scopes.of_label(self.label)
        if self.account or (self.within == "search" and not self.text):
            return Scope(())
        return scopes.of_view(user, self.view)

    def scope(self, user: User) -> Scope:
        """Return which messages the list holds."""
        place = self.place(user)
        return searched(user, place, self.text) if self.text else place

    def read(self, user: User, place: Scope) -> Page:
        """Read this page, with conversations as one row where their reader likes that."""
        if self.text:
            return find_page(user, place, self.text, before=self.before)
        grouped = self.is_grouped and user.conversations
        page = read_page(user, place, before=self.before, after=self.after, grouped=grouped)
        is_first = not (self.before or self.after)
        return put_on_top(user, place, page, back_in(user)) if is_first else page

    def _address(self, **page: str) -> str:
        query = _query(q=self.text, **page)
        return f"{self.path}?{query}" if query else self.path


def merged(view: str, query: QueryDict) -> Listing:
    """Return a list over all accounts."""
    if view not in VIEWS:
        raise Http404
    return Listing(VIEWS[view], merged_url(view), f"all-{view}", view=view, **_page(query))


def search(query: QueryDict) -> Listing:
    """Return what a search finds in all accounts."""
    text = query.get("q", "").strip()[:QUERY_LENGTH].replace("\0", "")
    return Listing(_("Search"), reverse("mail_search"), "search", text=text, **_page(query))


def folder_of(account: ExternalAccount, slug: str, query: QueryDict) -> Listing:
    """Return a folder of an account, by its role or its public id."""
    folder, title = _find_folder(account, slug)
    path = reverse("mail_folder", args=[account.public_id, slug])
    return Listing(title, path, slug, account=account, folder=folder, **_page(query))


def labelled(user: User, public_id: UUID, query: QueryDict) -> Listing:
    """Return what carries one of the person's labels, in all accounts."""
    label = get_object_or_404(Label.objects.for_user(user), public_id=public_id)
    path = reverse("mail_labelled", args=[public_id])
    return Listing(label.name, path, f"{LABEL}{public_id}", label=label, **_page(query))


def beside(request: SignedInRequest, message: Message) -> Listing:
    """Return the list that a message was opened from, else the folder where it lies."""
    known = _over_all(request.user, request.GET)
    return known or folder_of(message.account, message.folder.slug, request.GET)


def acted_on(user: User, form: QueryDict) -> Listing | None:
    """Return the list whose rows a form is about, None where it names none."""
    if known := _over_all(user, form):
        return known
    try:
        public_id = UUID(form.get("account", ""))
    except ValueError:
        return None
    account = get_object_or_404(ExternalAccount.objects.for_user(user), public_id=public_id)
    return folder_of(account, form.get("in", ""), form)


def _over_all(user: User, query: QueryDict) -> Listing | None:
    within = query.get("in", "")
    if within == "search":
        return search(query)
    if within.startswith(LABEL) and (ids := uuids([within.removeprefix(LABEL)])):
        return labelled(user, ids[0], query)
    view = within.removeprefix("all-")
    return merged(view, query) if within.startswith("all-") and view in VIEWS else None


def _page(query: QueryDict) -> dict[str, Any]:
    return {"before": query.get("before", ""), "after": query.get("after", "")}


def _find_folder(account: ExternalAccount, slug: str) -> tuple[Folder | None, str | Promise]:
    folders = Folder.objects.filter(account=account)
    if slug in Role.values:
        return folders.filter(role=slug).first(), Role(slug).label
    try:
        folder = get_object_or_404(folders, public_id=UUID(slug), role="")
    except ValueError as error:
        raise Http404 from error
    return folder, folder.name


def _query(**values: Any) -> str:
    return urlencode({name: value for name, value in values.items() if value})
