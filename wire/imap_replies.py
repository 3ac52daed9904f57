"""Understands what an IMAP server says beside its data: greetings, and what a refusal means."""

from __future__ import annotations

import re

from wire.errors import MailError, ProtocolError
from wire.refusals import Refusal, passing

# RFC 5530 and RFC 9051 section 7.1, by what they ask of us.
BUSY_CODES = {"UNAVAILABLE", "INUSE", "SERVERBUG", "CORRUPTION"}
IN_USE = "INUSE"
REFUSED_FOR_GOOD = {"NOPERM"}
LOCKED = {"CONTACTADMIN", "AUTHORIZATIONFAILED"}
NEEDS_TLS = "PRIVACYREQUIRED"
WORDS = {"OVERQUOTA": "over quota", "LIMIT": "rate limited", "EXPUNGEISSUED": "expunged"}
CODE = re.compile(r"\[([A-Z0-9-]+)[^\]]*\]", re.IGNORECASE)
GREETING = re.compile(rb"\* (OK|BYE|PREAUTH)\b(.*)", re.IGNORECASE)


def code_in(text: str) -> str:
    """Return the response code that stands in a server's words, in upper case, or nothing."""
    found = CODE.search(text)
    return found[1].upper() if found else ""


def read_greeting(line: bytes) -> tuple[str, str]:
    """Return the kind and the words of a greeting; raise ProtocolError for what is none."""
    found = GREETING.fullmatch(line)
    if found is None:
        raise ProtocolError("server.protocol")
    return found[1].decode().upper(), found[2].decode("utf-8", "replace").strip()


def greeting_error(kind: str, text: str) -> MailError:
    """Say why a greeting lets us go no further; its words are anybody's, and kept from people."""
    if kind != "BYE":
        return ProtocolError("server.protocol")
    busy = passing(refusal(text, ""))
    return busy or passing(Refusal("", is_passing=True)) or ProtocolError("server.protocol")


def refusal(text: str, detail: str) -> Refusal:
    """Put a refusal with its code into terms that all protocols share."""
    code = code_in(text)
    return Refusal(
        f"{text} {WORDS.get(code, '')}",
        detail,
        is_passing=code in BUSY_CODES,
        is_for_good=code in REFUSED_FOR_GOOD,
        is_in_use=code == IN_USE,
    )
