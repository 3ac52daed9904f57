"""A person's storage and the number that open pages watch, moved by single UPDATEs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial

from django.db import transaction
from django.db.models import BigIntegerField, F, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from accounts.models import ExternalAccount, Plan, Quota, State, User
from wire.errors import MailError, Retry

FULL = "quota.full"


class QuotaExceeded(MailError):
    """There is no room for this many bytes; facts: ``used`` and ``allowed`` in bytes."""

    codes = frozenset({FULL})
    retry = Retry.LATER


BUILT_IN = "Standard"


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes used and bytes allowed, and the number that moves with every change."""

    used: int
    allowed: int
    change: int

    @property
    def percent(self) -> int:
        """Return the used share in whole percent, above 100 when overfull."""
        return 100 * self.used // max(1, self.allowed)

    @property
    def free(self) -> int:
        """Return the bytes that still fit; 0 also where a limit was lowered below what is used."""
        return max(0, self.allowed - self.used)


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
    if not _used(owner_id, size):
        now = usage(owner_id)
        # There may have been no row yet.
        if not _used(owner_id, size):
            raise QuotaExceeded(FULL, used=now.used, allowed=now.allowed)


def _used(owner_id: int, size: int) -> int:
    fits = Quota.objects.filter(owner_id=owner_id, used_bytes__lte=LIMIT - size)
    return fits.update(used_bytes=F("used_bytes") + size, change_number=F("change_number") + 1)


def give_back(owner_id: int, size: int) -> None:
    """Free ``size`` bytes; freeing more than was taken breaks a constraint, since it is a bug."""
    Quota.objects.filter(owner_id=owner_id).update(
        used_bytes=F("used_bytes") - size, change_number=F("change_number") + 1
    )
    # Only then, since fetching locks accounts before it takes room for their mail.
    transaction.on_commit(partial(resume_waiting, owner_id))


def resume_waiting(owner_id: int | None = None) -> int:
    """Fetch at once what waits at providers and finds room now, of one owner or of all.

    Those accounts are full no longer. Count them.
    """
    room = Quota.objects.filter(owner=OuterRef("owner_id")).values_list(LIMIT - F("used_bytes"))
    # What the last visit found to be the smallest that waits; of older visits that is not known.
    needs = Coalesce(Cast(KT("last_facts__needs"), BigIntegerField()), Value(1))
    full = ExternalAccount.objects.filter(state=State.ACTIVE, last_code=FULL)
    full = full if owner_id is None else full.filter(owner_id=owner_id)
    fitting = full.annotate(room=Subquery(room), needs=needs).filter(room__gte=F("needs"))
    owners = dict(fitting.values_list("pk", "owner_id"))
    resumed = full.filter(pk__in=owners).update(last_code="", next_fetch_at=timezone.now())
    touch_all(set(owners.values()))
    return resumed


def fuller_than(percent: int) -> QuerySet[Quota]:
    """Return the rows of people who use at least so much of what they are allowed."""
    default = Plan.objects.filter(is_default=True).values("storage_bytes")[:1]
    own = Coalesce(
        "allowed_bytes",
        "owner__plan__storage_bytes",
        Subquery(default),
        Value(Plan().storage_bytes),
        output_field=BigIntegerField(),
    )
    limits = [Plan.objects.aggregate(least=Min("storage_bytes"))["least"], Plan().storage_bytes]
    least = min(limit for limit in limits if limit is not None)
    rows = Quota.objects.annotate(allowed=own).filter(used_bytes__gt=0)
    # For the indexes: who uses less than that of the smallest plan cannot be meant.
    may_be = Q(allowed_bytes__isnull=False) | Q(used_bytes__gte=least * percent // 100)
    return rows.filter(may_be, used_bytes__gte=F("allowed") * percent / 100)


def correct(owner_id: int, used: int) -> None:
    """Set what is used to what was counted; the caller's transaction holds the row by ``touch``."""
    Quota.objects.filter(owner_id=owner_id).update(used_bytes=used)


def hold(owner_id: int) -> None:
    """Let nobody else change the owner's messages until the transaction ends."""
    _have_row(owner_id)
    Quota.objects.select_for_update().get(owner_id=owner_id)


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
    """Return the bytes that still fit."""
    return usage(owner_id).free


def _have_row(owner_id: int) -> None:
    """Make the row on first need, so that signing up needs to know nothing of quotas."""
    if not Quota.objects.filter(owner_id=owner_id).exists():
        Quota.objects.get_or_create(owner_id=owner_id)
