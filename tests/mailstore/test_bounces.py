"""Delivery reports say who was not reached and why."""

from __future__ import annotations

import pytest

from mailstore.mime import read_structure
from mailstore.reading.bounces import Bounce, Report, read_bounce

REPORT = """From: MAILER-DAEMON@contoh.id
Subject: Undelivered
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.contoh.id
Arrival-Date: Tue, 3 Nov 2026 10:00:00 +0700

Final-Recipient: rfc822; made@lain.id
Action: failed
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <made@lain.id>
 tidak dikenal

Original-Recipient: rfc822;ratna@lain.id
Final-Recipient: rfc822;x@y.id
Action: delayed
Status: 4.4.1

--b
Content-Type: message/rfc822

Subject: Peta sungai
From: siti@contoh.id

Isi
--b--
"""


def bounce_of(raw: str) -> Bounce | None:
    return read_bounce(read_structure(raw.encode())[0])


def test_each_recipient_is_named_with_reason_and_words() -> None:
    found = bounce_of(REPORT.format(status="5.1.1"))
    said = "550 5.1.1 <made@lain.id> tidak dikenal"
    assert found == Bounce(
        (
            Report("made@lain.id", "failed", "unknown", "5.1.1", said),
            Report("ratna@lain.id", "delayed", "silent", "4.4.1"),
        ),
        "Peta sungai",
    )
    assert found.is_failure


@pytest.mark.parametrize(
    ("status", "reason"),
    [("5.2.2", "full"), ("5.7.26", "refused"), ("5.4.4", "host"), ("5.0.0", ""), ("rusak", "")],
)
def test_a_status_becomes_what_a_person_can_do(status: str, reason: str) -> None:
    found = bounce_of(REPORT.format(status=status))
    assert found is not None
    assert found.reports[0].reason == reason


def test_exim_names_the_failed_in_a_field_of_its_own() -> None:
    found = bounce_of("X-Failed-Recipients: a@b.id, c@d.id\nSubject: x\n\nGagal\n")
    assert found is not None
    assert [report.recipient for report in found.reports] == ["a@b.id", "c@d.id"]


def test_a_letter_is_no_report() -> None:
    assert bounce_of("Subject: x\n\nHalo\n") is None
