"""Why a visit ends before its work is done: the worker stops, or its owner wants no more of it."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from django.db import InterfaceError, OperationalError, connection

from accounts.models import ExternalAccount, State

LOOK_SECONDS = 1.0
Stopping = Callable[[], bool]


class Unwanted:
    """Asks whether an account was paused, removed or stopped meanwhile; a yes stays a yes.

    It may be asked for every message: it looks at the database at most once a second.
    """

    def __init__(self, account_id: int) -> None:
        self._account = ExternalAccount.objects.filter(pk=account_id, state=State.ACTIVE)
        self._is_wanted, self._looked_at = True, monotonic()

    def __call__(self) -> bool:
        """Tell whether the visit should end."""
        if self._is_wanted and monotonic() - self._looked_at >= LOOK_SECONDS:
            self._is_wanted, self._looked_at = self._look(), monotonic()
        return not self._is_wanted

    def _look(self) -> bool:
        try:
            return self._account.exists()
        except (OperationalError, InterfaceError):
            # A database that is away forbids nothing; storing the next batch finds out.
            connection.close()
            return True


def either(*reasons: Stopping) -> Stopping:
    """Return a question that is answered yes as soon as one of several is."""
    return lambda: any(reason() for reason in reasons)
