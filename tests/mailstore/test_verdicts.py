"""What our provider found about a sender is believed, and what a sender wrote himself never."""

from __future__ import annotations

import pytest

from mailstore.headers import Fields
from mailstore.reading.verdicts import Verdict, read_verdict

CAME_IN = (
    "Received: from mx.evil.com (mx.evil.com [192.0.2.1]) by mx.contoh.co.id with ESMTP; now\r\n"
)
LMTP = "Received: from mx.contoh.co.id by store.contoh.co.id with LMTP id 1; now\r\n"
LOCAL = "Received: from localhost (localhost [127.0.0.1]) by mx.contoh.co.id (Postfix); now\r\n"
PASSED = "Authentication-Results: mx.contoh.co.id; dmarc=pass header.from=bank.com\r\n"
FROM = "From: bank@bank.com\r\n\r\n"


def verdict(head: str, host: str = "pop.contoh.co.id", address: str = "siti@toko.id") -> Verdict:
    fields = Fields((head + FROM).encode())
    return read_verdict(fields, host=host, address=address, sender="bank@bank.com")


@pytest.mark.parametrize(
    "head", [PASSED + CAME_IN, LMTP + PASSED + CAME_IN, LMTP + LOCAL + PASSED + CAME_IN]
)
def test_what_stands_above_the_line_of_arrival_is_believed(head: str) -> None:
    found = verdict(head)
    assert (found.word, found.server) == ("pass", "mx.contoh.co.id")
    assert found.results == {"dmarc": "pass"}
    assert found.domains == {"dmarc": "bank.com"}


@pytest.mark.parametrize(
    "head",
    [
        CAME_IN + PASSED,
        CAME_IN + PASSED + CAME_IN,
        LMTP + CAME_IN + PASSED + LOCAL,
        CAME_IN.replace("from mx.evil.com (mx.evil.com", "from localhost (localhost") + PASSED,
        CAME_IN.replace("from mx.evil.com", "from x ([127.0.0.1])") + PASSED + CAME_IN,
        PASSED.replace("mx.contoh", "mx.contoh.co.id.evil") + CAME_IN,
        PASSED.replace("mx.contoh.co.id", "mx.lain.co.id") + CAME_IN,
        PASSED.replace("mx.contoh.co.id; ", "") + CAME_IN,
        "",
        PASSED,
    ],
)
def test_what_a_sender_may_have_written_is_not(head: str) -> None:
    assert verdict(head) == Verdict(sender="bank@bank.com")


def test_of_a_known_provider_only_the_topmost_counts() -> None:
    google = "Authentication-Results: mx.google.com;\r\n\tdmarc=fail header.from=bank.com\r\n"
    forged = google.replace("fail", "pass")
    head = "Received: by 2002:a05:6214 with SMTP id x; now\r\n" + CAME_IN + google + forged
    assert verdict(head, "pop.gmail.com", "siti@gmail.com").word == "fail"
    assert verdict(head, "pop.contoh.co.id").word == ""


def test_microsoft_writes_no_name() -> None:
    head = CAME_IN + "Authentication-Results: spf=pass (x) smtp.mailfrom=bank.com; dkim=pass\r\n"
    assert verdict(head, "outlook.office365.com", "siti@outlook.com").word == "pass"


@pytest.mark.parametrize(
    ("results", "word"),
    [
        ("dmarc=pass", "pass"),
        ("spf=pass smtp.mailfrom=a@mail.bank.com", "pass"),
        ("dkim=pass header.d=bank.com; spf=fail", "pass"),
        ("dkim=pass header.d=evil.com; spf=pass smtp.mailfrom=evil.com", ""),
        ("dmarc=fail; dkim=pass header.d=evil.com", "fail"),
        ("spf=fail smtp.mailfrom=bank.com", "fail"),
        ("dmarc=none; spf=softfail", ""),
        ("spf=none; dkim=none", ""),
    ],
)
def test_a_pass_is_one_for_the_domain_that_a_reader_sees(results: str, word: str) -> None:
    head = f"Authentication-Results: mx.contoh.co.id 1;\r\n {results}\r\n"
    assert verdict(head + CAME_IN).word == word
