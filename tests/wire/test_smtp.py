"""Signing in at a submission server: who it is, what is said to it, and what refusals mean."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace

import pytest
import trustme

from tests.servers import certificates
from tests.servers.scripted import (
    PASSWORD,
    USER,
    drips,
    never_ends,
    says,
    says_then_leaves,
    says_then_stalls,
)
from tests.servers.scripted_smtp import SmtpServer
from wire.endpoint import Security
from wire.errors import CertificateInvalid, MailError, SenderRefused
from wire.limits import Limits
from wire.login import Login, PasswordLogin, TokenLogin
from wire.smtp import SmtpSession, open_smtp

ALICE = PasswordLogin(USER, PASSWORD)
QUICK = Limits(session_seconds=5, connect_seconds=2, answer_seconds=1, sign_in_seconds=1)
EVERY_WAY = [Security.TLS, Security.STARTTLS, Security.PLAIN]


def open_at(server: SmtpServer, login: Login = ALICE, limits: Limits = QUICK) -> SmtpSession:
    return open_smtp(server.endpoint, login, guard=server.guard, limits=limits)


def failure(server: SmtpServer, login: Login = ALICE) -> MailError:
    with server, pytest.raises(MailError) as caught:
        open_at(server, login).close()
    return caught.value


@pytest.mark.parametrize("sasl", ["PLAIN LOGIN", "LOGIN CRAM-MD5"])
@pytest.mark.parametrize("security", EVERY_WAY)
def test_a_password_is_taken_in_each_encryption(
    good: ssl.SSLContext, security: Security, sasl: str
) -> None:
    with (
        SmtpServer(security=security, context=good, sasl=sasl) as server,
        open_at(server) as session,
    ):
        assert session.abilities["auth"].split() == sasl.split()
        assert session.most_octets == 26214400
        assert server.judged == 1
        session.finish()


@pytest.mark.parametrize("sasl", ["PLAIN XOAUTH2", "OAUTHBEARER PLAIN"])
def test_a_token_is_taken_however_long_it_is(good: ssl.SSLContext, sasl: str) -> None:
    token = "t" * 6000
    with SmtpServer(context=good, sasl=sasl) as server:
        server.secret = USER, token
        open_at(server, TokenLogin(USER, token)).finish()
        assert max(map(len, server.received[:2])) < 512
    with SmtpServer(context=good, sasl=sasl) as server, pytest.raises(MailError) as refused:
        open_at(server, TokenLogin(USER, token))
    assert refused.value.code == "auth.oauth"
    assert refused.value.facts["token_status"] == "401"


def test_a_token_is_never_told_in_the_clear(good: ssl.SSLContext) -> None:
    server = SmtpServer(security=Security.PLAIN, sasl="XOAUTH2")
    assert failure(server, TokenLogin(USER, "token")).code == "tls.missing"
    assert not server.heard()


def test_each_step_is_told_before_it_is_tried(good: ssl.SSLContext) -> None:
    steps: list[str] = []
    with SmtpServer(context=good, security=Security.STARTTLS) as server:
        open_smtp(server.endpoint, ALICE, guard=server.guard, on_step=steps.append).finish()
    assert steps == ["resolve", "connect", "greeting", "tls", "sign_in"]


def test_whose_mail_may_be_sent_is_asked_without_sending(good: ssl.SSLContext) -> None:
    with SmtpServer(context=good) as server, open_at(server) as session:
        session.try_sender(USER, "bob@example.org")
        with pytest.raises(SenderRefused) as refused:
            session.try_sender("bob@example.org")
        session.try_sender(USER)
        session.finish()
    assert refused.value.facts["address"] == "bob@example.org"
    assert "not owned" in refused.value.detail
    assert b"DATA" not in server.heard().upper()


@pytest.mark.parametrize("name", certificates.BAD)
@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_no_secret_is_told_to_a_server_that_cannot_prove_itself(
    authority: trustme.CA, name: str, security: Security
) -> None:
    make, code = certificates.BAD[name]
    error = failure(SmtpServer(context=make(authority), security=security))
    assert error.code == code
    if isinstance(error, CertificateInvalid):
        assert certificates.HOST in error.chain[0].subject or error.chain[0].names


def test_no_secret_follows_where_encryption_was_struck_out() -> None:
    server = SmtpServer(security=Security.STARTTLS).behave("STARTTLS", says(b"502 no\r\n"))
    assert failure(server).code == "tls.missing"
    assert b"AUTH" not in server.heard()


def test_nothing_said_before_tls_is_believed(good: ssl.SSLContext) -> None:
    server = SmtpServer(context=good, security=Security.STARTTLS)
    injected = says(b"220 go ahead\r\n250 AUTH PLAIN\r\n")
    assert failure(server.behave("STARTTLS", injected)).code == "server.protocol"
    assert b"AUTH" not in server.heard()


REFUSALS = {
    b"535 5.7.8 Error: authentication failed": "smtp.auth",
    b"535 5.7.3 Authentication unsuccessful": "smtp.auth",
    b"534-5.7.9 Application-specific password required.\r\n534 5.7.9 help": "auth.apppw",
    b"535 5.7.139 Authentication unsuccessful, basic authentication is disabled.": "auth.oauth",
    b"535 5.7.139 SmtpClientAuthentication is disabled for the Tenant.": "auth.disabled",
    b"534-5.7.14 Please log in via your web browser\r\n534 5.7.14 then": "auth.locked",
    b"535 5.7.0 Your account has been locked": "auth.locked",
    b"454 4.7.0 Temporary authentication failure": "server.busy",
    b"421 4.7.0 Too many connections": "server.limit",
    b"504 5.5.4 Unrecognized authentication type": "auth.mechanism",
}


@pytest.mark.parametrize("words", REFUSALS)
def test_a_refused_sign_in_is_told_by_its_reason(good: ssl.SSLContext, words: bytes) -> None:
    server = SmtpServer(context=good).behave("AUTH", says(words + b"\r\n"))
    error = failure(server)
    assert error.code == REFUSALS[words]
    assert (error.facts["host"], error.facts["port"]) == (certificates.HOST, 465)
    assert server.heard().count(b"AUTH") == 1


def test_a_server_of_tokens_only_is_not_told_the_password(good: ssl.SSLContext) -> None:
    assert failure(SmtpServer(context=good, sasl="XOAUTH2")).code == "auth.oauth"
    assert failure(SmtpServer(context=good, sasl="GSSAPI")).code == "auth.mechanism"
    plain = SmtpServer(security=Security.PLAIN).behave(
        "EHLO", says(b"250-hello\r\n250 STARTTLS\r\n")
    )
    assert failure(plain).code == "tls.required"
    assert failure(SmtpServer(context=good), TokenLogin(USER, "t")).code == "auth.mechanism"
    assert failure(SmtpServer(), replace(ALICE, password="a\r\nb")).code == "smtp.auth"


HOSTILE: dict[str, tuple[Callable[[SmtpServer], SmtpServer], str]] = {
    "silent": (lambda x: x.behave("GREETING", says_then_stalls(b"")), "conn.timeout"),
    "drips": (lambda x: x.behave("GREETING", drips(b"2", 0.1)), "conn.timeout"),
    "another protocol": (lambda x: x.behave("GREETING", says(b"+OK\r\n")), "server.protocol"),
    "busy": (lambda x: x.behave("GREETING", says(b"421 later\r\n")), "server.busy"),
    "goes away": (lambda x: x.behave("EHLO", says_then_leaves(b"250-a\r\n")), "conn.lost"),
    "never ends": (lambda x: x.behave("EHLO", never_ends(b"", b"250-a\r\n")), "server.protocol"),
    "endless line": (lambda x: x.behave("EHLO", never_ends(b"250", b"a" * 999)), "server.protocol"),
    "gibberish": (lambda x: x.behave("EHLO", says(b"\xff\xfe\r\n")), "server.protocol"),
    "no abilities": (lambda x: x.behave("EHLO", says(b"500 what\r\n")), "auth.mechanism"),
    "answers ahead": (
        lambda x: x.behave("EHLO", says(b"250-hello\r\n250 AUTH PLAIN\r\n235 welcome\r\n")),
        "server.protocol",
    ),
    "asks for ever": (lambda x: x.behave("AUTH", _asks), "server.protocol"),
    "silent at sign-in": (lambda x: x.behave("AUTH", says_then_stalls(b"")), "conn.timeout"),
}


def _asks(talk: object, argument: str) -> None:
    while True:
        talk.say("334 ")  # type: ignore[attr-defined]
        talk.line()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_server_holds_us_or_breaks_us(good: ssl.SSLContext, name: str) -> None:
    arrange, code = HOSTILE[name]
    assert failure(arrange(SmtpServer(context=good))).code == code


def test_no_secret_shows_in_what_is_told(good: ssl.SSLContext) -> None:
    echo = says(f"535 5.7.8 no {ALICE.plain().decode()} {PASSWORD}\r\n".encode())
    error = failure(SmtpServer(context=good).behave("AUTH", echo))
    assert PASSWORD not in repr(error) + error.detail
    assert ALICE.plain().decode() not in error.detail
