"""What the tests of fetching share: the way to the real server, and mailboxes there."""

from __future__ import annotations

import os
import shutil
import ssl
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from itertools import count
from pathlib import Path

import pytest
import trustme
from pytest_django import Settings

from accounts.models import ExternalAccount
from fetcher import batches
from tests.builders import make_account, make_user
from tests.fetcher import mailboxes
from tests.fetcher.offers import Offer, make_offer
from tests.servers import certificates
from tests.servers.dovecot import Dovecot
from tests.servers.scripted import PASSWORD, USER, Pop3Server, says
from wire.guard import Guard

# SQLite is no server that could go away; see tests/test_on_postgres.py.
collect_ignore = [] if "MUARA_DATABASE_URL" in os.environ else ["test_database_outages.py"]


@pytest.fixture
def at_dovecot(
    dovecot: Dovecot, authority_file: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Dovecot:
    """Lead the names of all servers to the real one, and trust it."""
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    pairs = (rule.split("=") for rule in dovecot.connect_to.split(","))
    ends = ((name.rsplit(":", 1), real.rsplit(":", 1)) for name, real in pairs)
    settings.GUARD = Guard(
        (ip_network("127.0.0.0/8"),),
        {(name[0], int(name[1])): (real[0], int(real[1])) for name, real in ends},
    )
    return dovecot


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take several batches for one mailbox."""
    monkeypatch.setattr(batches, "BATCH_MESSAGES", 8)


@pytest.fixture
def offer(at_dovecot: Dovecot, settings: Settings) -> Iterator[Callable[..., Offer]]:
    """Make mailboxes full of messages; give their room back afterwards."""
    numbers = count()
    made: list[Offer] = []

    def make(delete_after_days: int | None = None) -> Offer:
        made.append(make_offer(at_dovecot, next(numbers), delete_after_days))
        return made[-1]

    yield make
    for one in made:
        shutil.rmtree(one.mailbox, ignore_errors=True)
    shutil.rmtree(Path(settings.PACK_FOLDER), ignore_errors=True)


@pytest.fixture
def good(
    authority: trustme.CA, authority_file: str, monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext:
    """Make the TLS context of a scripted server that is what it claims to be, and trust it."""
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    return certificates.good(authority)


@pytest.fixture
def account_at(settings: Settings) -> Callable[[Pop3Server], ExternalAccount]:
    """Make an account at a scripted server."""

    def make(server: Pop3Server) -> ExternalAccount:
        settings.GUARD = server.guard
        account = make_account(make_user(), address=USER, password=PASSWORD)
        incoming = account.incoming
        incoming.host, incoming.username = server.endpoint.host, USER
        incoming.save()
        return account

    return make


@pytest.fixture(scope="session")
def context(authority: trustme.CA) -> ssl.SSLContext:
    return certificates.good(authority)


@pytest.fixture(params=["pipelined", "lock step", "without UIDL", "without CAPA"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def server(
    kind: str,
    context: ssl.SSLContext,
    authority_file: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Pop3Server]:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    with Pop3Server(context=context, pipelining=kind == "pipelined") as server:
        server.secret = mailboxes.NAME, mailboxes.PASSWORD
        for missing in {"without UIDL": ["UIDL"], "without CAPA": ["CAPA"]}.get(kind, []):
            server.behave(missing, says(b"-ERR unknown command\r\n"))
        settings.GUARD = Guard((ip_network("127.0.0.0/8"),), server.guard.connect_to)
        yield server


@pytest.fixture
def account() -> ExternalAccount:
    return make_account(make_user(), address=mailboxes.NAME, password=mailboxes.PASSWORD)
