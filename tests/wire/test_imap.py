"""IMAP sessions at a scripted server: what is said to it, and what it may and may not answer."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import trustme

from tests.servers import certificates
from tests.servers.scripted import (
    PASSWORD,
    USER,
    Behaviour,
    Talk,
    drips,
    never_ends,
    says,
    says_then_leaves,
    says_then_stalls,
)
from tests.servers.scripted_imap import ImapServer
from wire.endpoint import Security
from wire.errors import MailError, MessageRefused, MessageTooLarge, MessageVanished
from wire.imap import ImapSession, open_imap
from wire.limits import Limits
from wire.login import Login, PasswordLogin, TokenLogin
from wire.pop3_memory import Position

ALICE = PasswordLogin(USER, PASSWORD)
QUICK = Limits(session_seconds=5, connect_seconds=2, answer_seconds=1, sign_in_seconds=1)
EVERY_WAY = [Security.TLS, Security.STARTTLS, Security.PLAIN]
RAW = [b"Subject: %d\r\n\r\n.\r\nx)\r\n" % number for number in range(1, 6)]


def open_at(server: ImapServer, login: Login = ALICE, limits: Limits = QUICK) -> ImapSession:
    return open_imap(server.endpoint, login, guard=server.guard, limits=limits)


def failure(server: ImapServer, login: Login = ALICE) -> MailError:
    with server, pytest.raises(MailError) as caught, open_at(server, login) as session:
        list(session.retrieve(session.list_items()))
    return caught.value


def tagged(words: str) -> Behaviour:
    """Make a behaviour that answers a command by these words."""

    def behaviour(talk: Talk, argument: str) -> None:
        talk.say(f"{talk.tag} {words}")

    return behaviour


@pytest.mark.parametrize("security", EVERY_WAY)
def test_a_mailbox_is_listed_and_read_without_changing_it(
    good: ssl.SSLContext, security: Security
) -> None:
    with (
        ImapServer(*RAW, security=security, context=good) as server,
        open_at(server) as session,
    ):
        items = session.list_items()
        assert (items[0].number, items[0].uid, items[0].size) == (1, "42:1", len(RAW[0]))
        assert session.stat() == (5, sum(map(len, RAW)))
        answers = list(session.retrieve(items))
        assert [raw for _, raw in answers] == RAW
        assert [item.seen for item, _ in answers] == [True, False, True, False, True]
        assert answers[0][0].arrived_at == datetime(2024, 7, 16, 19, 44, 25, tzinfo=UTC)
        assert [raw for _, raw in session.headers(items[:1])] == [b"Subject: 1\r\n\r\n"]
        assert session.delete(items) == []
        session.finish()
    assert server.judged == 1
    heard = server.heard().upper()
    assert not any(word in heard for word in (b"STORE", b"SELECT", b"EXPUNGE", b"BODY["))


def test_an_empty_mailbox_is_empty(good: ssl.SSLContext) -> None:
    with ImapServer(context=good) as server, open_at(server) as session:
        assert session.list_items() == []
        assert session.stat() == (0, 0)
        assert session.changes_since(Position(0, "")) == []


def test_what_came_since_is_told_by_few_questions(good: ssl.SSLContext) -> None:
    def since(count: int, last: str) -> list[str] | None:
        with ImapServer(*RAW, context=good) as server, open_at(server) as session:
            tail = session.changes_since(Position(count, last))
        return None if tail is None else [item.uid for item in tail]

    assert since(5, "42:5") == []
    assert since(3, "42:3") == ["42:4", "42:5"]
    assert since(0, "") == [f"42:{number}" for number in range(1, 6)]
    assert since(3, "41:3") is None
    assert since(3, "42:9") is None
    assert since(6, "42:6") is None


def test_one_message_that_cannot_be_had_holds_up_no_other(good: ssl.SSLContext) -> None:
    large = b"Subject: large\r\n\r\n" + b"x" * 5000
    server = ImapServer(RAW[0], large, RAW[1], context=good)
    limits = Limits(session_seconds=5, answer_seconds=1, message_bytes=4000)
    with server, open_at(server, limits=limits) as session:
        items = session.list_items()
        server.messages.pop()
        raws = [raw for _, raw in session.retrieve(items)]
        assert server.heard().count(b"<0.4001>") == 1
    assert raws[0] == RAW[0]
    assert isinstance(raws[1], MessageTooLarge)
    assert isinstance(raws[2], MessageVanished)


@pytest.mark.parametrize(
    ("words", "kind"),
    [("cannot read that", MessageRefused), ("[EXPUNGEISSUED] it went", MessageVanished)],
)
def test_messages_refused_together_are_asked_for_one_by_one(
    good: ssl.SSLContext, words: str, kind: type[MailError]
) -> None:
    proper = ImapServer.proper["UID"]

    def picky(talk: Talk, argument: str) -> None:
        if "," in argument or " 2 " in argument:
            talk.say(f"{talk.tag} NO {words}")
        else:
            proper(talk, argument)

    with ImapServer(*RAW, context=good).behave("UID", picky) as server, open_at(server) as session:
        raws = [raw for _, raw in session.retrieve(session.list_items())]
    assert isinstance(raws[1], kind)
    assert [raws[0], *raws[2:]] == [RAW[0], *RAW[2:]]


@pytest.mark.parametrize("sasl", ["PLAIN XOAUTH2", "OAUTHBEARER"])
def test_a_token_is_taken_however_long_it_is(good: ssl.SSLContext, sasl: str) -> None:
    token = "t" * 6000
    with ImapServer(context=good, sasl=sasl) as server:
        server.secret = USER, token
        open_at(server, TokenLogin(USER, token)).finish()
    refused = failure(ImapServer(context=good, sasl=sasl), TokenLogin(USER, token))
    assert refused.code == "auth.oauth"
    assert refused.facts["token_status"] == "401"


def test_a_server_without_plain_is_told_the_password_by_login(good: ssl.SSLContext) -> None:
    with ImapServer(context=good, sasl="") as server:
        server.secret = USER, "sesame"
        open_at(server, PasswordLogin(USER, "sesame")).finish()
        assert server.judged == 1


@pytest.mark.parametrize("name", certificates.BAD)
@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_no_secret_is_told_to_a_server_that_cannot_prove_itself(
    authority: trustme.CA, name: str, security: Security
) -> None:
    make, code = certificates.BAD[name]
    server = ImapServer(context=make(authority), security=security)
    assert failure(server).code == code
    assert server.judged == 0


def test_nothing_said_before_tls_is_believed(good: ssl.SSLContext) -> None:
    def inject(talk: Talk, argument: str) -> None:
        talk.send(f"{talk.tag} OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n".encode())

    server = ImapServer(security=Security.STARTTLS, context=good).behave("STARTTLS", inject)
    assert failure(server).code == "server.protocol"
    assert server.judged == 0


REFUSALS = {
    "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)": "auth.failed",
    "NO LOGIN failed.": "auth.failed",
    "BAD no such user": "auth.failed",
    "NO [ALERT] Application-specific password required": "auth.apppw",
    "NO [ALERT] Your account is not enabled for IMAP use.": "auth.disabled",
    "NO [NOPERM] no IMAP for you": "auth.disabled",
    "NO [UNAVAILABLE] later": "server.busy",
    "NO [INUSE] another one": "server.inuse",
    "NO [LIMIT] enough": "server.limit",
    "NO [OVERQUOTA] full": "server.full",
    "NO Too many simultaneous connections": "server.limit",
    "NO [CONTACTADMIN] call us": "auth.locked",
    "NO Your account has been locked": "auth.locked",
    "NO [PRIVACYREQUIRED] no": "tls.required",
    "NO AUTHENTICATE failed. BasicAuthBlocked": "auth.oauth",
}


@pytest.mark.parametrize("words", REFUSALS)
def test_a_refused_sign_in_is_told_by_its_reason(good: ssl.SSLContext, words: str) -> None:
    server = ImapServer(context=good).behave("AUTHENTICATE", tagged(words))
    error = failure(server)
    assert error.code == REFUSALS[words]
    assert (error.facts["host"], error.facts["port"]) == (certificates.HOST, 993)
    assert server.heard().count(b"AUTHENTICATE") == 1


OFFERS = {
    "IMAP4rev1 LOGINDISABLED": "auth.mechanism",
    "IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2": "auth.oauth",
}


@pytest.mark.parametrize("offers", OFFERS)
def test_a_password_is_not_told_where_none_is_taken(good: ssl.SSLContext, offers: str) -> None:
    def capability(talk: Talk, argument: str) -> None:
        talk.say(f"* CAPABILITY {offers}")
        talk.say(f"{talk.tag} OK done")

    server = ImapServer(context=good).behave("CAPABILITY", capability)
    assert failure(server).code == OFFERS[offers]
    plain = ImapServer(security=Security.PLAIN).behave("CAPABILITY", capability)
    assert failure(plain).code in {"tls.required", "auth.oauth"}


def _examined(*lines: bytes) -> Behaviour:
    def examine(talk: Talk, argument: str) -> None:
        talk.send(b"".join(line + b"\r\n" for line in lines) + f"{talk.tag} OK done\r\n".encode())

    return examine


Arranged = Callable[[ImapServer], ImapServer]
HOSTILE: dict[str, tuple[Arranged, str]] = {
    "silent": (lambda x: x.behave("GREETING", says_then_stalls(b"")), "conn.timeout"),
    "drips": (lambda x: x.behave("GREETING", drips(b"*", 0.1)), "conn.timeout"),
    "another protocol": (lambda x: x.behave("GREETING", says(b"+OK\r\n")), "server.protocol"),
    "turns away": (lambda x: x.behave("GREETING", says(b"* BYE no\r\n")), "server.busy"),
    "too many": (
        lambda x: x.behave("GREETING", says(b"* BYE Too many connections\r\n")),
        "server.limit",
    ),
    "signed in": (lambda x: x.behave("GREETING", says(b"* PREAUTH hi\r\n")), "server.protocol"),
    "leaves": (lambda x: x.behave("AUTHENTICATE", says_then_leaves(b"")), "conn.lost"),
    "says bye": (
        lambda x: x.behave("AUTHENTICATE", says_then_leaves(b"* BYE going\r\n")),
        "conn.lost",
    ),
    "asks for ever": (
        lambda x: x.behave("AUTHENTICATE", never_ends(b"", b"+ \r\n")),
        "server.protocol",
    ),
    "talks for ever": (
        lambda x: x.behave("CAPABILITY", never_ends(b"", b"* OK " + b"a" * 90 + b"\r\n")),
        "server.protocol",
    ),
    "endless line": (
        lambda x: x.behave("CAPABILITY", never_ends(b"* ", b"a" * 999)),
        "server.protocol",
    ),
    "huge literal": (
        lambda x: x.behave("FETCH", says(b"* 1 FETCH (UID {99999999999}\r\n")),
        "server.protocol",
    ),
    "absurd literal": (
        lambda x: x.behave("FETCH", says(b"* 1 FETCH (UID {" + b"9" * 5000 + b"}\r\n")),
        "server.protocol",
    ),
    "not one number": (
        lambda x: x.behave("EXAMINE", _examined(b"* 99999999999 EXISTS")),
        "server.protocol",
    ),
    "too many listed": (
        lambda x: x.behave("EXAMINE", _examined(b"* 999999999 EXISTS")),
        "server.protocol",
    ),
    "no count": (lambda x: x.behave("EXAMINE", _examined()), "server.protocol"),
    "nested for ever": (
        lambda x: x.behave("FETCH", _examined(b"* 1 FETCH (UID 1 X " + b"(" * 50_000)),
        "server.protocol",
    ),
    "gibberish": (lambda x: x.behave("FETCH", says(b"\xff\xfe\x00\r\n")), "server.protocol"),
    "same uid twice": (
        lambda x: x.behave(
            "FETCH",
            _examined(
                b"* 1 FETCH (UID 7 RFC822.SIZE 1)",
                b"* 2 FETCH (UID 7 RFC822.SIZE 1)",
            ),
        ),
        "server.protocol",
    ),
    "no such mailbox": (lambda x: x.behave("EXAMINE", tagged("NO gone")), "server.protocol"),
    "mailbox busy": (lambda x: x.behave("EXAMINE", tagged("NO [INUSE] wait")), "server.inuse"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_server_holds_us_or_breaks_us(good: ssl.SSLContext, name: str) -> None:
    arrange, code = HOSTILE[name]
    assert failure(arrange(ImapServer(*RAW, context=good))).code == code


def test_no_secret_shows_in_what_is_told_nor_in_a_log(
    good: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    echo = tagged(f"NO {ALICE.plain().decode()} {PASSWORD}")
    error = failure(ImapServer(context=good).behave("AUTHENTICATE", echo))
    for text in (repr(error), error.detail, caplog.text):
        assert PASSWORD not in text
        assert ALICE.plain().decode() not in text
