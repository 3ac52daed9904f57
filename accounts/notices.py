"""Which troubles people are told of: a notice opens, follows its trouble and closes by itself.

What counts is how the accounts stand, not what happened to them: whoever looks a second time finds
nothing left to do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts import quotas
from accounts.models import ExternalAccount, Notice, State, Topic
from accounts.troubles import DAY, TROUBLES

FULL = "quota.full"
STOPPED = "account.stopped"
# What breaks together is told together.
GATHER = timedelta(minutes=1)
# Trouble that heals by itself may come and go; within this time its mail is not repeated.
AGAIN_AFTER = timedelta(days=1)
COME_AND_GO = {Topic.TROUBLE, Topic.FULL}
AT_A_TIME = 500

# A notice about an account stays open while its account stands like this.
LASTS = {
    Topic.SIGN_IN: Q(state=State.NEEDS_SIGN_IN),
    Topic.STOPPED: Q(state=State.DISABLED),
    Topic.TROUBLE: Q(state=State.ACTIVE, failing_since__isnull=False),
}
IS_FULL = Q(state=State.ACTIVE, last_code=FULL)


def review(now: datetime) -> None:
    """Close the notices whose trouble is over, open those that are due, and renew their facts."""
    for topic, standing in LASTS.items():
        _close(_open_about(topic).exclude(Exists(_accounts(standing))), now)
    _close_full(now)
    for topic in LASTS:
        open_now = _open_about(topic).filter(account=OuterRef("pk"))
        due = ExternalAccount.objects.filter(_begins(topic, now)).exclude(Exists(open_now))
        for account in due.order_by("id")[:AT_A_TIME]:
            code = account.last_code or STOPPED
            _tell(topic, account.owner_id, account, code, account.last_facts, now=now)
    _open_full(now)
    _follow()


def _begins(topic: Topic, now: datetime) -> Q:
    """Return how an account stands whose owner is to be told; trouble must have lasted for that."""
    if topic is not Topic.TROUBLE:
        return LASTS[topic]
    codes: defaultdict[timedelta, list[str]] = defaultdict(list)
    for code, trouble in TROUBLES.items():
        codes[trouble.told_after or DAY].append(code)
    lasting = Q()
    for patience, alike in codes.items():
        lasting |= Q(last_code__in=alike, failing_since__lte=now - patience)
    return Q(state=State.ACTIVE) & lasting


def _accounts(standing: Q) -> QuerySet[ExternalAccount]:
    return ExternalAccount.objects.filter(standing, pk=OuterRef("account"))


def _open_about(topic: Topic) -> QuerySet[Notice]:
    return Notice.objects.filter(topic=topic, closed_at=None)


def _close(notices: Iterable[Notice], now: datetime) -> None:
    """Close notices; what was not mailed yet need not be."""
    for notice in notices:
        with transaction.atomic():
            ours = Notice.objects.filter(pk=notice.pk, closed_at=None)
            if ours.update(closed_at=now, mail_due_at=None):
                quotas.touch(notice.owner_id)


def _close_full(now: datetime) -> None:
    full = ExternalAccount.objects.filter(IS_FULL, owner=OuterRef("owner"))
    over = list(_open_about(Topic.FULL).exclude(Exists(full)))
    _close(over, now)
    for owner_id in {notice.owner_id for notice in over if notice.mailed_at}:
        _say_room(owner_id, now)


def _say_room(owner_id: int, now: datetime) -> None:
    """Mail that fetching goes on, to whom a full storage had been mailed; there is no banner."""
    said = Notice.objects.filter(owner=owner_id, topic=Topic.ROOM)
    if not said.filter(opened_at__gt=now - AGAIN_AFTER).exists():
        Notice.objects.create(
            owner_id=owner_id,
            topic=Topic.ROOM,
            code="quota.room",
            facts=_usage(owner_id),
            opened_at=now,
            closed_at=now,
            mail_due_at=now + GATHER,
        )


def _open_full(now: datetime) -> None:
    told = _open_about(Topic.FULL).filter(owner=OuterRef("owner"))
    full = ExternalAccount.objects.filter(IS_FULL).exclude(Exists(told))
    for owner_id in set(full.values_list("owner_id", flat=True)[:AT_A_TIME]):
        _tell(Topic.FULL, owner_id, None, FULL, _usage(owner_id), now=now)


def _usage(owner_id: int) -> dict[str, int]:
    usage = quotas.usage(owner_id)
    return {"used": usage.used, "allowed": usage.allowed}


def _follow() -> None:
    """Let open notices say what is the matter now, which may have changed since they opened."""
    about = Notice.objects.filter(closed_at=None, account__last_code__in=TROUBLES)
    changed = about.exclude(code=F("account__last_code")).select_related("account")
    for notice in changed[:AT_A_TIME]:
        if notice.account is not None:
            facts = {"code": notice.account.last_code, "facts": notice.account.last_facts}
            Notice.objects.filter(pk=notice.pk, closed_at=None).update(**facts)


def _tell(
    topic: Topic,
    owner_id: int,
    account: ExternalAccount | None,
    code: str,
    facts: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """Open a notice, or again one that closed a short while ago, whose mail is not repeated."""
    with transaction.atomic():
        # The one row that each person has is the lock: parallel reviews open one notice.
        quotas.touch(owner_id)
        about = Notice.objects.filter(owner=owner_id, account=account)
        if about.filter(topic=topic, closed_at=None).exists():
            return
        about.filter(closed_at=None).update(closed_at=now, mail_due_at=None)
        mailed = about.filter(topic=topic, closed_at__gt=now - AGAIN_AFTER, mailed_at__isnull=False)
        if topic in COME_AND_GO and (known := mailed.order_by("id").last()):
            about.filter(pk=known.pk).update(closed_at=None, code=code, facts=facts)
            return
        Notice.objects.create(
            owner_id=owner_id,
            account=account,
            topic=topic,
            code=code,
            facts=facts,
            opened_at=now,
            mail_due_at=now + GATHER,
        )
