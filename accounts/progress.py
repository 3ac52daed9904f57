"""How far the fetching of one account, or of several together, has come, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from accounts.models import ExternalAccount

HOUR = 60
DAY = 24 * HOUR
# Below this the tens of minutes still say something.
LONG = 10 * HOUR


@dataclass(frozen=True, slots=True)
class Progress:
    """Messages and bytes done of a total, bytes a second, and the time that is left if known."""

    done: int
    total: int
    octets: int
    octets_total: int
    rate: int = 0
    left: timedelta | None = None

    @property
    def share(self) -> int:
        """Return the messages done in whole percent; 100 only when all are."""
        return 100 * self.done // self.total

    @property
    def tenths(self) -> int:
        """Return the share as it is read aloud: in steps of ten percent."""
        return self.share // 10 * 10

    def __str__(self) -> str:
        """Say it in the reader's language, without what is not known."""
        words = {"done": intcomma(self.done), "total": intcomma(self.total)}
        parts = [_("%(done)s of %(total)s messages") % words]
        if self.octets_total:
            parts.append(_of_sizes(self.octets, self.octets_total))
        if self.rate:
            parts.append(_("%(size)s/s") % {"size": filesizeformat(self.rate)})
        if self.left is not None:
            parts.append(_about(self.left))
        return " · ".join(parts)


def progress_of(account: ExternalAccount, *, now: datetime) -> Progress | None:
    """Return how far an account is, or None where nothing is being fetched."""
    if not account.progress_total:
        return None
    ends_at = account.progress_ends_at
    return Progress(
        account.progress_done,
        account.progress_total,
        account.progress_octets,
        # The server's sizes are hints: more may have come than it told.
        max(account.progress_octets, account.progress_octets_total),
        account.progress_rate,
        max(ends_at - now, timedelta()) if ends_at else None,
    )


def together(parts: Iterable[Progress | None]) -> Progress | None:
    """Add up what is known of several accounts; None unless at least two are being fetched.

    All are done when the last one is, since they are fetched side by side.
    """
    some = [part for part in parts if part]
    if len(some) < 2:
        return None
    lefts = [part.left for part in some if part.left is not None]
    return Progress(
        sum(part.done for part in some),
        sum(part.total for part in some),
        sum(part.octets for part in some),
        sum(part.octets_total for part in some),
        sum(part.rate for part in some),
        max(lefts, default=None),
    )


def _of_sizes(octets: int, total: int) -> str:
    """Say "2.1 of 5.3 GB", or both units where they differ."""
    part, whole = filesizeformat(octets), filesizeformat(total)
    number, _space, unit = part.partition("\xa0")
    shown = number if whole.endswith(f"\xa0{unit}") else part
    return _("%(done)s of %(total)s") % {"done": shown, "total": whole}


def _about(left: timedelta) -> str:
    minutes = ceil(left.total_seconds() / 60)
    if minutes <= 1:
        return _("less than a minute left")
    if minutes < HOUR:
        return _("about %(minutes)d min left") % {"minutes": minutes}
    if minutes < LONG:
        tens = round(minutes / 10) * 10
        words = {"hours": tens // HOUR, "minutes": tens % HOUR}
        if words["minutes"]:
            return _("about %(hours)d h %(minutes)d min left") % words
        return _("about %(hours)d h left") % words
    hours = round(minutes / HOUR)
    if hours < 48:
        return _("about %(hours)d h left") % {"hours": hours}
    return _("about %(days)d d %(hours)d h left") % {"days": hours // 24, "hours": hours % 24}
