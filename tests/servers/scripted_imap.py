"""An IMAP server on loopback that behaves, except where a test tells it not to."""

from __future__ import annotations

import base64
import re
from typing import ClassVar

from tests.servers.scripted import REFUSED_TOKEN, MailServer, Talk, connect
from wire.endpoint import Security

VALIDITY = 42


def greet(talk: Talk, argument: str) -> None:
    talk.say("* OK ready")


def capability(talk: Talk, argument: str) -> None:
    words = ["IMAP4rev1", "ID", *(f"AUTH={name}" for name in talk.server.sasl.split())]
    if talk.server.security is Security.STARTTLS:
        words.append("STARTTLS")
    talk.say(f"* CAPABILITY {' '.join(words)}")
    done(talk, "done")


def done(talk: Talk, argument: str) -> None:
    talk.say(f"{talk.tag} OK {argument or 'done'}")


def unknown(talk: Talk, argument: str) -> None:
    talk.say(f"{talk.tag} BAD unknown command")


def starttls(talk: Talk, argument: str) -> None:
    done(talk, "go ahead")
    assert talk.server.context is not None
    talk.encrypt(talk.server.context)


def authenticate(talk: Talk, argument: str) -> None:
    """Sign in by SASL, in two steps as without SASL-IR."""
    talk.say("+ ")
    response = base64.b64decode(talk.line()).decode()
    talk.server.judged += 1
    name, secret = talk.server.secret
    if argument == "PLAIN":
        talk.signed_in = response == f"\0{name}\0{secret}"
    else:
        talk.signed_in = f"auth=Bearer {secret}" in response.split("\1")
        if not talk.signed_in:
            talk.say("+ " + base64.b64encode(REFUSED_TOKEN).decode())
            talk.line()
    _tell(talk)


def login(talk: Talk, argument: str) -> None:
    talk.server.judged += 1
    talk.signed_in = re.findall(r'"([^"]*)"', argument) == [*talk.server.secret]
    _tell(talk)


def _tell(talk: Talk) -> None:
    if talk.signed_in:
        done(talk, "welcome")
    else:
        talk.say(f"{talk.tag} NO [AUTHENTICATIONFAILED] Authentication failed.")


def examine(talk: Talk, argument: str) -> None:
    messages = talk.server.messages
    talk.say(f"* {len(messages)} EXISTS")
    talk.say(f"* OK [UIDVALIDITY {VALIDITY}] valid")
    talk.say(f"* OK [UIDNEXT {len(messages) + 1}] next")
    done(talk, "[READ-ONLY] opened")


def fetch(talk: Talk, argument: str) -> None:
    first, _, last = argument.partition(" ")[0].partition(":")
    for number in range(int(first), int(last or first) + 1):
        size = len(talk.server.messages[number - 1])
        talk.say(f"* {number} FETCH (UID {number} RFC822.SIZE {size})")
    done(talk, "")


def uid(talk: Talk, argument: str) -> None:
    _, uids, what = argument.split(" ", 2)
    for number in map(int, uids.split(",")):
        if number <= len(talk.server.messages):
            _one(talk, number, talk.server.messages[number - 1], what)
    done(talk, "")


def _one(talk: Talk, number: int, raw: bytes, what: str) -> None:
    name, body = "BODY[]", raw
    if "HEADER" in what:
        name, body = "BODY[HEADER]", raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    if part := re.search(r"<0\.(\d+)>", what):
        name, body = "BODY[]<0>", raw[: int(part[1])]
    seen = r"\Seen" if number % 2 else ""
    known = f'UID {number} FLAGS ({seen}) INTERNALDATE "17-Jul-2024 02:44:25 +0700"'
    talk.say(f"* {number} FETCH ({known} {name} {{{len(body)}}}")
    talk.send(body + b")\r\n")


def logout(talk: Talk, argument: str) -> None:
    talk.say("* BYE bye")
    raise ConnectionResetError


class ImapServer(MailServer):
    """A server of IMAP with one mailbox, in which messages with odd numbers were read."""

    ports = 993, 143
    early: ClassVar = {"EXAMINE", "FETCH", "UID"}
    proper: ClassVar = {
        "?": unknown,
        "CONNECT": connect,
        "GREETING": greet,
        "CAPABILITY": capability,
        "STARTTLS": starttls,
        "AUTHENTICATE": authenticate,
        "LOGIN": login,
        "ID": done,
        "EXAMINE": examine,
        "FETCH": fetch,
        "UID": uid,
        "LOGOUT": logout,
    }

    def understand(self, talk: Talk, line: str) -> tuple[str, str]:
        """Return the command of a line, in upper case, and the rest; keep its tag."""
        talk.tag, _, line = line.partition(" ")
        command, _, argument = line.partition(" ")
        return command.upper(), argument
