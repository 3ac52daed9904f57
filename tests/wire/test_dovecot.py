"""The same session at a real server."""

from __future__ import annotations

import pytest

from tests.servers.dovecot import HOSTS, Dovecot
from wire.endpoint import STANDARD_PORTS, Endpoint, Protocol, Security
from wire.errors import AuthenticationFailed
from wire.guard import Guard
from wire.imap import ImapSession, open_imap
from wire.login import PasswordLogin
from wire.pop3 import Capabilities, Pop3Session, Position, open_pop3

pytestmark = pytest.mark.servers
PASSWORD = "pa ss wörd %s"
MESSAGES = [
    b"Subject: %d\r\n\r\n.\r\n..two\r\n" % number + b"x" * 3000 * number + b"\r\n"
    for number in range(20)
]


def open_imap_at(dovecot: Dovecot, security: Security, name: str) -> ImapSession:
    port = STANDARD_PORTS[Protocol.IMAP, security]
    here = ("127.0.0.1", dovecot.ports["imaps" if security is Security.TLS else "imap"])
    endpoint = Endpoint(HOSTS[1], port, security)
    guard = Guard(connect_to={(HOSTS[1], port): here})
    return open_imap(endpoint, PasswordLogin(name, PASSWORD), guard=guard)


def open_at(
    dovecot: Dovecot,
    security: Security,
    name: str,
    password: str = PASSWORD,
    *,
    remembered: Capabilities | None = None,
    position: Position | None = None,
) -> Pop3Session:
    port = STANDARD_PORTS[Protocol.POP3, security]
    here = ("127.0.0.1", dovecot.ports["pop3s" if security is Security.TLS else "pop3"])
    guard = Guard(connect_to={(HOSTS[0], port): here})
    return open_pop3(
        Endpoint(HOSTS[0], port, security),
        PasswordLogin(name, password),
        guard=guard,
        remembered=remembered,
        position=position,
    )


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_mailbox_is_listed_read_and_emptied(dovecot: Dovecot, security: Security) -> None:
    name = f"wire-{security}@example.org"
    dovecot.add_user(name, PASSWORD)
    dovecot.deliver(name, *MESSAGES)
    with open_at(dovecot, security, name) as session:
        assert session.capabilities >= {"UIDL", "TOP", "PIPELINING"}
        items = session.list_items()
        assert session.stat() == (len(MESSAGES), sum(map(len, MESSAGES)))
        assert [item.size for item in items] == [len(raw) for raw in MESSAGES]
        assert len({item.uid for item in items}) == len(MESSAGES)
        assert [raw for _, raw in session.retrieve(items)] == MESSAGES
        heads = [raw for _, raw in session.headers(items)]
        assert heads == [raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" for raw in MESSAGES]
        assert session.delete(items[:-1]) == items[:-1]
        session.finish()
    with open_at(dovecot, security, name) as session:
        assert [item.uid for item in session.list_items()] == [items[-1].uid]


def test_a_wrong_password_is_told_with_the_servers_words(dovecot: Dovecot) -> None:
    dovecot.add_user("wire-wrong@example.org", PASSWORD)
    with pytest.raises(AuthenticationFailed) as refused:
        open_at(dovecot, Security.TLS, "wire-wrong@example.org", "no")
    assert refused.value.code == "auth.failed"
    assert refused.value.detail == "[AUTH] Authentication failed."


@pytest.mark.parametrize("password", ["simple", PASSWORD], ids=["USER", "PLAIN"])
def test_a_poll_of_ten_thousand_known_messages_takes_few_round_trips(
    dovecot: Dovecot, password: str
) -> None:
    name = f"wire-poll-{len(password)}@example.org"
    dovecot.add_user(name, password)
    dovecot.deliver(name, *[b"Subject: x\r\n\r\n"] * 10_000)
    with open_at(dovecot, Security.TLS, name, password) as session:
        known = session.list_items()
        remembered, octets = session.learnt, session.stat()[1]
        session.finish()
    position = Position(len(known), known[-1].uid, octets)

    def poll() -> Pop3Session:
        return open_at(
            dovecot, Security.TLS, name, password, remembered=remembered, position=position
        )

    with poll() as session:
        assert session.changes_since(position) == []
        session.finish()
        assert session.round_trips == 3
        assert session.lines.octets_in + session.lines.octets_out < 1024
    dovecot.deliver(name, *MESSAGES[:10])
    with poll() as session:
        tail = session.changes_since(position)
        assert tail is not None
        assert [raw for _, raw in session.retrieve(tail)] == MESSAGES[:10]
        session.finish()
        assert session.round_trips <= 5


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_mailbox_is_read_over_imap_and_left_as_it_was(
    dovecot: Dovecot, security: Security
) -> None:
    name = f"wire-imap-{security}@example.org"
    dovecot.add_user(name, PASSWORD)
    dovecot.deliver(name, *MESSAGES)
    with open_imap_at(dovecot, security, name) as session:
        items = session.list_items()
        session.ask_capabilities()
        assert session.capabilities >= {"IDLE", "UIDPLUS", "MOVE"}
        assert session.stat() == (len(MESSAGES), sum(map(len, MESSAGES)))
        assert [item.size for item in items] == [len(raw) for raw in MESSAGES]
        answers = list(session.retrieve(items))
        assert [raw for _, raw in answers] == MESSAGES
        assert not any(item.seen for item, _ in answers)
        heads = [raw for _, raw in session.headers(items)]
        assert heads == [raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" for raw in MESSAGES]
        session.finish()
    position = Position(len(items), items[-1].uid)
    dovecot.deliver(name, *MESSAGES[:2])
    with open_imap_at(dovecot, security, name) as session:
        tail = session.changes_since(position)
        assert tail is not None
        assert [raw for _, raw in session.retrieve(tail)] == MESSAGES[:2]
        assert [raw for _, raw in session.retrieve(items[:1])] == MESSAGES[:1]


def test_a_poll_over_imap_lists_no_known_message(dovecot: Dovecot) -> None:
    name = "wire-imap-poll@example.org"
    dovecot.add_user(name, PASSWORD)
    dovecot.deliver(name, *[b"Subject: x\r\n\r\n"] * 2000)
    with open_imap_at(dovecot, Security.TLS, name) as session:
        known = session.list_items()
    assert len(known) == 2000
    with open_imap_at(dovecot, Security.TLS, name) as session:
        assert session.changes_since(Position(len(known), known[-1].uid)) == []
        assert session.round_trips <= 8
        assert session.octets_in < 4096
