"""Mailboxes of a scripted server, each message named by one letter, and what is stored of them."""

from __future__ import annotations

from collections import Counter

from accounts.models import ExternalAccount
from fetcher.models import FetchRun
from fetcher.runs import run_fetch
from mailstore.models import Message
from mailstore.packs import read_raw
from tests.servers.scripted import Pop3Server

NAME, PASSWORD = "box@example.org", "secret"


def letter(name: str) -> bytes:
    """Make a message that is like no other, and as long as all others with one letter."""
    return f"Message-ID: <{name}@example.org>\r\nSubject: {name}\r\n\r\nSelamat pagi.\r\n".encode()


def hold(server: Pop3Server, names: str) -> None:
    """Let the mailbox hold one message for each letter, in this order."""
    server.messages = [letter(name) for name in names]
    server.uids = [f"uid-{name}" for name in names]


def visit(account: ExternalAccount) -> FetchRun:
    run = run_fetch(account.pk)
    assert run is not None
    assert run.code == ""
    return run


def stored() -> Counter[bytes]:
    messages = Message.objects.select_related("blob__pack")
    return Counter(read_raw(message.blob) for message in messages)


def letters(names: str) -> Counter[bytes]:
    return Counter(letter(name) for name in names)
