"""How often an account is fetched and how much at once: its owner's wish within the plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import transaction
from django.db.models import F, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, Least
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import quotas
from accounts.models import ExternalAccount, Plan, State, User

LONGEST_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Pace:
    """What holds for an account; ``at_most`` is None for as many messages as there are."""

    minutes: int
    at_most: int | None

    def __str__(self) -> str:
        """Say it in the reader's language."""
        often = ngettext("Every minute", "Every %(count)d minutes", self.minutes)
        return f"{often % {'count': self.minutes}} · {self._how_much()}"

    def _how_much(self) -> str:
        if self.at_most is None:
            return _("as many messages as there are")
        words = ngettext("at most %(shown)s message", "at most %(shown)s messages", self.at_most)
        return words % {"shown": intcomma(self.at_most)}


def pace_of(account: ExternalAccount, plan: Plan) -> Pace:
    """Return what holds: the interval kept by ``hold_to_plans``, and the lower of both limits."""
    limits = [limit for limit in (account.max_per_cycle, plan.max_per_cycle) if limit]
    return Pace(account.interval_minutes, min(limits, default=None))


def keep_settings(account: ExternalAccount, changed: list[str], *, now: datetime) -> None:
    """Save the changed columns and no others: a worker may be writing the rest.

    A shorter interval holds from now on, unless the account waits for trouble to pass.
    """
    with transaction.atomic():
        account.save(update_fields=changed)
        if "interval_minutes" in changed:
            latest = now + timedelta(minutes=account.interval_minutes)
            calm = ExternalAccount.objects.filter(state=State.ACTIVE, failing_since=None)
            calm.filter(pk=account.pk).update(next_fetch_at=Least("next_fetch_at", latest))
        quotas.touch(account.owner_id)


def hold_to_plans() -> int:
    """Lengthen every interval that a changed plan no longer allows. Count them."""
    own = User.objects.filter(pk=OuterRef("owner_id")).values("plan__min_interval_minutes")
    default = Plan.objects.filter(is_default=True).values("min_interval_minutes")[:1]
    floor = Coalesce(Subquery(own), Subquery(default), Value(Plan().min_interval_minutes))
    hasty = ExternalAccount.objects.annotate(floor=floor).filter(interval_minutes__lt=F("floor"))
    return hasty.update(interval_minutes=F("floor"))
