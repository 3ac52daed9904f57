"""Understands what a POP3 server says: replies, capabilities, lists, and what a refusal means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from wire import refusals
from wire.errors import MailError, ProtocolError
from wire.refusals import Refusal

# Sizes are hints; what exceeds this is a lie, and would not fit into a database's integer.
LARGEST_SIZE = 10**15
LONGEST_NUMBER = 10
LONGEST_UID = 512

# RFC 2449 section 8 and RFC 3206.
BUSY_CODES = {"IN-USE", "LOGIN-DELAY", "SYS/TEMP"}
REFUSED_FOR_GOOD = "SYS/PERM"
CODE = re.compile(r"\[([A-Z0-9/-]+)\]", re.IGNORECASE)

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

    ``uid`` is its UIDL, empty where the server gives none, or its UIDVALIDITY and UID; ``size`` is
    a hint in octets. ``seen`` and ``arrived_at`` are what IMAP knows beside.
    """

    number: int
    uid: str
    size: int
    seen: bool = False
    arrived_at: datetime | None = None


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


def sign_in_error(reply: Reply, detail: str) -> MailError:
    """Say what a refused sign-in means."""
    return refusals.sign_in_error(_refusal(reply, detail))


def token_error(reply: Reply, detail: str, facts: Mapping[str, str | int]) -> MailError:
    """Say what a refused token means."""
    return refusals.token_error(_refusal(reply, detail), facts)


def refusal(reply: Reply, detail: str) -> MailError:
    """Say what a refused command means to the whole session."""
    asked_back = refusals.passing(_refusal(reply, detail))
    return asked_back or ProtocolError("server.protocol", detail=detail)


def message_refusal(reply: Reply, detail: str) -> MailError:
    """Say what a refused RETR or TOP means, to the one message or to the whole session."""
    if reply.sign != "-ERR" or refusals.passing(_refusal(reply, detail)):
        return refusal(reply, detail)
    return refusals.message_error(_refusal(reply, detail))


def _refusal(reply: Reply, detail: str) -> Refusal:
    return Refusal(
        reply.text,
        detail,
        is_passing=reply.code in BUSY_CODES,
        is_for_good=reply.code == REFUSED_FOR_GOOD,
        is_in_use=reply.code == "IN-USE",
    )
