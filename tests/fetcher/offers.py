"""A mailbox full of messages, and what must hold of its account whatever happened to a visit."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.models import Sum

from accounts.models import ExternalAccount, Quota
from fetcher.models import FetchRun, RemoteUid
from fetcher.runs import run_fetch
from mailstore.models import Folder, Message, Pack, Role
from mailstore.packs import BlobDamaged, read_raw
from mailstore.queries import list_messages
from tests.builders import make_account, make_user
from tests.servers.dovecot import Dovecot

# Two of them are equal: they are two messages, and that is no mistake.
NUMBERS = (*range(1, 40), 1)
LETTERS = tuple(
    f"From: Siti <siti@example.org>\r\nTo: box@example.org\r\nSubject: Kabar {number}\r\n"
    f"Message-ID: <{number}@example.org>\r\nDate: Mon, 23 Nov 2026 08:{number:02}:00 +0700\r\n"
    f"\r\n.\r\n{number}: {'Selamat pagi. ' * (number * number)}\r\n".encode()
    for number in NUMBERS
)


def digests(raws: Iterable[bytes]) -> Counter[str]:
    """Count messages by SHA-256."""
    return Counter(hashlib.sha256(raw).hexdigest() for raw in raws)


OFFERED = digests(LETTERS)


@dataclass(frozen=True)
class Offer:
    """An account, and the folder in which its server keeps the mail that it offers."""

    account: ExternalAccount
    mailbox: Path

    def deleted_unstored(self) -> int:
        """Count messages that are gone from the server and not readable here."""
        # In this order: what is deleted later than the look at the server was stored before it.
        left = digests(file.read_bytes() for file in self.mailbox.glob("[nc]??/*"))
        return (OFFERED - left - self.stored()).total()

    def stored(self) -> Counter[str]:
        """Count the messages that can be read here, by SHA-256."""
        return digests(self._readable())

    def visit_twice(self) -> Counter[str]:
        """Visit the account two times undisturbed, then count by name what does not hold."""
        lost_before = self.deleted_unstored()
        runs = [run_fetch(self.account.pk) for _ in range(2)]
        wrong = self._broken()
        wrong["stuck"] = int(runs[1] is None or bool(runs[1].code))
        wrong["deleted unstored"] = max(lost_before, self.deleted_unstored())
        return +wrong

    def clear(self) -> None:
        """Take the messages from the server, which may still be writing lists of its own there."""
        shutil.rmtree(self.mailbox, ignore_errors=True)

    def _readable(self) -> Iterator[bytes]:
        for message in Message.objects.filter(account=self.account).select_related("blob__pack"):
            try:
                yield read_raw(message.blob)
            except BlobDamaged:
                continue

    def _broken(self) -> Counter[str]:
        have, rows = self.stored(), Message.objects.filter(account=self.account)
        size = rows.aggregate(all=Sum("size"))["all"] or 0
        inbox = Folder.objects.filter(account=self.account, role=Role.INBOX)
        counters = list(inbox.values_list("total", "unread", "size"))
        found = list_messages(self.account.owner, text="kabar", limit=2 * len(LETTERS)).messages
        left = len(list(self.mailbox.glob("[nc]??/*")))
        holds = {
            "ids": RemoteUid.objects.filter(account=self.account).count() == len(LETTERS),
            "quota": Quota.objects.get(owner=self.account.owner).used_bytes == size,
            "counters": counters == [(rows.count(), rows.count(), size)],
            "search": {row.pk for row in found} == {row.pk for row in rows},
            "packs": have.total() == rows.count(),
            "closed": not FetchRun.objects.filter(account=self.account, closed_at=None).exists(),
            "left": left == (len(LETTERS) if self._keeps() else 0),
        }
        wrong = Counter(name for name, right in holds.items() if not right)
        wrong["lost"], wrong["doubled"] = (OFFERED - have).total(), (have - OFFERED).total()
        return wrong

    def _keeps(self) -> bool:
        return self.account.incoming.delete_after_days is None


def make_offer(dovecot: Dovecot, number: int, delete_after_days: int | None) -> Offer:
    """Put ``LETTERS`` into a new mailbox, for a new person with an account there."""
    address = f"box{number}@example.org"
    dovecot.add_user(address, "right")
    dovecot.deliver(address, *LETTERS)
    account = make_account(
        make_user(f"user{number}@example.org"), address=address, password="right"
    )
    account.incoming.delete_after_days = delete_after_days
    account.incoming.save()
    return Offer(account, dovecot.folder / "mail" / address)


def litter() -> int:
    """Count the files in the store that no row names; they may be there until they are swept."""
    named = {f"{name.hex}.pack" for name in Pack.objects.values_list("name", flat=True)}
    files = (path for path in Path(settings.PACK_FOLDER).rglob("*") if path.is_file())
    return sum(path.name not in named for path in files)
