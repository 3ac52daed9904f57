"""Row F12: parsing beside the standard library, on the same letters with the same outcome."""

from __future__ import annotations

import email
import statistics
from collections.abc import Callable, Sequence
from datetime import UTC
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from time import process_time
from typing import Any

from bench import letters
from bench.report import Goal, Result
from bench.world import World, say
from mailstore.parsing import ParsedMessage, parse

F12 = Goal("F12", "parsing mix1000 against stdlib compat32, same rows", "x", 3, 15, is_floor=True)
# Of the text only the beginning is compared: ours is bounded.
PROBED = 500
Row = tuple[Any, ...]


def f12(world: World) -> list[Result]:
    """Measure F12 in seconds of the processor, since nothing is waited for."""
    raws = list(letters.mix(1000))
    wrong = sum(_ours(parse(raw)) != _theirs(_read(raw)) for raw in raws)
    if wrong:
        return [Result(F12, None, f"{wrong} of {len(raws)} rows differ")]
    paces: dict[str, list[float]] = {"stdlib": [], "Muara": []}
    for _ in range(world.rounds):
        paces["stdlib"].append(_megabytes_a_second(_read, raws))
        paces["Muara"].append(_megabytes_a_second(parse, raws))
    ours, theirs = (statistics.median(paces[name]) for name in ("Muara", "stdlib"))
    say(f"  {paces}")
    details = f"Muara {ours:.0f} MB/s, stdlib {theirs:.0f} MB/s; {len(raws)} rows alike"
    return [Result(F12, ours / theirs, details, paces)]


def _megabytes_a_second(read: Callable[[bytes], object], raws: Sequence[bytes]) -> float:
    began = process_time()
    for raw in raws:
        read(raw)
    return sum(map(len, raws)) / (process_time() - began) / 1e6


def _read(raw: bytes) -> Message:
    return email.message_from_bytes(raw)


def _ours(parsed: ParsedMessage) -> Row:
    people = [(person.name, person.address) for person in (parsed.sender, *parsed.to)]
    files = [part.filename for part in parsed.parts if part.is_attachment]
    text = " ".join(parsed.text.split())
    return parsed.subject, people, parsed.message_id, parsed.sent_at, files, text[:PROBED]


def _theirs(message: Message) -> Row:
    subject = str(make_header(decode_header(message["Subject"])))
    people = [parseaddr(message["From"]), parseaddr(message["To"])]
    sent_at = parsedate_to_datetime(message["Date"]).astimezone(UTC)
    files = [name for part in message.walk() if (name := part.get_filename())]
    first = next(part for part in message.walk() if part.get_content_type() == "text/plain")
    payload = first.get_payload(decode=True)
    assert isinstance(payload, bytes)
    text = " ".join(payload.decode().split())
    return subject, people, message["Message-ID"].strip("<>"), sent_at, files, text[:PROBED]
