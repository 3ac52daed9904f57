"""What a person's mail takes up here, account by account, and what waits for room elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Sum

from accounts.models import ExternalAccount, State, Topic, User
from accounts.notices import SHARES
from accounts.quotas import Usage
from mailstore.models import Folder


@dataclass(frozen=True, slots=True)
class Share:
    """What one account takes up; of those that were removed all together, without ``account``."""

    account: ExternalAccount | None
    messages: int
    octets: int
    waiting: int = 0


def shares_of(user: User) -> list[Share]:
    """Return what each account takes up, in the person's order; sizes in bytes.

    Mail of removed accounts counts until it has been erased.
    """
    sums = Folder.objects.filter(owner=user).values_list("account").order_by()
    found = {pk: (n, size) for pk, n, size in sums.annotate(Sum("total"), Sum("size"))}
    shares = [
        Share(account, *found.pop(account.pk, (0, 0)), waiting=_waiting(account))
        for account in ExternalAccount.objects.for_user(user)
    ]
    rest = [sum(column) for column in zip(*found.values(), strict=True)]
    return [*shares, Share(None, *rest)] if any(rest) else shares


def _waiting(account: ExternalAccount) -> int:
    is_asked = account.state == State.ACTIVE
    return int(account.last_facts.get("waiting", 0)) if is_asked else 0


def tone_of(usage: Usage) -> str:
    """Return how much of a worry a storage is: "ok", "warn" or "danger"."""
    if usage.percent >= SHARES[Topic.TIGHT]:
        return "danger"
    return "warn" if usage.percent >= SHARES[Topic.FILLING] else "ok"
