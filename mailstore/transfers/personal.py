"""A person's settings as they go into an export: everything they chose, and no secret."""

from __future__ import annotations

from typing import Any

from accounts.models import ExternalAccount, Identity, User
from accounts.models.preferences import Preferences
from mailstore.models import Label

OWN = ("email", "name", "language", "time_zone", "mails_notices")
OF_ACCOUNT = (
    *("address", "name", "badge", "color", "position", "is_default", "in_all_inboxes"),
    *("interval_minutes", "max_per_cycle"),
)
OF_INCOMING = ("protocol", "host", "port", "security", "username", "delete_after_days")
OF_OUTGOING = ("host", "port", "security", "username")
OF_IDENTITY = ("name", "address", "reply_to", "signature", "is_default")


def settings_of(owner: User) -> dict[str, Any]:
    """Return the settings of a person and of the accounts, by names that are written out.

    What is new in a table is not among them until it is named here: so no secret slips in.
    """
    chosen = [field.name for field in Preferences._meta.get_fields()]  # noqa: SLF001 - documented
    accounts = ExternalAccount.objects.for_user(owner)
    labels = Label.objects.filter(owner=owner).order_by("name")
    return {
        "made_by": "Muara",
        "version": 1,
        "person": _named(owner, (*OWN, *chosen)),
        "accounts": [_account(account) for account in accounts],
        "labels": [_named(label, ("name", "color")) for label in labels],
    }


def _account(account: ExternalAccount) -> dict[str, Any]:
    identities = Identity.objects.filter(account=account).order_by("id")
    return {
        **_named(account, OF_ACCOUNT),
        "incoming": _named(getattr(account, "incoming", None), OF_INCOMING),
        "outgoing": _named(getattr(account, "outgoing", None), OF_OUTGOING),
        "identities": [_named(identity, OF_IDENTITY) for identity in identities],
    }


def _named(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names} if row else {}
