"""The order of a person's accounts: in the rail, among the cards, and of fetching."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from accounts import quotas
from accounts.models import ExternalAccount, User


def arrange(owner: User, wanted: Sequence[UUID]) -> None:
    """Put a person's accounts into this order; those that are not named follow as they were."""
    place = {public_id: number for number, public_id in enumerate(wanted)}
    with transaction.atomic():
        accounts = _locked(owner)
        _number(owner, sorted(accounts, key=lambda one: place.get(one.public_id, len(place))))


def move(account: ExternalAccount, places: int) -> None:
    """Move an account down by so many places, or up where they are negative, as far as it goes."""
    with transaction.atomic():
        accounts = _locked(account.owner)
        now = accounts.index(account)
        accounts.insert(max(0, now + places), accounts.pop(now))
        _number(account.owner, accounts)


def _locked(owner: User) -> list[ExternalAccount]:
    return list(ExternalAccount.objects.for_user(owner).select_for_update())


def _number(owner: User, accounts: Sequence[ExternalAccount]) -> None:
    for number, account in enumerate(accounts, start=1):
        account.position = number
    ExternalAccount.objects.bulk_update(accounts, ["position"])
    quotas.touch(owner.pk)
