"""What the keys open over a page: the sheet of all keys, and the palette of commands and places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.views import SignedInRequest
from mailstore.keys import GO, KEYS, Words, caps_of, combos_by_name, sheet
from mailstore.rail import AccountBlock, FolderLink, Rail, build_rail

SETTINGS = {
    "settings_general": _("General"),
    "settings_notifications": _("Notifications"),
    "settings_privacy": _("Privacy"),
    "mail_accounts": _("Mail accounts"),
    "send_mail_as": _("Send Mail As"),
    "folders": _("Folders"),
    "labels": _("Labels"),
    "storage": _("Storage"),
    "transfers": _("Export and import"),
    "account_email": _("Email address"),
    "account_change_password": _("Password"),
    "mfa_index": _("Two-factor authentication"),
    "usersessions_list": _("Sessions"),
    "account_add": _("Add account"),
    "help": _("Help"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A page to go to: ``within`` names what it belongs to, ``key`` the key that leads there."""

    name: Words
    url: str
    within: Words = ""
    key: str = ""

    @property
    def caps(self) -> list[str]:
        """Return what is printed on the keys that lead there, if any do."""
        combos = combos_by_name().get(self.key)
        return caps_of(combos[0]) if combos else []


@require_safe
@login_required
def palette(request: SignedInRequest) -> HttpResponse:
    """Return both dialogs; the handler shows the commands that the page at hand knows."""
    context = {
        "sheet": sheet(),
        # Where a key leads stands among the places.
        "commands": [key for key in KEYS if key.where is not GO and key.name != "palette"],
        "places": list(_places(build_rail(request.user))),
    }
    return render(request, "mailstore/palette.html", context)


def _places(rail: Rail) -> Iterator[Place]:
    for view in rail.views:
        yield _of_link(view)
    for number, block in enumerate(rail.blocks, start=1):
        yield Place(
            block.account.name,
            block.inbox.url,
            within=block.account.address,
            key=f"go-account-{number}",
        )
    for block in rail.blocks:
        yield from _folders(block)
    for name, words in SETTINGS.items():
        yield Place(words, reverse(name), within=_("Settings"))


def _of_link(link: FolderLink) -> Place:
    return Place(link.name, link.url, key="go-all" if link.slug == "inbox" else link.key)


def _folders(block: AccountBlock) -> Iterator[Place]:
    for link in block.folders:
        yield Place(link.name, link.url, within=block.account.name)
