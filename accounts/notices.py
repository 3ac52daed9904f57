"""Which troubles people are told of: a notice opens, follows its trouble and closes by itself.

What counts is how the accounts stand, not what happened to them: whoever looks a second time finds
nothing left to do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts import quotas
from accounts.models import Credential, ExternalAccount, Notice, State, Topic
from accounts.troubles import DAY, TROUBLES

STOPPED, PREPARED = "account.stopped", "account.prepared"
LAPSES = "auth.lapses"
# So long before the end of a sign-in its owner is told: more than a day, whatever may delay a mail.
AHEAD = timedelta(days=3)
# What breaks together is told together.
GATHER = timedelta(minutes=1)
# Trouble that heals by itself may come and go; within this time its mail is not repeated.
AGAIN_AFTER = timedelta(days=1)
COME_AND_GO = {Topic.TROUBLE, Topic.FULL, Topic.TIGHT, Topic.FILLING}
AT_A_TIME = 500
KEEP = timedelta(days=90)

# A notice about an account stays open while its account stands like this.
LASTS = {
    Topic.PREPARED: Q(state=State.PREPARED),
    Topic.SIGN_IN: Q(state=State.NEEDS_SIGN_IN),
    Topic.STOPPED: Q(state=State.DISABLED),
    Topic.TROUBLE: Q(state=State.ACTIVE, failing_since__isnull=False),
}
IS_FULL = Q(state=State.ACTIVE, last_code=quotas.FULL)
# From which share of the storage on a person is told, in percent; the gravest first.
SHARES = {Topic.TIGHT: 95, Topic.FILLING: 80}
STORAGE_CODES = {
    Topic.FULL: quotas.FULL,
    Topic.TIGHT: "quota.tight",
    Topic.FILLING: "quota.filling",
    Topic.ROOM: "quota.room",
}


def review(now: datetime) -> None:
    """Close the notices whose trouble is over, open those that are due, and renew their facts."""
    quotas.resume_waiting()
    for topic, standing in LASTS.items():
        _close(_open_about(topic).exclude(Exists(_accounts(standing))), now)
    _close_full(now)
    for topic in LASTS:
        told = _open_about(topic).filter(account=OuterRef("pk"))
        due = ExternalAccount.objects.filter(_begins(topic, now)).exclude(Exists(told))
        _open([_about(account, topic, now) for account in due.order_by("id")[:AT_A_TIME]], now)
    _open_full(now)
    review_lapses(now)
    _follow()


def review_storage(now: datetime) -> None:
    """Tell people whose storage fills up, once for each share until it has fallen below it.

    Who is told of a graver one gets no mail about the lesser.
    """
    graver = [Topic.FULL]
    for topic, percent in SHARES.items():
        filled = quotas.fuller_than(percent)
        _close(_open_about(topic).exclude(Exists(filled.filter(owner=OuterRef("owner")))), now)
        told = Notice.objects.filter(closed_at=None, owner=OuterRef("owner"))
        due = filled.exclude(Exists(told.filter(topic=topic))).order_by("owner")[:AT_A_TIME]
        rows = due.annotate(knows=Exists(told.filter(topic__in=graver)))
        _open(
            [
                _of(row.owner_id, topic, now, mail_due_at=None if row.knows else now + GATHER)
                for row in rows
            ],
            now,
        )
        graver.append(topic)


def review_lapses(now: datetime) -> None:
    """Tell people whose sign-in at a provider ends for certain, days before it does."""
    ending = Credential.objects.filter(
        lapses_at__lte=now + AHEAD, account__state__in=[State.ACTIVE, State.PAUSED]
    )
    about = _open_about(Topic.LAPSING)
    _close(about.exclude(Exists(ending.filter(account=OuterRef("account")))), now)
    due = ending.exclude(Exists(about.filter(account=OuterRef("account"))))
    related = due.select_related("account", "app").order_by("lapses_at")[:AT_A_TIME]
    ends = {ending.account_id: ending for ending in related}
    _tell([_lapse(ending, now) for ending in ends.values()])


def _lapse(ending: Credential, now: datetime) -> Notice:
    facts = {
        "provider": ending.app.name if ending.app else "",
        "date": ending.lapses_at.isoformat() if ending.lapses_at else "",
    }
    notice = _about(ending.account, Topic.LAPSING, now)
    notice.code, notice.facts = LAPSES, facts
    return notice


def _tell(fresh: Sequence[Notice]) -> None:
    """Open notices beside what else there is."""
    if fresh:
        Notice.objects.bulk_create(fresh, ignore_conflicts=True)
        quotas.touch_all({notice.owner_id for notice in fresh})


def forget_old(now: datetime) -> None:
    """Delete what was over three months ago."""
    Notice.objects.filter(closed_at__lt=now - KEEP, mail_due_at=None).delete()


def _begins(topic: Topic, now: datetime) -> Q:
    """Return how an account stands whose owner is to be told; trouble must have lasted for that."""
    if topic is not Topic.TROUBLE:
        return LASTS[topic]
    codes: defaultdict[timedelta, list[str]] = defaultdict(list)
    for code, trouble in TROUBLES.items():
        codes[DAY if trouble.told_after is None else trouble.told_after].append(code)
    lasting = Q()
    for patience, alike in codes.items():
        lasting |= Q(last_code__in=alike, failing_since__lte=now - patience)
    return Q(state=State.ACTIVE) & lasting


def _accounts(standing: Q) -> QuerySet[ExternalAccount]:
    return ExternalAccount.objects.filter(standing, pk=OuterRef("account"))


def _open_about(topic: Topic) -> QuerySet[Notice]:
    return Notice.objects.filter(topic=topic, closed_at=None)


def _about(account: ExternalAccount, topic: Topic, now: datetime) -> Notice:
    return Notice(
        owner_id=account.owner_id,
        account=account,
        topic=topic,
        code=PREPARED if topic is Topic.PREPARED else account.last_code or STOPPED,
        facts=account.last_facts,
        opened_at=now,
        mail_due_at=now + GATHER,
    )


def _close(over: Iterable[Notice], now: datetime) -> None:
    """Close notices; what was not mailed yet need not be."""
    owners = {notice.pk: notice.owner_id for notice in over}
    if owners:
        rows = Notice.objects.filter(pk__in=owners, closed_at=None)
        rows.update(closed_at=now, mail_due_at=None)
        quotas.touch_all(set(owners.values()))


def _open(fresh: Sequence[Notice], now: datetime) -> None:
    """Open notices of one topic, each in place of what its account had.

    Parallel reviews meet at the constraint of one open notice. Trouble that comes and goes opens
    its old notice again, whose mail is not repeated.
    """
    if not fresh:
        return
    with transaction.atomic():
        earlier = Notice.objects.filter(closed_at=None, account__in=[new.account for new in fresh])
        others = earlier.exclude(topic__in={fresh[0].topic, Topic.LAPSING})
        others.update(closed_at=now, mail_due_at=None)
        again = _again(fresh, now)
        Notice.objects.bulk_update(again.values(), ["closed_at", "code", "facts"])
        new = [notice for notice in fresh if _place(notice) not in again]
        Notice.objects.bulk_create(new, ignore_conflicts=True)
    quotas.touch_all({notice.owner_id for notice in fresh})


def _again(fresh: Sequence[Notice], now: datetime) -> dict[tuple[int, int | None], Notice]:
    """Find what closed a short while ago and was mailed, saying what is the matter now."""
    topic, wanted = fresh[0].topic, {_place(notice): notice for notice in fresh}
    if topic not in COME_AND_GO:
        return {}
    closed = Notice.objects.filter(topic=topic, closed_at__gt=now - AGAIN_AFTER)
    mailed = closed.filter(owner__in=[new.owner_id for new in fresh], mailed_at__isnull=False)
    again = {_place(old): old for old in mailed.order_by("id") if _place(old) in wanted}
    for place, old in again.items():
        old.closed_at, old.code, old.facts = None, wanted[place].code, wanted[place].facts
    return again


def _place(notice: Notice) -> tuple[int, int | None]:
    return notice.owner_id, notice.account_id


def _close_full(now: datetime) -> None:
    """Close; whom a full storage was mailed to is mailed that there is room, without a banner."""
    full = ExternalAccount.objects.filter(IS_FULL, owner=OuterRef("owner"))
    over = list(_open_about(Topic.FULL).exclude(Exists(full)))
    _close(over, now)
    for owner_id in {notice.owner_id for notice in over if notice.mailed_at}:
        said = Notice.objects.filter(owner=owner_id, topic=Topic.ROOM)
        if not said.filter(opened_at__gt=now - AGAIN_AFTER).exists():
            _of(owner_id, Topic.ROOM, now, closed_at=now).save()


def _open_full(now: datetime) -> None:
    told = _open_about(Topic.FULL).filter(owner=OuterRef("owner"))
    full = ExternalAccount.objects.filter(IS_FULL).exclude(Exists(told))
    owners = set(full.values_list("owner_id", flat=True)[:AT_A_TIME])
    _open([_of(owner_id, Topic.FULL, now) for owner_id in owners], now)


def _of(owner_id: int, topic: Topic, now: datetime, **columns: datetime | None) -> Notice:
    usage = quotas.usage(owner_id)
    return Notice(
        owner_id=owner_id,
        topic=topic,
        code=STORAGE_CODES[topic],
        facts={"used": usage.used, "allowed": usage.allowed},
        opened_at=now,
        **{"mail_due_at": now + GATHER} | columns,
    )


def _follow() -> None:
    """Let open notices say what is the matter now, which may have changed since they opened."""
    about = Notice.objects.filter(closed_at=None, account__last_code__in=TROUBLES)
    about = about.exclude(topic__in=[Topic.LAPSING, Topic.PREPARED])
    changed = list(
        about.exclude(code=F("account__last_code")).select_related("account")[:AT_A_TIME]
    )
    for notice in changed:
        if notice.account is not None:
            notice.code, notice.facts = notice.account.last_code, notice.account.last_facts
    Notice.objects.bulk_update(changed, ["code", "facts"])
