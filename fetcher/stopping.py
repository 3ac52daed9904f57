"""Why a visit ends before its work is done: its time is up, or somebody wants no more of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from accounts.models import ExternalAccount, State
from fetcher.desks import desk, is_crowded

LOOK_SECONDS = 1.0
CROWDED_TIMES = 5
# Well before the session's own deadline, which would pass for trouble at the server.
VISIT_SECONDS = 30 * 60
Stopping = Callable[[], bool]
Item = TypeVar("Item")


class Allowance:
    """The time of one visit: it asks for nothing new once that is up, and soon comes again.

    What was asked for is still taken, and the first message always is, so that all get their turn.
    ``asked`` counts the messages that were asked for.
    """

    def __init__(self, seconds: float) -> None:
        """Begin now."""
        self._ends = monotonic() + seconds
        self.is_up, self.asked = False, 0

    def spend(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield items until the time is up."""
        for item in items:
            self.asked += 1
            yield item
            if monotonic() >= self._ends:
                self.is_up = True
                return


class Unwanted:
    """Asks whether an account was paused, removed or stopped meanwhile; a yes stays a yes.

    It may be asked for every message: it looks at the database at most once a second,
    and once in five while many visits are under way.
    """

    def __init__(self, account_id: int) -> None:
        self._account_id = account_id
        self._is_wanted, self._looked_at = True, monotonic()

    def __call__(self) -> bool:
        """Tell whether the visit should end."""
        seconds = LOOK_SECONDS * (CROWDED_TIMES if is_crowded() else 1)
        if self._is_wanted and monotonic() - self._looked_at >= seconds:
            self._is_wanted, self._looked_at = self._look(), monotonic()
        return not self._is_wanted

    def _look(self) -> bool:
        try:
            with desk():
                wanted = ExternalAccount.objects.filter(pk=self._account_id, state=State.ACTIVE)
                return wanted.exists()
        except (OperationalError, InterfaceError):
            # A database that is away forbids nothing; storing the next batch finds out.
            connection.close()
            return True


def either(*reasons: Stopping) -> Stopping:
    """Return a question that is answered yes as soon as one of several is."""
    return lambda: any(reason() for reason in reasons)
