"""A person's storage and the number that open pages watch, moved by single UPDATEs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import BigIntegerField, F, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import ExternalAccount, Plan, Quota, State, User
from wire.errors import MailError, Retry


class QuotaExceeded(MailError):
    """There is no room for this many bytes; facts: ``used`` and ``allowed`` in bytes."""

    codes = frozenset({"quota.full"})
    retry = Retry.LATER


BUILT_IN = "Standard"


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes used and bytes allowed, and the number that moves with every change."""

    used: int
    allowed: int
    change: int


# Correlated subqueries, not joins: PostgreSQL judges them again on the row that a parallel
# transaction has just changed, while Django would turn a join into a stale list of keys.
LIMIT = Coalesce(
    F("allowed_bytes"),
    Subquery(User.objects.filter(pk=OuterRef("owner_id")).values("plan__storage_bytes")),
    Subquery(Plan.objects.filter(is_default=True).values("storage_bytes")[:1]),
    Value(Plan().storage_bytes),
    output_field=BigIntegerField(),
)


def plan_of(owner: User) -> Plan:
    """Return the plan that limits a person: their own, the default one, or our built-in numbers."""
    return owner.plan or Plan.objects.filter(is_default=True).first() or Plan(name=BUILT_IN)


def give_default_plan(owners: Iterable[User]) -> None:
    """Let people without a plan of their own know the default one, looked up once for all."""
    without = [owner for owner in owners if owner.plan is None]
    default = Plan.objects.filter(is_default=True).first() if without else None
    for owner in without:
        owner.plan = default


def take(owner_id: int, size: int) -> None:
    """Use ``size`` bytes in one conditional UPDATE, or raise QuotaExceeded and use none."""
    _have_row(owner_id)
    fits = Quota.objects.filter(owner_id=owner_id, used_bytes__lte=LIMIT - size)
    if not fits.update(used_bytes=F("used_bytes") + size, change_number=F("change_number") + 1):
        now = usage(owner_id)
        raise QuotaExceeded("quota.full", used=now.used, allowed=now.allowed)


def give_back(owner_id: int, size: int) -> None:
    """Free ``size`` bytes; freeing more than was taken breaks a constraint, since it is a bug."""
    Quota.objects.filter(owner_id=owner_id).update(
        used_bytes=F("used_bytes") - size, change_number=F("change_number") + 1
    )
    # Mail that waits at a provider may come now.
    waiting = ExternalAccount.objects.filter(owner_id=owner_id, last_code="quota.full")
    waiting.filter(state=State.ACTIVE).update(next_fetch_at=timezone.now())


def correct(owner_id: int, used: int) -> None:
    """Set what is used to what was counted; the caller's transaction holds the row by ``touch``."""
    Quota.objects.filter(owner_id=owner_id).update(used_bytes=used)


def touch(owner_id: int) -> None:
    """Tell the owner's open pages that something they show has changed."""
    _have_row(owner_id)
    Quota.objects.filter(owner_id=owner_id).update(change_number=F("change_number") + 1)


def touch_all(owner_ids: Collection[int]) -> None:
    """Tell the open pages of many people; who has no row yet has none open."""
    # Locked in one order, since two that do so at once must not wait for each other.
    rows = Quota.objects.select_for_update().filter(owner__in=owner_ids).order_by("owner_id")
    with transaction.atomic():
        found = list(rows.values_list("owner_id", flat=True))
        Quota.objects.filter(owner__in=found).update(change_number=F("change_number") + 1)


def change_number(owner_id: int) -> int:
    """Return the number that moves with every change a reader would see."""
    number = Quota.objects.filter(owner_id=owner_id).values_list("change_number", flat=True)
    return number.first() or 0


def usage(owner_id: int) -> Usage:
    """Return what is used and what is allowed by the row, the plan or the default plan."""
    _have_row(owner_id)
    row = Quota.objects.values_list("used_bytes", LIMIT, "change_number")
    return Usage(*row.get(owner_id=owner_id))


def room_left(owner_id: int) -> int:
    """Return the bytes that still fit; 0 also where a limit was lowered below what is used."""
    now = usage(owner_id)
    return max(0, now.allowed - now.used)


def _have_row(owner_id: int) -> None:
    """Make the row on first need, so that signing up needs to know nothing of quotas."""
    if not Quota.objects.filter(owner_id=owner_id).exists():
        Quota.objects.get_or_create(owner_id=owner_id)
