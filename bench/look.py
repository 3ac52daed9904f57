"""Looks into a store as a reader would: how many letters search finds, when the newest are there.

python -m bench.look count
python -m bench.look newest MESSAGE-ID ...
python -m bench.look polls
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import django

PAUSE = 0.05
PATIENCE = 1800


def main(what: str, *message_ids: str) -> None:
    """Tell how many messages are found, when some are readable, or how fast accounts are polled."""
    django.setup()
    if what == "count":
        _say(f"{_found()}")
    elif what == "newest":
        _say("ready")
        _say(f"{_wait_for(message_ids)}")
    else:
        _say(json.dumps(_polls()))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _found() -> int:
    from accounts.models import User  # noqa: PLC0415 - needs Django set up
    from bench.letters import COMMON  # noqa: PLC0415
    from mailstore.finding import matching  # noqa: PLC0415
    from mailstore.scopes import visible  # noqa: PLC0415

    return sum(visible(one).filter(matching(one, COMMON)).count() for one in User.objects.all())


def _wait_for(message_ids: Sequence[str]) -> float:
    """Return the time of day at which the newest page of the list held all of these, readable."""
    from accounts.models import User  # noqa: PLC0415 - needs Django set up
    from mailstore.models import Message  # noqa: PLC0415
    from mailstore.packs import read_raw  # noqa: PLC0415
    from mailstore.queries import list_messages  # noqa: PLC0415

    owner, wanted = User.objects.get(), set(message_ids)
    give_up = time.time() + PATIENCE
    while time.time() < give_up:
        page = list_messages(owner, view="inbox", limit=len(wanted)).messages
        rows = Message.objects.filter(pk__in=[one.pk for one in page]).select_related("blob__pack")
        if {row.message_id for row in rows} == wanted:
            for row in rows:
                read_raw(row.blob)
            return time.time()
        time.sleep(PAUSE)
    raise TimeoutError


def _polls() -> dict[str, Any]:
    """Make every account due at once; tell the pace at which the middle of them is visited.

    ``failed`` counts the visits that came to a bad end, by code.
    """
    from django.utils import timezone  # noqa: PLC0415 - needs Django set up

    from accounts.models import ExternalAccount  # noqa: PLC0415

    began = timezone.now()
    ExternalAccount.objects.update(next_fetch_at=began)
    give_up = time.time() + PATIENCE
    visited = ExternalAccount.objects.filter(last_checked_at__gte=began)
    while visited.count() < ExternalAccount.objects.count():
        if time.time() > give_up:
            raise TimeoutError
        time.sleep(PAUSE)
    ends = visited.values_list("last_checked_at", flat=True)
    times = sorted(visited_at for visited_at in ends if visited_at)
    early, late = len(times) // 10, len(times) * 9 // 10
    failed = ExternalAccount.objects.exclude(last_code="").values_list("last_code", flat=True)
    return {
        "per_second": (late - early) / (times[late] - times[early]).total_seconds(),
        "failed": Counter(failed),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
