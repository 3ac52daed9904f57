"""The two mailboxes of the demo's provider: their servers, sign-ins and letters."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from demo.letters import home, home_notices, office, office_notices
from demo.letters.compose import Draft, compose_all
from demo.provider import Mailbox


class Box(NamedTuple):
    """One account as its owner would type it in."""

    address: str
    name: str
    host: str
    drafts: list[Draft]


BOXES = (
    Box(
        "siti@contoh.example",
        "Rumah",
        "pop.contoh.example",
        [*home.PEOPLE, *home_notices.NOTICES],
    ),
    Box(
        "siti.rahma@kantor.example",
        "Kantor",
        "pop.kantor.example",
        [*office.PEOPLE, *office_notices.NOTICES],
    ),
)


def make_mailboxes(*, password: str, born: datetime) -> list[Mailbox]:
    """Fill the mailboxes with letters dated back from ``born``; a few arrive minutes after it."""
    return [
        Mailbox(
            box.address, password, compose_all(box.drafts, owner=f"Siti <{box.address}>", born=born)
        )
        for box in BOXES
    ]
