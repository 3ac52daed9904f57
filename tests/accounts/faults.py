"""Each kind of fault that a server may have, by the server that has it and the verdict wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import trustme

from tests.servers import certificates
from tests.servers.scripted import (
    Behaviour,
    MailServer,
    Pop3Server,
    Talk,
    drips,
    says,
    says_then_leaves,
    says_then_stalls,
)
from tests.servers.scripted_imap import ImapServer
from tests.servers.scripted_smtp import SmtpServer
from wire.endpoint import Security

TLS, STARTTLS = Security.TLS, Security.STARTTLS
Make = Callable[[trustme.CA], MailServer]


@dataclass(frozen=True)
class Fault:
    """A kind of fault; ``server`` says in words who has it, ``host`` where no server is asked.

    A test that passes with a remark has that remark's name for its verdict.
    """

    name: str
    server: str
    verdict: str
    make: Make | None = None
    host: str = certificates.HOST
    port: int = 995
    is_open: bool = True


def _at(kind: type[MailServer], command: str, behaviour: Behaviour, **options: object) -> Make:
    def make(authority: trustme.CA) -> MailServer:
        server = kind(b"x\r\n", context=certificates.good(authority), **options)  # type: ignore[arg-type]  # by name
        return server.behave(command, behaviour)

    return make


def _with(kind: type[MailServer], context: certificates.Maker, security: Security = TLS) -> Make:
    return lambda authority: kind(context=context(authority), security=security)


def _tagged(words: str) -> Behaviour:
    def behaviour(talk: Talk, argument: str) -> None:
        talk.say(f"{talk.tag} {words}")

    return behaviour


def _err(words: str) -> Behaviour:
    return says(f"-ERR {words}\r\n".encode())


def _pop3(name: str, verdict: str, command: str, behaviour: Behaviour) -> Fault:
    return Fault(name, "scripted POP3", verdict, _at(Pop3Server, command, behaviour))


def _imap(name: str, verdict: str, command: str, behaviour: Behaviour) -> Fault:
    return Fault(name, "scripted IMAP", verdict, _at(ImapServer, command, behaviour), port=993)


def _smtp(name: str, verdict: str, command: str, behaviour: Behaviour) -> Fault:
    return Fault(name, "scripted SMTP", verdict, _at(SmtpServer, command, behaviour), port=465)


def _certificates() -> list[Fault]:
    kinds = [(Pop3Server, 995, TLS), (ImapServer, 143, STARTTLS), (SmtpServer, 587, STARTTLS)]
    return [
        Fault(
            f"certificate: {name}",
            f"scripted, port {port}",
            verdict,
            _with(kind, maker, security),
            port=port,
        )
        for name, (maker, verdict) in certificates.BAD.items()
        for kind, port, security in kinds
    ]


# The last answer of POP3's sign-in is that to PASS or AUTH; ours says it in one line with AUTH.
FAULTS = [
    Fault("no such name", "no server", "conn.dns", host="pop.nowhere.invalid"),
    Fault("nobody listens", "closed port", "conn.refused", is_open=False),
    Fault("a private address", "no server", "conn.private", host="10.1.2.3"),
    _pop3("never greets", "conn.timeout", "GREETING", says_then_stalls(b"")),
    _pop3("drips its greeting", "conn.timeout", "GREETING", drips(b"+", 0.5)),
    _pop3("silent before TLS", "conn.timeout", "CONNECT", says_then_stalls(b"")),
    _pop3("no TLS at the TLS port", "tls.failed", "CONNECT", says_then_leaves(b"+OK hello\r\n")),
    Fault(
        "STLS is not offered",
        "scripted POP3",
        "tls.missing",
        _at(Pop3Server, "STLS", _err("unknown"), security=STARTTLS),
        port=110,
    ),
    _pop3("another protocol greets", "server.protocol", "GREETING", says(b"220 smtp\r\n")),
    _pop3("turns everybody away", "server.busy", "GREETING", _err("try later")),
    _pop3("wrong password", "auth.failed", "AUTH", _err("[AUTH] Authentication failed.")),
    _pop3("wrong password, no code", "auth.failed", "AUTH", _err("Login failed.")),
    _pop3(
        "app password wanted", "auth.apppw", "AUTH", _err("Application-specific password required")
    ),
    _pop3("passwords are over", "auth.oauth", "AUTH", _err("Basic authentication is disabled.")),
    _pop3("POP is switched off", "auth.disabled", "AUTH", _err("[SYS/PERM] POP access disabled")),
    _pop3("mailbox is locked", "auth.locked", "AUTH", _err("Your account has been locked")),
    _pop3("mailbox in use", "server.inuse", "AUTH", _err("[IN-USE] Mailbox in use")),
    _pop3("too soon again", "server.busy", "AUTH", _err("[LOGIN-DELAY] wait a minute")),
    _pop3("temporary trouble", "server.busy", "AUTH", _err("[SYS/TEMP] try later")),
    _pop3("too many connections", "server.limit", "AUTH", _err("Too many connections")),
    _pop3("daily limit", "server.limit", "AUTH", _err("[SYS/TEMP] daily download limit exceeded")),
    _pop3("mailbox is full", "server.full", "AUTH", _err("[SYS/TEMP] Mailbox is over quota")),
    _pop3("closes after the sign-in", "conn.lost", "STAT", says_then_leaves(b"")),
    _pop3("unreadable count", "server.protocol", "STAT", says(b"+OK many\r\n")),
    _pop3("no UIDL", "no_uidl", "UIDL", _err("unknown command")),
    _imap("says BYE", "server.busy", "GREETING", says(b"* BYE overloaded\r\n")),
    _imap(
        "signed in before it was asked", "server.protocol", "GREETING", says(b"* PREAUTH hi\r\n")
    ),
    _imap("wrong password", "auth.failed", "AUTHENTICATE", _tagged("NO [AUTHENTICATIONFAILED] no")),
    _imap(
        "IMAP is switched off", "auth.disabled", "AUTHENTICATE", _tagged("NO not enabled for IMAP")
    ),
    _imap("app password wanted", "auth.apppw", "AUTHENTICATE", _tagged("NO app password required")),
    _imap("temporary trouble", "server.busy", "AUTHENTICATE", _tagged("NO [UNAVAILABLE] later")),
    _imap("too many connections", "server.limit", "AUTHENTICATE", _tagged("NO [LIMIT] too many")),
    _imap("closes after the sign-in", "conn.lost", "EXAMINE", says_then_leaves(b"")),
    _imap("no INBOX", "server.protocol", "EXAMINE", _tagged("NO no such mailbox")),
    _smtp("wrong password", "smtp.auth", "AUTH", says(b"535 5.7.8 authentication failed\r\n")),
    _smtp("app password wanted", "auth.apppw", "AUTH", says(b"534 5.7.9 App password needed\r\n")),
    _smtp(
        "passwords are over",
        "auth.oauth",
        "AUTH",
        says(b"535 basic authentication is disabled\r\n"),
    ),
    _smtp("sending is switched off", "auth.disabled", "AUTH", says(b"535 SMTP is disabled\r\n")),
    _smtp("busy", "server.busy", "GREETING", says(b"421 4.3.2 later\r\n")),
    _smtp("another sender wanted", "smtp.sender", "MAIL", says(b"553 5.7.1 not owned by user\r\n")),
    *_certificates(),
]
