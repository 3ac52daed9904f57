"""Understands what a POP3 server says: replies, capabilities, lists, and what a refusal means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from wire.errors import (
    AccessDisabled,
    AuthenticationFailed,
    LimitReached,
    MailError,
    MessageVanished,
    ProtocolError,
    ServerBusy,
)

# Sizes are hints; what exceeds this is a lie, and would not fit into a database's integer.
LARGEST_SIZE = 10**15
LONGEST_NUMBER = 10
LONGEST_UID = 512

# RFC 2449 section 8 and RFC 3206.
BUSY_CODES = {"IN-USE", "LOGIN-DELAY", "SYS/TEMP"}
REFUSED_FOR_GOOD = "SYS/PERM"
CODE = re.compile(r"\[([A-Z0-9/-]+)\]", re.IGNORECASE)

# No response code says these; the words are those of large providers (Google, Mail.ru, NetEase,
# Yahoo and Fastmail; Microsoft and Google; Google, GMX and Zoho).
APP_PASSWORD = re.compile(
    r"app(lication)?[- ]?(specific)?[- ]password|parol prilozheniya|authori[sz]ation code|授权码",
    re.IGNORECASE,
)
NO_PASSWORDS = re.compile(
    r"basic\s?auth\w* (is |has been )?(disabled|blocked)|BasicAuthBlocked"
    r"|(use|requires?) (oauth|modern auth)",
    re.IGNORECASE,
)
SWITCHED_OFF = re.compile(
    r"pop3? ?(access |service |protocol )?(is |has been )?"
    r"(disabled|not (enabled|allowed|permitted|available)|turned off|switched off)"
    r"|(not|yet to) (be )?enabled? (for )?pop|enable pop",
    re.IGNORECASE,
)

# Half of the servers give no response code, and some put another reason behind SYS/TEMP.
IN_USE = re.compile(
    r"(un|not )able to lock|(can ?not|can't|could not|failed to) lock|lock (busy|failed|file)"
    r"|already (locked|in use)|(maildrop|mailbox) (is )?(in use|busy|locked)"
    r"|(another|other) (pop3? )?(session|connection|client)",
    re.IGNORECASE,
)
FULL = re.compile(
    r"over ?quota|(quota|storage|disk)( is| has)?( been)? (full|exceeded)"
    r"|(mailbox|mail ?drop|account)( is)? full",
    re.IGNORECASE,
)
LIMIT = re.compile(
    r"too many (\w+ )?(connections|sessions|requests|logins)"
    r"|maximum number of connections|(login|request)s? too (often|frequent)"
    r"|(bandwidth|download|command|connection|session|login|rate|frequency|daily|hourly)s? "
    r"(\w+ )?limits?\b|(login|rate)( frequency)? limited|throttl",
    re.IGNORECASE,
)
LOCKED = re.compile(
    r"(account|user|login|access|mailbox|you)( \w+){0,2} (is|has|have|are|was)( been)?( \w+)? "
    r"(locked|blocked|suspended|disabled|frozen)|account (locked|blocked|suspended|disabled)"
    r"|too many (\w+ )?(failed|failures|wrong)",
    re.IGNORECASE,
)
WRONG = re.compile(
    r"(wrong|bad|invalid|incorrect) (user|name|password|login|credential)", re.IGNORECASE
)
# What is counted in octets is counted by the day.
BY_THE_DAY = re.compile(r"bandwidth|download|daily", re.IGNORECASE)
BY_THE_DAY_SECONDS = 3600

LIST_LINE = re.compile(rb"(\d+) +(\d+)(?: .*)?")
UIDL_LINE = re.compile(rb"(\d+) +([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?) *")


@dataclass(frozen=True, slots=True)
class Reply:
    """The first line of an answer; ``sign`` is "+OK", "-ERR", or "+" for "go on" (RFC 5034)."""

    sign: str
    text: str

    @property
    def ok(self) -> bool:
        """Tell whether the server did what it was asked."""
        return self.sign == "+OK"

    @property
    def code(self) -> str:
        """Return the response code (RFC 2449 section 8) in upper case, or nothing."""
        found = CODE.match(self.text)
        return found[1].upper() if found else ""


@dataclass(frozen=True, slots=True)
class RemoteItem:
    """One message as the server lists it.

    ``uid`` is its UIDL, empty where the server gives none; ``size`` is a hint in octets.
    """

    number: int
    uid: str
    size: int


def read_reply(line: bytes) -> Reply:
    """Split a first line; raise ProtocolError for what is none."""
    sign, _, text = line.decode("utf-8", "replace").partition(" ")
    if sign.upper() not in {"+OK", "-ERR", "+"}:
        raise ProtocolError("server.protocol")
    return Reply(sign.upper(), text.strip())


def read_capabilities(block: bytes) -> dict[str, frozenset[str]]:
    """Return each capability with its arguments, all in upper case (RFC 2449 section 5)."""
    lines = (line.split() for line in block.decode("ascii", "replace").upper().split("\n"))
    return {words[0]: frozenset(words[1:]) for words in lines if words}


def read_sizes(block: bytes) -> dict[int, int]:
    """Return message numbers with their sizes; raise ProtocolError for a line that is none."""
    pairs = _read_pairs(LIST_LINE, block)
    return {number: read_size(size) for number, size in pairs.items()}


def read_uids(block: bytes) -> dict[int, str]:
    """Return message numbers with their unique ids; raise ProtocolError for a line that is none."""
    pairs = _read_pairs(UIDL_LINE, block)
    if any(len(uid) > LONGEST_UID for uid in pairs.values()):
        raise ProtocolError("server.protocol")
    return {number: uid.decode("ascii") for number, uid in pairs.items()}


def read_totals(text: str) -> tuple[int, int]:
    """Return the count and the octets of a STAT reply."""
    found = LIST_LINE.fullmatch(text.encode("utf-8"))
    if found is None or len(found[1]) > LONGEST_NUMBER:
        raise ProtocolError("server.protocol")
    return int(found[1]), read_size(found[2])


def read_size(digits: bytes) -> int:
    """Return a size in octets, at most ``LARGEST_SIZE`` however many digits there are."""
    significant = digits.lstrip(b"0") or b"0"
    return LARGEST_SIZE if len(significant) > len(str(LARGEST_SIZE)) - 1 else int(significant)


def _read_pairs(pattern: re.Pattern[bytes], block: bytes) -> dict[int, bytes]:
    pairs: dict[int, bytes] = {}
    for line in block.removesuffix(b"\n").split(b"\n") if block else ():
        found = pattern.fullmatch(line.removesuffix(b"\r"))
        if found is None or len(found[1]) > LONGEST_NUMBER:
            raise ProtocolError("server.protocol")
        number = int(found[1])
        if not number or number in pairs:
            raise ProtocolError("server.protocol")
        pairs[number] = found[2]
    return pairs


def read_login_delay(offers: Mapping[str, frozenset[str]]) -> int:
    """Return how many seconds must lie between two sign-ins (RFC 2449 section 6.5); 0 if none."""
    words = offers.get("LOGIN-DELAY", ())
    return max((read_size(w.encode()) for w in words if w.isascii() and w.isdecimal()), default=0)


def _passing(reply: Reply, detail: str) -> MailError | None:
    """Say why the server wants us to come back later; None where it does not."""
    is_coded = reply.code in BUSY_CODES
    # Whoever is locked out for wrong passwords must not try again by itself.
    if LOCKED.search(reply.text) or (WRONG.search(reply.text) and not is_coded):
        return None
    if reply.code == "IN-USE" or IN_USE.search(reply.text):
        return ServerBusy("server.inuse", detail=detail)
    if FULL.search(reply.text):
        return LimitReached("server.full", detail=detail)
    if LIMIT.search(reply.text):
        facts = {"wait": BY_THE_DAY_SECONDS} if BY_THE_DAY.search(reply.text) else {}
        return LimitReached("server.limit", detail=detail, **facts)
    return ServerBusy("server.busy", detail=detail) if is_coded else None


def sign_in_error(reply: Reply, detail: str) -> MailError:
    """Say what a refused sign-in means.

    Half of the servers give no response code at all, so whatever does not ask us to come back
    later, nor names another reason, is taken for a wrong user name or password.
    """
    if passing := _passing(reply, detail):
        return passing
    if APP_PASSWORD.search(reply.text):
        return AuthenticationFailed("auth.apppw", detail=detail)
    if NO_PASSWORDS.search(reply.text):
        return AuthenticationFailed("auth.oauth", detail=detail)
    if SWITCHED_OFF.search(reply.text) or reply.code == REFUSED_FOR_GOOD:
        return AccessDisabled("auth.disabled", detail=detail)
    code = "auth.locked" if LOCKED.search(reply.text) else "auth.failed"
    return AuthenticationFailed(code, detail=detail)


def token_error(reply: Reply, detail: str, facts: Mapping[str, str | int]) -> MailError:
    """Say what a refused token means: the grant is gone, unless the server names another reason."""
    error = sign_in_error(reply, detail)
    if isinstance(error, AuthenticationFailed) and error.code != "auth.locked":
        return AuthenticationFailed("auth.oauth", detail=detail, **facts)
    return error


def refusal(reply: Reply, detail: str) -> MailError:
    """Say what a refused command means to the whole session."""
    return _passing(reply, detail) or ProtocolError("server.protocol", detail=detail)


def message_refusal(reply: Reply, detail: str) -> MailError:
    """Say what a refused RETR or TOP means: the message is gone, or the server has no time."""
    if reply.sign != "-ERR" or _passing(reply, detail):
        return refusal(reply, detail)
    return MessageVanished("message.vanished", detail=detail)
