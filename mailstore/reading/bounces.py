"""What a delivery report says: who was not reached, why, and in whose words (RFC 3464)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailstore.charsets import one_line
from mailstore.headers import Fields
from mailstore.mime import Part

MAX_REPORTED = 50
MAX_SAID = 500
_ACTIONS = {"failed", "delayed", "delivered", "relayed", "expanded"}
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_TYPED = re.compile(r"^[\w-]{1,20}\s*;\s*")
# Enhanced status codes (RFC 3463) by what a person can do about them.
_REASONS = {
    "1.1": "unknown",
    "1.2": "host",
    "1.3": "unknown",
    "1.10": "unknown",
    "2.1": "disabled",
    "2.2": "full",
    "2.3": "large",
    "3.4": "large",
    "4.1": "silent",
    "4.4": "host",
    "4.7": "silent",
}
_REASONS_BY_SUBJECT = {"1": "unknown", "2": "mailbox", "4": "silent", "7": "refused"}


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the message for one recipient.

    ``action`` is "failed", "delayed", "delivered", "relayed" or "expanded"; ``reason`` names a kind
    of cause or is ""; ``said`` are the other server's own words.
    """

    recipient: str
    action: str
    reason: str
    status: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Bounce:
    """The reports of one delivery status notification, and the subject of what they are about."""

    reports: tuple[Report, ...]
    subject: str = ""

    @property
    def is_failure(self) -> bool:
        """Tell whether somebody was not reached for good."""
        return any(report.action == "failed" for report in self.reports)


def read_bounce(root: Part) -> Bounce | None:
    """Return what a delivery report says, or None if the message is none."""
    leaves = root.leaves()
    blocks = (
        block
        for leaf in leaves
        if leaf.content_type in {"message/delivery-status", "message/global-delivery-status"}
        for block in re.split(rb"\r?\n[ \t]*\r?\n", leaf.content(128 * 1024))
    )
    reports = [report for block in blocks if (report := _report(Fields(block.lstrip())))]
    # What Exim says of itself in place of a report.
    reports = reports or [*_exim(root.fields)]
    if not reports:
        return None
    return Bounce(tuple(reports[:MAX_REPORTED]), next(_subjects(leaves), ""))


def _report(fields: Fields) -> Report | None:
    who = fields.text("original-recipient", 320) or fields.text("final-recipient", 320)
    if not who:
        return None
    status = _STATUS.search(fields.text("status", 40))
    action = fields.text("action", 20).lower().split("(")[0].strip()
    code = status[0] if status else ""
    said = _TYPED.sub("", fields.text("diagnostic-code", MAX_SAID))
    if action not in _ACTIONS:
        action = {"2": "delivered", "4": "delayed"}.get(code[:1], "failed")
    return Report(_TYPED.sub("", who), action, _reason(code), code, said)


def _reason(code: str) -> str:
    _class, _dot, rest = code.partition(".")
    return _REASONS.get(rest) or _REASONS_BY_SUBJECT.get(rest.partition(".")[0], "")


def _exim(fields: Fields) -> Iterator[Report]:
    for value in fields.all_raw("x-failed-recipients"):
        for one in one_line(value.decode("utf-8", "replace"), 2000).split(","):
            if one.strip():
                yield Report(one.strip(), "failed", "")


def _subjects(leaves: list[Part]) -> Iterator[str]:
    for leaf in leaves:
        if leaf.content_type in {"message/rfc822", "text/rfc822-headers"}:
            fields = Fields(leaf.content(64 * 1024).lstrip())
            if subject := fields.text("subject", 200):
                yield subject
