"""Opening a session: the steps, the ways to sign in, and what is never sent."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

import pytest
import trustme

from tests.servers import certificates
from tests.servers.certificates import BAD, HOST, Maker
from tests.servers.scripted import (
    PASSWORD,
    USER,
    Behaviour,
    Pop3Server,
    Talk,
    says,
    says_then_leaves,
    says_then_stalls,
    then,
)
from tests.wire.sessions import LOGIN, open_at
from wire.endpoint import Security
from wire.errors import (
    AuthenticationFailed,
    CertificateInvalid,
    ConnectionFailed,
    MailError,
    ProtocolError,
    ServerBusy,
    TlsUnavailable,
)
from wire.login import PasswordLogin
from wire.pop3 import open_pop3

ENCRYPTED = [Security.TLS, Security.STARTTLS]
PLAIN = Security.PLAIN
STARTTLS = Security.STARTTLS


def nothing_leaked(server: Pop3Server) -> bool:
    heard = server.heard()
    secrets = (USER.encode(), PASSWORD.encode(), LOGIN.plain(), b"USER", b"PASS", b"AUTH")
    return not any(secret in heard for secret in secrets)


@pytest.mark.parametrize("security", Security)
def test_a_session_opens_by_each_kind_of_security(security: Security, good: ssl.SSLContext) -> None:
    steps: list[str] = []
    with (
        Pop3Server(b"a\r\n", security=security, context=good) as server,
        open_at(server, steps=steps) as session,
    ):
        assert session.stat() == (1, 3)
        session.finish()
    assert (
        steps
        == {
            Security.TLS: ["resolve", "connect", "tls", "greeting", "sign_in"],
            Security.STARTTLS: ["resolve", "connect", "greeting", "tls", "sign_in"],
            Security.PLAIN: ["resolve", "connect", "greeting", "sign_in"],
        }[security]
    )


@pytest.mark.parametrize("security", ENCRYPTED)
@pytest.mark.parametrize(("maker", "code"), BAD.values(), ids=list(BAD))
def test_a_server_that_is_not_proven_hears_no_secret(
    security: Security, maker: Maker, code: str, authority: trustme.CA
) -> None:
    with Pop3Server(security=security, context=maker(authority)) as server:
        with pytest.raises((CertificateInvalid, TlsUnavailable)) as refused:
            open_at(server)
        assert refused.value.code == code
        assert refused.value.facts["host"] == HOST
        assert nothing_leaked(server)
        assert set(server.received) <= {b"STLS\r\n"}


@pytest.mark.parametrize("security", ENCRYPTED)
@pytest.mark.parametrize(
    ("maker", "facts"),
    [
        (certificates.expired, {"date": "2021-06-30T12:00:00+00:00"}),
        (certificates.not_yet_valid, {"date": "2090-01-01T00:00:00+00:00"}),
        (certificates.wrong_name, {"name": "mail.example.com", "usable": "mail.example.com"}),
        (certificates.wildcard_too_deep, {"name": "*.org, *.pop.example.org"}),
        (certificates.common_name_only, {}),
    ],
)
def test_a_refused_certificate_tells_its_date_or_its_name(
    security: Security, maker: Maker, facts: dict[str, str], authority: trustme.CA
) -> None:
    with Pop3Server(security=security, context=maker(authority)) as server:
        with pytest.raises(CertificateInvalid) as refused:
            open_at(server)
        assert refused.value.facts == {"host": HOST, "port": server.endpoint.port} | facts
        assert nothing_leaked(server)


def only_once(first: Behaviour, later: Behaviour) -> Behaviour:
    """Behave in one way to the first client and in another to those after it."""

    def behaviour(talk: Talk, argument: str) -> None:
        (first if talk.server.connections == 1 else later)(talk, argument)

    return behaviour


def encrypt(talk: Talk, argument: str) -> None:
    assert talk.server.context is not None
    talk.encrypt(talk.server.context)


def test_a_server_that_hides_its_certificate_the_second_time_is_refused_all_the_same(
    authority: trustme.CA,
) -> None:
    with Pop3Server(context=certificates.expired(authority)) as server:
        server.behave("CONNECT", only_once(encrypt, says_then_leaves(b"")))
        with pytest.raises(CertificateInvalid) as refused:
            open_at(server)
    assert refused.value.code == "tls.expired"
    assert "date" not in refused.value.facts


def test_a_server_that_is_gone_the_second_time_is_refused_all_the_same(
    authority: trustme.CA,
) -> None:
    with Pop3Server(context=certificates.expired(authority)) as server:

        def vanish(talk: Talk, argument: str) -> None:
            server.stop_listening()
            encrypt(talk, argument)

        server.behave("CONNECT", vanish)
        with pytest.raises(CertificateInvalid) as refused:
            open_at(server)
    assert "date" not in refused.value.facts


def hear_hello(talk: Talk, argument: str) -> None:
    talk.connection.recv(1, socket.MSG_PEEK)


BROKEN_HANDSHAKES: dict[str, tuple[Behaviour, type[MailError], str]] = {
    "no TLS there": (says(b"+OK ready\r\n"), TlsUnavailable, "tls.failed"),
    "closed": (says_then_leaves(b""), TlsUnavailable, "tls.failed"),
    "garbage": (
        says_then_leaves(b"\x16\x03\x03\xff\xff" + b"x" * 50),
        TlsUnavailable,
        "tls.failed",
    ),
    "stalls": (says_then_stalls(b"\x16\x03\x03"), ConnectionFailed, "conn.timeout"),
}


@pytest.mark.parametrize("security", ENCRYPTED)
@pytest.mark.parametrize(
    ("behaviour", "kind", "code"), BROKEN_HANDSHAKES.values(), ids=list(BROKEN_HANDSHAKES)
)
def test_a_broken_handshake_sends_no_secret(
    security: Security, behaviour: Behaviour, kind: type[MailError], code: str
) -> None:
    with Pop3Server(security=security) as server:
        if security is STARTTLS:
            server.behave("STLS", then(then(says(b"+OK go ahead\r\n"), hear_hello), behaviour))
        else:
            server.behave("CONNECT", behaviour)
        with pytest.raises(kind) as failed:
            open_at(server, connect_seconds=0.3)
        assert failed.value.code == code
        assert nothing_leaked(server)


STRIPPED: dict[str, tuple[Behaviour, type[MailError], str]] = {
    "refused": (says(b"-ERR not supported\r\n"), TlsUnavailable, "tls.missing"),
    "refused for now": (says(b"-ERR [SYS/TEMP] later\r\n"), TlsUnavailable, "tls.missing"),
    "strange": (says(b"sure\r\n"), ProtocolError, "server.protocol"),
    "injected": (says(b"+OK\r\n+OK you are in\r\n"), ProtocolError, "server.protocol"),
    "one octet more": (says(b"+OK\r\n\0"), ProtocolError, "server.protocol"),
    "continued": (says(b"+ go\r\n"), TlsUnavailable, "tls.missing"),
}


@pytest.mark.parametrize(("behaviour", "kind", "code"), STRIPPED.values(), ids=list(STRIPPED))
def test_where_stls_is_taken_away_nothing_falls_back(
    behaviour: Behaviour, kind: type[MailError], code: str
) -> None:
    with Pop3Server(security=STARTTLS) as server:
        server.behave("STLS", behaviour)
        with pytest.raises(kind) as refused:
            open_at(server)
        assert (refused.value.code, refused.value.detail) == (code, "")
        assert nothing_leaked(server)


def test_an_answer_to_stls_said_in_advance_does_not_count(good: ssl.SSLContext) -> None:
    with Pop3Server(security=STARTTLS, context=good) as server:
        server.behave("GREETING", says(b"+OK ready\r\n+OK go ahead\r\n"))
        with pytest.raises(ProtocolError):
            open_at(server)
        assert b"STLS" not in server.heard()
        assert nothing_leaked(server)


def test_capabilities_said_in_the_clear_are_forgotten(good: ssl.SSLContext) -> None:
    with (
        Pop3Server(security=STARTTLS, context=good) as server,
        open_at(server) as session,
    ):
        assert [line for line in server.received if line == b"CAPA\r\n"] == [b"CAPA\r\n"] * 2
        assert server.received[0] == b"STLS\r\n"
        assert session.capabilities >= {"TOP", "UIDL", "PIPELINING", "EXPIRENEVER"}


@pytest.mark.parametrize(
    ("sasl", "sent"),
    [("PLAIN LOGIN", b"AUTH PLAIN\r\n"), ("CRAM-MD5", b"USER alice"), ("", b"USER alice")],
)
def test_plain_is_used_where_announced_and_user_and_pass_elsewhere(sasl: str, sent: bytes) -> None:
    with Pop3Server(security=PLAIN, sasl=sasl) as server, open_at(server):
        assert sent in server.heard()


def test_a_server_without_capa_is_used_one_command_at_a_time() -> None:
    with Pop3Server(b"a\r\n", b"b\r\n", security=PLAIN) as server:
        server.behave("CAPA", says(b"-ERR what?\r\n"))
        with open_at(server) as session:
            items = session.list_items()
            assert [item.uid for item in items] == ["uid1", "uid2"]
            assert [raw for _, raw in session.retrieve(items)] == [b"a\r\n", b"b\r\n"]
        assert server.received.count(b"CAPA\r\n") == 1


def test_pipelining_announced_only_after_the_sign_in_is_seen() -> None:
    def capa(talk: Talk, argument: str) -> None:
        talk.block(["PIPELINING"] if talk.signed_in else ["USER"])

    with Pop3Server(security=PLAIN) as server, open_at(server.behave("CAPA", capa)) as session:
        assert session.capabilities == {"PIPELINING"}


@pytest.mark.parametrize("secret", ["a\r\nDELE 1", "a\nb", "a\0b", "a\rb", "a\ud800b"])
@pytest.mark.parametrize("make", [lambda s: PasswordLogin(s, "x"), lambda s: PasswordLogin("x", s)])
def test_what_would_break_out_of_its_line_is_never_sent(
    secret: str, make: Callable[[str], PasswordLogin]
) -> None:
    with Pop3Server(security=PLAIN) as server:
        with pytest.raises(AuthenticationFailed) as refused:
            open_at(server, make(secret))
        assert server.connections == 0
        assert refused.value.facts["host"] == HOST


REFUSALS = {
    b"-ERR [AUTH] Authentication failed.": "auth.failed",
    b"-ERR Login failed.": "auth.failed",
    b"-ERR": "auth.failed",
    b"-err Authentication failed (bad password?)": "auth.failed",
    b"-ERR [IN-USE] Mailbox in use": "server.inuse",
    b"-ERR [IN-USE] Do you have another POP session running?": "server.inuse",
    b"-ERR maildrop already locked": "server.inuse",
    b"-ERR unable to lock maildrop": "server.inuse",
    b"-ERR too many connections from your address": "server.limit",
    b"-ERR Exceeded the login limit for a 15 minute period.": "server.limit",
    b"-ERR [SYS/TEMP] Account exceeded command or bandwidth limits.": "server.limit",
    b"-ERR login frequency limited": "server.limit",
    b"-ERR [SYS/PERM] mailbox is full": "server.full",
    b"-ERR Quota exceeded": "server.full",
    b"-ERR Your account is temporarily locked": "auth.locked",
    b"-ERR Account has been suspended, call us": "auth.locked",
    b"-ERR [AUTH] Too many failed login attempts": "auth.locked",
    b"-ERR [SYS/TEMP] account locked after too many wrong passwords": "auth.locked",
    b"-ERR wrong password; your session is limited": "auth.failed",
    b"-ERR invalid user name, or account limited": "auth.failed",
    b"-ERR [LOGIN-DELAY] Logins must be at least 1 minute apart": "server.busy",
    b"-ERR [sys/temp] out of order": "server.busy",
    b"-ERR Maximum number of connections from user+IP exceeded": "server.limit",
    b"-ERR [SYS/PERM] call us": "auth.disabled",
    b"-ERR [AUTH] Application-specific password required: https://example.org": "auth.apppw",
    b"-ERR please create an app password to use this service": "auth.apppw",
    b"-ERR [AUTH] Basic authentication is disabled.": "auth.oauth",
    b"-ERR Logon failed: LogonDenied-BasicAuthBlocked": "auth.oauth",
    b"-ERR This service requires OAuth": "auth.oauth",
    b"-ERR [SYS/PERM] Your account is not enabled for POP access.": "auth.disabled",
    b"-ERR POP3 access is disabled for your mailbox": "auth.disabled",
    b"-ERR [AUTH] You are yet to enable POP for your account.": "auth.disabled",
}


@pytest.mark.parametrize(("line", "code"), REFUSALS.items())
@pytest.mark.parametrize("command", ["USER", "PASS"])
def test_a_refused_sign_in_tells_why(
    command: str, line: bytes, code: str, good: ssl.SSLContext
) -> None:
    with Pop3Server(context=good, sasl="") as server:
        server.behave(command, says(line + b"\r\n"))
        with pytest.raises(MailError) as refused:
            open_at(server)
    assert refused.value.code == code
    assert refused.value.detail == line.decode().partition(" ")[2]


def test_a_wrong_password_is_refused_by_sasl_too(good: ssl.SSLContext) -> None:
    with (
        Pop3Server(context=good) as server,
        pytest.raises(AuthenticationFailed) as refused,
    ):
        open_at(server, PasswordLogin(USER, "wrong"))
    assert refused.value.detail == "[AUTH] Authentication failed."


@pytest.mark.parametrize("secret", [PASSWORD, LOGIN.plain().decode()])
def test_a_password_thrown_back_at_us_is_not_kept(secret: str, good: ssl.SSLContext) -> None:
    with Pop3Server(context=good, sasl="") as server:
        server.behave("PASS", says(f"-ERR wrong: {secret}\0\x1b[31m!\r\n".encode()))
        with pytest.raises(AuthenticationFailed) as refused:
            open_at(server)
    assert refused.value.detail == "wrong: ***  [31m!"


def test_words_said_in_the_clear_are_not_passed_on() -> None:
    with Pop3Server(security=PLAIN) as server, pytest.raises(AuthenticationFailed) as refused:
        open_at(server, PasswordLogin(USER, "wrong"))
    assert refused.value.detail == ""


@pytest.mark.parametrize("answer", [b"+OK too soon\r\n", b"nonsense\r\n"])
def test_a_mechanism_that_asks_for_nothing_gets_nothing(answer: bytes) -> None:
    with Pop3Server(security=PLAIN) as server:
        with pytest.raises(ProtocolError):
            open_at(server.behave("AUTH", says(answer)))
        assert LOGIN.plain() not in server.heard()


def test_a_mechanism_refused_after_all_is_a_refused_sign_in() -> None:
    with Pop3Server(security=PLAIN) as server:
        with pytest.raises(AuthenticationFailed):
            open_at(server.behave("AUTH", says(b"-ERR no\r\n")))
        assert LOGIN.plain() not in server.heard()


def test_a_server_that_keeps_asking_is_left() -> None:
    def ask_twice(talk: Talk, argument: str) -> None:
        talk.say("+ ")
        talk.line()
        talk.say("+ more")

    with Pop3Server(security=PLAIN) as server, pytest.raises(ProtocolError):
        open_at(server.behave("AUTH", ask_twice))


def test_a_greeting_that_refuses_is_a_busy_server_and_its_words_are_kept_back(
    good: ssl.SSLContext,
) -> None:
    with (
        Pop3Server(context=good) as server,
        pytest.raises(ServerBusy) as refused,
    ):
        open_at(server.behave("GREETING", says(b"-ERR too many connections\r\n")))
    assert refused.value.detail == ""


def test_a_slow_sign_in_has_a_time_of_its_own() -> None:
    def slow(talk: Talk, argument: str) -> None:
        talk.server.over.wait(0.4)
        talk.say("-ERR [AUTH] no")

    with Pop3Server(security=PLAIN, sasl="") as server, pytest.raises(AuthenticationFailed):
        open_at(server.behave("PASS", slow), sign_in_seconds=2)


def test_a_failing_witness_leaves_no_connection_open() -> None:
    class Stop(Exception):
        pass

    def on_step(step: str) -> None:
        if step == "sign_in":
            raise Stop

    with Pop3Server(security=PLAIN) as server, pytest.raises(Stop):
        open_pop3(server.endpoint, LOGIN, guard=server.guard, on_step=on_step)
