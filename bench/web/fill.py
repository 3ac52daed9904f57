"""Fills a store with a mailbox of years, as fetching does: packs, rows and words.

    python -m bench.web.fill COUNT SIZE [TIMES]

Printed are the person's session, where the mailbox is deepest, and how large its parts are.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import django

ACCOUNTS = ("Rumah", "Kantor", "Kampus", "Arsip", "Toko")
COLORS = ("teal", "blue", "amber", "slate", "red")
EMAIL = "pembaca@contoh.example"
BATCH = 500
UNREAD_EVERY, STARRED_EVERY = 40, 97
PAGE = 50


def main(count: str, size: str, times: str = "1") -> None:
    """Make the person, the accounts and their mail, newest first as a first fetch does.

    All of it comes so many ``times`` over, each a few seconds later than the one before.
    """
    django.setup()
    from mailstore.folders import role_folder  # noqa: PLC0415 - needs Django set up
    from mailstore.models import Role  # noqa: PLC0415

    accounts = _accounts()
    boxes = [(account, role_folder(account, Role.INBOX)) for account in accounts]
    began = time.monotonic()
    texts = 0
    for end in range(int(count), 0, -BATCH * len(boxes)):
        for number, (account, inbox) in enumerate(boxes):
            mine = [one for one in range(max(end - BATCH * 5, 0), end) if one % 5 == number]
            texts += _store(account, inbox, mine, int(count), int(size))
    seconds = time.monotonic() - began
    _multiply(int(times))
    _star()
    owner = accounts[0].owner
    facts = {"session": _session(owner), "filled_s": round(seconds), "texts": texts * int(times)}
    facts["keys"] = _keys(owner, int(count) * int(times))
    sys.stdout.write(json.dumps(facts | _sizes()) + "\n")


def _accounts() -> list[Any]:
    from django.db import transaction  # noqa: PLC0415 - needs Django set up
    from django.utils import timezone  # noqa: PLC0415

    from accounts.models import Plan  # noqa: PLC0415
    from tests.builders import make_account  # noqa: PLC0415
    from tests.journeys.people import make_person  # noqa: PLC0415

    later = timezone.now() + timedelta(days=300)
    with transaction.atomic():
        Plan.objects.update(storage_bytes=100 * 1024**3)
        owner = make_person(EMAIL)
        return [
            make_account(
                owner, name=name, address=f"{name.lower()}@contoh.example", badge=name[:2].upper(),
                color=color, next_fetch_at=later, last_checked_at=timezone.now(),
            )
            for name, color in zip(ACCOUNTS, COLORS, strict=True)
        ]  # fmt: skip


def _store(account: Any, inbox: Any, numbers: list[int], total: int, size: int) -> int:
    """Store letters in one batch, newest first; return how many characters are indexed."""
    from django.db import transaction  # noqa: PLC0415 - needs Django set up

    from accounts import quotas  # noqa: PLC0415
    from bench.web import letters  # noqa: PLC0415
    from mailstore import ingest, packs, parsing  # noqa: PLC0415

    if not numbers:
        return 0
    numbers = numbers[::-1]
    raws = [letters.letter(number, total, account.name, size) for number in numbers]
    arrivals = [
        ingest.Arrival(
            raw, hashlib.sha256(raw).hexdigest(), parsing.parse(raw),
            letters.sent_at(number, total) + timedelta(minutes=1),
            seen=number % UNREAD_EVERY != 0,
        )
        for number, raw in zip(numbers, raws, strict=True)
    ]  # fmt: skip
    pack = packs.write_pack(raws)
    with transaction.atomic():
        quotas.take(account.owner_id, pack.size)
        ingest.store_messages(account, inbox, pack, arrivals)
    return sum(len(one.parsed.text) + len(one.parsed.subject) for one in arrivals)


def _multiply(times: int) -> None:
    """Repeat rows and words inside PostgreSQL, where storing a million would take an hour."""
    from django.db import connection  # noqa: PLC0415 - needs Django set up

    from mailstore.models import Folder, Message  # noqa: PLC0415

    names = [field.column for field in Message._meta.concrete_fields]  # noqa: SLF001 - public
    new = {
        "id": "id + {shift}",
        "public_id": "gen_random_uuid()",
        "same_as": "same_as + {shift}",
        "sent_at": "sent_at + make_interval(secs => {step})",
    }
    values = ", ".join(new.get(name, f'"{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    rows = f"INSERT INTO mailstore_message ({columns}) SELECT {values} FROM mailstore_message"
    words = (
        "INSERT INTO mailstore_search SELECT message_id + {shift}, owner_id, place + {step}, words "
        "FROM mailstore_search"
    )
    with connection.cursor() as cursor:
        if times > 1:
            cursor.execute("SELECT max(id) FROM mailstore_message")
            most = cursor.fetchone()[0]
            cursor.execute("DROP INDEX mailstore_search_words")
            for step in range(1, times):
                given = {"shift": most * step, "step": step * 7}
                cursor.execute(f"{rows.format(**given)} WHERE id <= {most}")
                cursor.execute(f"{words.format(**given)} WHERE message_id <= {most}")
            cursor.execute(
                "CREATE INDEX mailstore_search_words ON mailstore_search "
                "USING gin (owner_id, words)"
            )
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence('mailstore_message', 'id'), %s)",
                [most * times],
            )
    for folder in Folder.objects.all():
        folder.total, folder.unread = folder.total * times, folder.unread * times
        folder.save()


def _star() -> None:
    from django.db.models import F  # noqa: PLC0415 - needs Django set up

    from mailstore.models import Message  # noqa: PLC0415

    Message.objects.annotate(rest=F("pk") % STARRED_EVERY).filter(rest=0).update(flagged=True)


def _session(owner: Any) -> str:
    from django.conf import settings  # noqa: PLC0415 - needs Django set up
    from django.test import Client  # noqa: PLC0415

    client = Client()
    client.force_login(owner)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _keys(owner: Any, count: int) -> list[str]:
    """Return the keys by which the second page and the two thousandth, or the last, are asked."""
    from mailstore.models import Message  # noqa: PLC0415 - needs Django set up
    from mailstore.queries import list_messages  # noqa: PLC0415

    second = list_messages(owner, view="inbox").next_key
    place = min(count, 2000 * PAGE) - 3 * PAGE
    newest = Message.objects.filter(owner=owner).order_by("-sent_at", "-pk")
    before = newest.values_list("sent_at", "pk")[place]
    return [second, _key(*before)]


def _key(sent_at: datetime, pk: int) -> str:
    micros = (sent_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return urlsafe_b64encode(f"{micros}.{pk}".encode()).decode().rstrip("=")


def _sizes() -> dict[str, int]:
    """Return the octets of the index, and make statistics, as autovacuum and our worker do."""
    from django.db import connection  # noqa: PLC0415 - needs Django set up

    from mailstore import statistics  # noqa: PLC0415

    statistics.refresh()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sum(length(block)) FROM mailstore_search_data")
            return {"index": cursor.fetchone()[0]}
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT pg_total_relation_size('mailstore_search')")
        return {"index": cursor.fetchone()[0]}


if __name__ == "__main__":
    main(*sys.argv[1:])
