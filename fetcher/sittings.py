"""Goes on with a visit in a new session where one message broke the last, so that others come."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import structlog

from fetcher import setaside
from fetcher.desks import desk
from fetcher.models import FetchRun
from fetcher.outcomes import Outcome
from fetcher.stopping import VISIT_SECONDS, Stopping
from wire.errors import ConnectionFailed, ProtocolError

log = structlog.get_logger()
MOST = 3


def in_sittings(run: FetchRun, sit: Callable[[], Outcome], stopping: Stopping) -> Outcome:
    """Sit down at the server, and again, if a message hung or broke off and was noted.

    What was noted in a visit is not asked for again in it, so each sitting comes further. Where
    it is the server that fails, the last error is raised.
    """
    ends, noted = monotonic() + VISIT_SECONDS, 0
    for _ in range(MOST - 1):
        try:
            return sit()
        except (ConnectionFailed, ProtocolError) as error:
            before, noted = noted, _noted(run)
            if noted == before or monotonic() > ends or stopping():
                raise
            log.info("new session", account=run.account_id, run=run.pk, code=error.code)
    return sit()


def _noted(run: FetchRun) -> int:
    with desk():
        return setaside.count_since(run.account, run.opened_at)
