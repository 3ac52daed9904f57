"""Real and odd mails and hostile HTML from a folder outside the project, where there is one.

``MUARA_CORPUS`` names a folder of mails with an ``index.jsonl``; ``html-attacks.jsonl`` and
``html-benign.jsonl`` lie in it or beside it.
"""

from __future__ import annotations

import email
import email.policy
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from mailstore import parsing, rendering
from mailstore.charsets import one_line
from tests.mailstore.reading import letters, wrongs

CORPUS = Path(os.environ.get("MUARA_CORPUS", ""))
pytestmark = [
    pytest.mark.skipif(
        not (CORPUS / "index.jsonl").is_file(), reason="MUARA_CORPUS names no folder of mails"
    ),
    pytest.mark.timeout(600),
]


def mails() -> Iterator[tuple[str, bytes]]:
    for line in (CORPUS / "index.jsonl").read_text().splitlines():
        path = json.loads(line)["path"]
        yield path, (CORPUS / path).read_bytes()


def fragments(name: str) -> list[dict[str, str]]:
    for folder in (CORPUS, CORPUS.parent):
        if (folder / name).is_file():
            return [json.loads(line) for line in (folder / name).read_text().splitlines()]
    pytest.skip(f"{name} is not there")


def test_every_mail_is_read_in_time_and_shows_something_or_says_why() -> None:
    seconds, notices = [], Counter[str]()
    for path, raw in mails():
        start = time.monotonic()
        parsed, body = parsing.parse(raw), parsing.read_body(raw)
        seconds.append(time.monotonic() - start)
        assert "internal" not in parsed.defects, path
        assert parsing.fingerprint(raw)
        for part in parsed.parts:
            content = parsing.read_part(raw, part.number)
            assert content is not None, path
            assert len(content.data) == part.size, path
        assert any(piece.content.strip() for piece in body.pieces) or body.notice, path
        notices[body.notice or "text"] += 1
    p99 = statistics.quantiles(seconds, n=100)[-1]
    print(f"{len(seconds)} mails, p99 {p99:.3f} s, max {max(seconds):.3f} s, {dict(notices)}")  # noqa: T201
    assert p99 < 1
    assert max(seconds) < 10


def test_every_mail_is_rendered_clean_and_in_time() -> None:
    slowest = 0.0
    for path, raw in mails():
        start = time.monotonic()
        document = rendering.safe_body(raw, inline_url=lambda number: f"/parts/{number}/")
        slowest = max(slowest, time.monotonic() - start)
        parts = tuple(f"/parts/{part.number}/" for part in parsing.parse(raw).parts)
        assert wrongs(document.partition("<body>")[2].rpartition("</body>")[0], *parts) == [], path
    assert slowest < 10


def test_no_attack_leaves_anything_that_runs_or_loads() -> None:
    for attack in fragments("html-attacks.jsonl"):
        cleaned = rendering.clean_html(attack["html"], {})
        assert wrongs(cleaned) == [], attack["id"]
        assert rendering.clean_html(cleaned, {}) == cleaned, attack["id"]


def test_no_harmless_markup_loses_visible_text() -> None:
    for harmless in fragments("html-benign.jsonl"):
        cleaned = rendering.clean_html(harmless["html"], {})
        assert wrongs(cleaned) == [], harmless["id"]
        # A tag that the end cuts off shows nothing in a browser.
        whole = harmless["html"].rpartition("<")
        source = whole[0] if whole[1] and ">" not in whole[2] else harmless["html"]
        assert letters(cleaned) == letters(source), harmless["id"]


def test_python_reads_the_same_where_it_can() -> None:
    """Compare with the standard library, which shares no code with ours but the date's reading."""
    differences = Counter[str]()
    count = 0
    for _, raw in mails():
        if len(raw) > 60_000:
            continue  # some would take the library minutes
        count += 1
        parsed, theirs = parsing.parse(raw), as_python_reads(raw)
        ours = {
            "subject": parsed.subject,
            "from": parsed.sender.address,
            "date": parsed.sent_at,
            "message_id": parsed.message_id,
        }
        for name, value in theirs.items():
            differences[name] += value != ours[name]
    print(f"{count} mails compared, differences: {dict(differences)}")  # noqa: T201
    assert differences.total() <= count * 0.04


def as_python_reads(raw: bytes) -> dict[str, Any]:
    """Return what the standard library reads, without what it cannot read or read well."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    found = {}
    for name, read in READERS.items():
        try:
            value = read(message)
        except Exception:  # noqa: BLE001 - it raises a dozen kinds of errors
            continue
        if value and "\ufffd" not in str(value):
            found[name] = value
    return found


def sender_of(message: Any) -> str:
    address: str = message["from"].addresses[0].addr_spec
    return address if "@" in address else ""


def date_of(message: Any) -> Any:
    moment = message["date"].datetime
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


READERS: dict[str, Callable[[Any], Any]] = {
    "subject": lambda message: one_line(str(message["subject"] or ""), 2000),
    "from": sender_of,
    "date": date_of,
    "message_id": lambda message: str(message["message-id"] or "").strip().strip("<>"),
}
