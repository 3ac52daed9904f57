"""Signing in with a bearer token: how it is said, to whom, and what a refusal means."""

from __future__ import annotations

import base64
import ssl

import pytest

from tests.servers.certificates import HOST
from tests.servers.dovecot import HOSTS, Dovecot
from tests.servers.scripted import (
    REFUSED_TOKEN,
    USER,
    Behaviour,
    Pop3Server,
    Talk,
    auth,
    says,
    says_then_stalls,
)
from tests.wire.sessions import BRIEF
from wire.endpoint import STANDARD_PORTS, Endpoint, Protocol, Security
from wire.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    MailError,
    MechanismMissing,
    ProtocolError,
    ServerBusy,
    TlsUnavailable,
)
from wire.guard import Guard
from wire.login import PasswordLogin, TokenLogin, refused_token_facts
from wire.pop3 import Capabilities, Pop3Session, Position, open_pop3
from wire.pop3_ways import choose_way

SHORT, LONG = "ya29.a0AfB_by" + "x" * 60, "eyJ0eXAiOiJKV1Qi." + "x" * 1500
MECHANISMS = ["XOAUTH2", "OAUTHBEARER"]
LETTERS = [b"Subject: %d\r\n\r\nx\r\n" % number for number in range(3)]
KNOWN = Position(3, "uid3", sum(map(len, LETTERS)))


def visit(
    server: Pop3Server,
    token: str = SHORT,
    *,
    remembered: Capabilities | None = None,
    position: Position | None = None,
) -> Pop3Session:
    return open_pop3(
        server.endpoint,
        TokenLogin(USER, token),
        guard=server.guard,
        limits=BRIEF,
        remembered=remembered,
        position=position,
    )


def test_the_token_never_shows() -> None:
    login = TokenLogin(USER, SHORT)
    way = choose_way(login, {"SASL": frozenset(MECHANISMS)}, Endpoint(HOST, 995, Security.TLS))
    assert SHORT not in repr(login)
    assert way.secret not in repr(way)


def test_both_mechanisms_are_written_as_specified() -> None:
    login = TokenLogin("o=x,y@example.org", "abc=")
    assert base64.b64decode(login.xoauth2()) == (b"user=o=x,y@example.org\1auth=Bearer abc=\1\1")
    said = base64.b64decode(login.oauthbearer(Endpoint(HOST, 995, Security.TLS)))
    assert said == (
        b"n,a=o=3Dx=2Cy@example.org,\1host=%s\1port=995\1auth=Bearer abc=\1\1" % HOST.encode()
    )


@pytest.mark.parametrize("token", ["", "a b", "a\r\nDELE 1", "a\1b", "ä", "a=b"])
def test_what_is_no_token_is_never_sent(token: str, good: ssl.SSLContext) -> None:
    with Pop3Server(context=good, sasl="XOAUTH2") as server:
        with pytest.raises(AuthenticationFailed):
            visit(server, token)
        assert server.connections == 0


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize("token", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "lock step"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_token_lets_us_in(
    mechanism: str, pipelining: bool, token: str, security: Security, good: ssl.SSLContext
) -> None:
    with Pop3Server(
        *LETTERS, context=good, security=security, sasl=mechanism, pipelining=pipelining
    ) as server:
        server.secret = USER, token
        with visit(server, token, position=KNOWN) as session:
            assert session.changes_since(KNOWN) == []
        assert server.judged == 1
        in_one_line = pipelining and token == SHORT
        assert (f"AUTH {mechanism}\r\n".encode() in server.received) is not in_one_line
        assert all(len(line) <= 255 for line in server.received if line.startswith(b"AUTH"))


@pytest.mark.parametrize(("token", "flights"), [(SHORT, 3), (LONG, 4)])
def test_a_poll_with_a_token_takes_few_flights(
    token: str, flights: int, good: ssl.SSLContext
) -> None:
    with Pop3Server(*LETTERS, context=good, sasl="XOAUTH2") as server:
        server.secret = USER, token
        with visit(server, token) as first:
            pass
        with visit(server, token, remembered=first.learnt, position=KNOWN) as session:
            assert session.changes_since(KNOWN) == []
            assert session.round_trips == flights


@pytest.mark.parametrize("questions", [True, False], ids=["asked ahead", "asked nothing"])
@pytest.mark.parametrize("token", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "lock step"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_refused_token_is_told_in_the_servers_last_words(
    mechanism: str, pipelining: bool, token: str, questions: bool, good: ssl.SSLContext
) -> None:
    remembered = Capabilities(
        f"{'PIPELINING' if pipelining else 'TOP'}\nSASL {mechanism}\nUIDL", "UIDL"
    )
    with Pop3Server(context=good, sasl=f"PLAIN {mechanism}", pipelining=pipelining) as server:
        with pytest.raises(AuthenticationFailed) as refused:
            visit(server, token, remembered=remembered, position=KNOWN if questions else None)
        assert refused.value.code == "auth.oauth"
        assert refused.value.detail == "[AUTH] Authentication failed."
        assert refused.value.facts == {
            "token_status": "401",
            "token_scope": "mail",
            "host": HOST,
            "port": 995,
        }
        assert server.judged == 1
        assert b"PLAIN" not in server.heard()
        assert b"PASS" not in server.heard()
    if not (pipelining and questions):
        assert server.received[-1] == (b"\r\n" if mechanism == "XOAUTH2" else b"AQ==\r\n")


MICROSOFT = [b"-ERR Authentication failure: unknown user name or bad password.\r\n"]


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "lock step"])
def test_a_token_refused_without_a_challenge_is_refused_all_the_same(
    pipelining: bool, good: ssl.SSLContext
) -> None:
    def refuse(talk: Talk, argument: str) -> None:
        if argument == "XOAUTH2":
            talk.say("+")
            talk.line()
        talk.send(MICROSOFT[0])

    with Pop3Server(context=good, sasl="XOAUTH2", pipelining=pipelining) as server:
        with pytest.raises(AuthenticationFailed) as refused:
            visit(server.behave("AUTH", refuse))
        assert refused.value.code == "auth.oauth"


def test_a_server_that_ends_the_session_at_one_line_hears_two(good: ssl.SSLContext) -> None:
    """Microsoft's servers announce no PIPELINING and bear no initial response."""

    def only_two(talk: Talk, argument: str) -> None:
        if " " in argument:
            talk.say("-ERR Protocol error. Connection is closed. 10")
            raise ConnectionResetError
        auth(talk, argument)

    with Pop3Server(*LETTERS, context=good, sasl="PLAIN XOAUTH2", pipelining=False) as server:
        server.secret = USER, SHORT
        with visit(server.behave("AUTH", only_two)) as session:
            assert len(session.list_items()) == len(LETTERS)


TROUBLE: dict[str, tuple[Behaviour, type[MailError], str]] = {
    "refused for now": (says(b"-ERR [SYS/TEMP] later\r\n"), ServerBusy, "server.busy"),
    "asks for ever": (says(b"+ e30=\r\n+ e30=\r\n+ e30=\r\n"), ProtocolError, "server.protocol"),
    "stalls": (says_then_stalls(b"+ e30=\r\n"), ConnectionFailed, "conn.timeout"),
    "garbage": (says(b"250 2.0.0 OK\r\n"), ProtocolError, "server.protocol"),
}


@pytest.mark.parametrize(("behaviour", "kind", "code"), TROUBLE.values(), ids=list(TROUBLE))
def test_trouble_on_the_way_is_no_refused_token(
    behaviour: Behaviour, kind: type[MailError], code: str, good: ssl.SSLContext
) -> None:
    with Pop3Server(context=good, sasl="XOAUTH2") as server:
        with pytest.raises(kind) as failed:
            visit(server.behave("AUTH", behaviour))
        assert failed.value.code == code


def test_a_token_never_goes_in_the_clear() -> None:
    with Pop3Server(security=Security.PLAIN, sasl="XOAUTH2") as server:
        with pytest.raises(TlsUnavailable):
            visit(server)
        assert server.connections == 0


@pytest.mark.parametrize("sasl", ["PLAIN LOGIN", ""])
def test_a_server_that_takes_no_tokens_hears_none(sasl: str, good: ssl.SSLContext) -> None:
    with Pop3Server(context=good, sasl=sasl) as server:
        with pytest.raises(MechanismMissing):
            visit(server)
        assert SHORT.encode() not in server.heard()
        assert b"AUTH" not in server.heard()


def test_a_server_that_takes_only_tokens_hears_no_password(good: ssl.SSLContext) -> None:
    with Pop3Server(context=good) as server:
        server.behave("CAPA", says(b"+OK\r\nSASL XOAUTH2 OAUTHBEARER\r\n.\r\n"))
        with pytest.raises(AuthenticationFailed) as refused:
            open_pop3(
                server.endpoint, PasswordLogin(USER, "sesame"), guard=server.guard, limits=BRIEF
            )
        assert refused.value.code == "auth.oauth"
        assert b"sesame" not in server.heard()


def test_a_token_thrown_back_at_us_is_not_kept(good: ssl.SSLContext) -> None:
    with Pop3Server(context=good, sasl="XOAUTH2") as server:
        server.behave("AUTH", says(f"-ERR bad token {SHORT}\r\n".encode()))
        with pytest.raises(AuthenticationFailed) as refused:
            visit(server)
        assert refused.value.detail == "bad token ***"


CHALLENGES = {
    REFUSED_TOKEN: {"token_status": "401", "token_scope": "mail"},
    b'{"status":"invalid_token","scope":"https://mail.google.com/"}': {
        "token_status": "invalid_token",
        "token_scope": "https://mail.google.com/",
    },
    b'{"status":{"a":1},"scope":"\\u0000"}': {},
    b"[]": {},
    b"no JSON": {},
    b"": {},
    b"[" * 5000: {},
    b'{"status":"400"}' + b" " * 10_000: {},
}


@pytest.mark.parametrize(("told", "facts"), CHALLENGES.items())
def test_only_harmless_facts_are_taken_from_a_challenge(told: bytes, facts: dict[str, str]) -> None:
    assert refused_token_facts(base64.b64encode(told).decode()) == facts


def test_a_challenge_that_is_no_base64_tells_nothing() -> None:
    assert refused_token_facts("ä?") == {}


def at_dovecot(
    dovecot: Dovecot,
    security: Security,
    name: str,
    token: str,
    remembered: Capabilities | None = None,
) -> Pop3Session:
    port = STANDARD_PORTS[Protocol.POP3, security]
    here = ("127.0.0.1", dovecot.ports["pop3s" if security is Security.TLS else "pop3"])
    return open_pop3(
        Endpoint(HOSTS[0], port, security),
        TokenLogin(name, token),
        guard=Guard(connect_to={(HOSTS[0], port): here}),
        remembered=remembered,
    )


@pytest.mark.servers
@pytest.mark.parametrize("token", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_real_server_takes_the_token_of_the_one_it_belongs_to(
    mechanism: str,
    security: Security,
    token: str,
    dovecot: Dovecot,
) -> None:
    name = f"token-{mechanism}-{security}-{len(token)}@example.org".lower()
    token = f"{token}{mechanism}{security}"
    remembered = Capabilities(f"PIPELINING\nSASL {mechanism}\nUIDL", "PIPELINING\nUIDL")
    dovecot.deliver(name, *LETTERS)
    dovecot.issuer.owners[token] = name
    with at_dovecot(dovecot, security, name, token, remembered) as session:
        assert [raw for _, raw in session.retrieve(session.list_items())] == LETTERS
    with pytest.raises(AuthenticationFailed):
        at_dovecot(dovecot, security, "somebody-else@example.org", token, remembered)
    del dovecot.issuer.owners[token]
    with pytest.raises(AuthenticationFailed) as refused:
        at_dovecot(dovecot, security, name, token, remembered)
    assert refused.value.code == "auth.oauth"
    assert refused.value.facts["token_status"] in {"401", "invalid_token"}


@pytest.mark.servers
def test_where_the_issuer_is_down_the_grant_is_not_gone(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dovecot.issuer, "is_well", False)
    with pytest.raises(ServerBusy):
        at_dovecot(dovecot, Security.TLS, "token-down@example.org", SHORT)
