"""A submission server on loopback that behaves, except where a test tells it not to."""

from __future__ import annotations

import base64
from typing import ClassVar

from tests.servers.scripted import REFUSED_TOKEN, MailServer, Talk, connect


def greet(talk: Talk, argument: str) -> None:
    talk.say("220 ready")


def ehlo(talk: Talk, argument: str) -> None:
    talk.say("250-at your service")
    talk.say("250-SIZE 26214400")
    if talk.server.security is talk.server.security.STARTTLS:
        talk.say("250-STARTTLS")
    talk.say(f"250 AUTH {talk.server.sasl}")


def starttls(talk: Talk, argument: str) -> None:
    talk.say("220 go ahead")
    assert talk.server.context is not None
    talk.encrypt(talk.server.context)


def auth(talk: Talk, argument: str) -> None:
    """Sign in as in RFC 4954, whoever can tell the one user's secret."""
    talk.server.judged += 1
    if argument == "LOGIN":
        name, secret = (_asked(talk, word).decode() for word in ("Username:", "Password:"))
        talk.signed_in = (name, secret) == talk.server.secret
    elif argument == "PLAIN":
        _, name, secret = _asked(talk, "").decode().split("\0")
        talk.signed_in = (name, secret) == talk.server.secret
    else:
        talk.signed_in = f"auth=Bearer {talk.server.secret[1]}" in _asked(talk, "").decode()
        if not talk.signed_in:
            _asked(talk, REFUSED_TOKEN.decode())
    talk.say("235 2.7.0 welcome" if talk.signed_in else "535 5.7.8 Authentication failed")


def _asked(talk: Talk, challenge: str) -> bytes:
    talk.say("334 " + base64.b64encode(challenge.encode()).decode())
    return base64.b64decode(talk.line())


def agree(talk: Talk, argument: str) -> None:
    talk.say("250 2.0.0 OK")


def mail(talk: Talk, argument: str) -> None:
    owned = argument.lower() == f"from:<{talk.server.secret[0]}>"
    talk.say("250 2.1.0 OK" if owned else "553 5.7.1 Sender address rejected: not owned by user")


def quit_(talk: Talk, argument: str) -> None:
    talk.say("221 bye")
    raise ConnectionResetError


def unknown(talk: Talk, argument: str) -> None:
    talk.say("500 unknown command")


class SmtpServer(MailServer):
    """A server of submission."""

    ports = 465, 587
    early: ClassVar = {"MAIL", "RCPT"}
    proper: ClassVar = {
        "?": unknown,
        "CONNECT": connect,
        "GREETING": greet,
        "EHLO": ehlo,
        "HELO": agree,
        "STARTTLS": starttls,
        "AUTH": auth,
        "MAIL": mail,
        "RCPT": agree,
        "RSET": agree,
        "QUIT": quit_,
    }
