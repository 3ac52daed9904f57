"""Lets things happen to a served store: a letter comes, first fetches go on or are over.

python -m bench.web.arrive store SUBJECT
python -m bench.web.arrive left USER ...
python -m bench.web.arrive remove USER ...
"""

from __future__ import annotations

import hashlib
import json
import sys
import time

import django

from bench.web.fill import EMAIL


def main(what: str, *words: str) -> None:
    """Do one of these; print when the letter was stored, or whether fetching goes on."""
    django.setup()
    if what == "store":
        sys.stdout.write(f"{_store(words[0])}\n")
    elif what == "left":
        sys.stdout.write(json.dumps({"running": _is_fetching(words)}) + "\n")
    else:
        _remove(words)


def _store(subject: str) -> float:
    from django.db import transaction  # noqa: PLC0415 - needs Django set up
    from django.utils import timezone  # noqa: PLC0415

    from accounts import quotas  # noqa: PLC0415
    from accounts.models import ExternalAccount  # noqa: PLC0415
    from mailstore import ingest, packs, parsing  # noqa: PLC0415
    from mailstore.folders import role_folder  # noqa: PLC0415
    from mailstore.models import Role  # noqa: PLC0415

    account = ExternalAccount.objects.filter(owner__email=EMAIL).earliest("pk")
    raw = f"From: Siti <siti@rumah.example>\r\nSubject: {subject}\r\n\r\nHalo.\r\n".encode()
    pack = packs.write_pack([raw])
    with transaction.atomic():
        quotas.take(account.owner_id, pack.size)
        came = ingest.Arrival(
            raw, hashlib.sha256(raw).hexdigest(), parsing.parse(raw), timezone.now()
        )
        ingest.store_messages(account, role_folder(account, Role.INBOX), pack, [came])
    return time.time()


def _is_fetching(users: tuple[str, ...]) -> bool:
    from fetcher.models import FetchRun  # noqa: PLC0415 - needs Django set up

    runs = FetchRun.objects.filter(account__incoming__username__in=users, closed_at=None)
    return runs.count() == len(users)


def _remove(users: tuple[str, ...]) -> None:
    from accounts.models import ExternalAccount, State  # noqa: PLC0415 - needs Django set up

    ExternalAccount.objects.filter(incoming__username__in=users).update(
        state=State.REMOVED, next_fetch_at=None
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
