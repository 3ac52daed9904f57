"""Which list a page shows, as addresses tell it: a folder, a merged view or a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import ExternalAccount, User
from mailstore.models import Folder, Message, Role
from mailstore.queries import Page, list_messages
from mailstore.rail import VIEWS, merged_url

QUERY_LENGTH = 400


@dataclass(frozen=True, slots=True)
class Listing:
    """One list: its address, its title, and ``within``, which lets a message page find it again.

    A role folder that no mail has come to yet has no row: then ``folder`` is empty and ``account``
    is not.
    """

    title: str | Promise
    path: str
    within: str
    account: ExternalAccount | None = None
    folder: Folder | None = None
    view: str = ""
    text: str = ""
    before: str = ""

    @property
    def url(self) -> str:
        """Return the address of this very page of the list."""
        return self._address(before=self.before)

    @property
    def newest_url(self) -> str:
        """Return the address of the first page."""
        return self._address()

    @property
    def trail(self) -> str:
        """Return the query string by which a message page finds this page of the list."""
        return _query(**{"in": self.within}, q=self.text, before=self.before)

    def older_url(self, key: str) -> str:
        """Return the address of the page that continues after ``key``."""
        return self._address(before=key)

    def read(self, user: User) -> Page:
        """Read the messages of this page."""
        if (self.account and not self.folder) or (self.within == "search" and not self.text):
            return Page([], "")
        return list_messages(
            user, folder=self.folder, view=self.view, text=self.text, before=self.before
        )

    def _address(self, before: str = "") -> str:
        query = _query(q=self.text, before=before)
        return f"{self.path}?{query}" if query else self.path


def merged(view: str, query: QueryDict) -> Listing:
    """Return a list over all accounts."""
    if view not in VIEWS:
        raise Http404
    title, path = VIEWS[view], merged_url(view)
    return Listing(title, path, f"all-{view}", view=view, before=query.get("before", ""))


def search(query: QueryDict) -> Listing:
    """Return what a search finds in all accounts."""
    text = query.get("q", "").strip()[:QUERY_LENGTH].replace("\0", "")
    path = reverse("mail_search")
    return Listing(_("Search"), path, "search", text=text, before=query.get("before", ""))


def folder_of(account: ExternalAccount, slug: str, query: QueryDict) -> Listing:
    """Return a folder of an account, by its role or its public id."""
    folder, title = _find_folder(account, slug)
    path = reverse("mail_folder", args=[account.public_id, slug])
    before = query.get("before", "")
    return Listing(title, path, slug, account=account, folder=folder, before=before)


def beside(request: HttpRequest, message: Message) -> Listing:
    """Return the list that a message was opened from, else the folder where it lies."""
    within = request.GET.get("in", "")
    if within == "search":
        return search(request.GET)
    view = within.removeprefix("all-")
    if within.startswith("all-") and view in VIEWS:
        return merged(view, request.GET)
    return folder_of(message.account, message.folder.slug, request.GET)


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
