"""``manage.py checkstore``: recompute what the store says of itself, and mend what can be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet
from django.utils import timezone

from accounts.management.base import JsonCommand, Refused, person
from fetcher.checking import ADVICE as REMOTE_ADVICE
from fetcher.checking import check_remote
from fetcher.refetching import refetch
from mailstore.checks import ADVICE as STORE_ADVICE
from mailstore.checks import Fault, check_store
from mailstore.models import Blob

ADVICE = STORE_ADVICE | REMOTE_ADVICE
DAMAGED = {"blob.damaged", "blob.outside"}
LOST = DAMAGED | {"pack.missing"}


class Command(JsonCommand):
    json_help = "print one JSON line a fault"
    help = (
        "Compare packs, rows, words, counters and sums with each other, while the program runs, "
        "and name every fault. Exits with 0 when there is none left, 1 when there is, 2 when the "
        "call itself was wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--owner", metavar="EMAIL", help="only this person's mail")
        parser.add_argument(
            "--repair", action="store_true", help="mend what packs and rows prove; no bytes go"
        )
        parser.add_argument(
            "--refetch",
            action="store_true",
            help="get damaged messages again from their providers, where they still are",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        owner_id = person(options["owner"]).pk if options["owner"] else None
        now = timezone.now()
        lost: list[Fault] = []
        counts = {"faults": 0, "notes": 0, "mended": 0}
        for fault in _once(check_remote(owner_id, now=now), check_store(owner_id, now=now)):
            is_mended = bool(options["repair"] and fault.mend and fault.mend())
            self._tell(fault, is_mended=is_mended, as_json=options["json"])
            counts["notes" if fault.is_note else "faults"] += 1
            counts["mended"] += is_mended
            if fault.code in LOST and not is_mended:
                lost.append(fault)
        if options["refetch"] and lost:
            self._refetch(lost, as_json=options["json"])
            counts["mended"] += sum(map(_is_whole_again, lost))
        self._sum_up(counts, as_json=options["json"])

    def _tell(self, fault: Fault, *, is_mended: bool, as_json: bool) -> None:
        if as_json:
            told = {"code": fault.code, **fault.facts, "note": fault.is_note, "mended": is_mended}
            self.stdout.write(json.dumps(told | {"advice": ADVICE[fault.code]}))
            return
        facts = " ".join(f"{name}={value}" for name, value in fault.facts.items())
        self.stdout.write(f"{fault.code} {facts}: {'Mended.' if is_mended else ADVICE[fault.code]}")

    def _refetch(self, lost: Iterable[Fault], *, as_json: bool) -> None:
        ids = {pk for fault in lost for pk in _blobs_of(fault).values_list("pk", flat=True)}
        for account_id, count, code in refetch(ids):
            told: dict[str, int | str] = {
                "account": account_id,
                "whole_again": count,
                "error": code,
            }
            words = f"Account {account_id}: {count} messages are whole again. {code}".rstrip()
            self.stdout.write(json.dumps(told) if as_json else words)

    def _sum_up(self, counts: dict[str, int], *, as_json: bool) -> None:
        words = f"{counts['faults']} faults, {counts['mended']} mended; {counts['notes']} notes."
        left = counts["faults"] - counts["mended"]
        if not as_json:
            self.stdout.write(words)
        if left > 0:
            raise Refused(f"{left} faults are left; the lines above say what to do.", **counts)
        if as_json:
            self.stdout.write(json.dumps({"ok": True} | counts))


def _once(*checks: Iterable[Fault]) -> Iterator[Fault]:
    """Yield faults, but none of bytes that were just told to be whole under a wrong row."""
    proven = set[int | str]()
    for fault in chain(*checks):
        if fault.code == "blob.digest":
            proven.add(fault.facts["blob"])
        if fault.code not in DAMAGED or fault.facts["blob"] not in proven:
            yield fault


def _blobs_of(fault: Fault) -> QuerySet[Blob]:
    """Return what is lost of a pack: all of it, or one blob."""
    blobs = Blob.objects.filter(pack=int(fault.facts["pack"]))
    return blobs.filter(pk=int(fault.facts["blob"])) if "blob" in fault.facts else blobs


def _is_whole_again(fault: Fault) -> bool:
    """Tell whether all that was lost lies in another pack now; of an empty one the row goes."""
    is_whole = not _blobs_of(fault).exists()
    return is_whole and (fault.code in DAMAGED or bool(fault.mend and fault.mend()))
