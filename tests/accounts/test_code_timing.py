"""How long an answer about a code takes for addresses that are known here, and for others."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import pytest
from django.test import Client
from django.utils import timezone

from accounts import code_mails
from accounts.models import ExternalAccount, Identity, OwnedAddress, Use, User
from tests.builders import make_account, make_user
from tests.sweeps import IS_WHOLE, RESULTS

PEOPLE, EACH = 4, 20
PROMISED_SECONDS = 0.020


def known_address(number: int) -> str:
    """Make an address that somebody else has proved, and has just had a code for."""
    address = f"known{number}@contoh.example"
    owner = make_user(address)
    Identity.objects.create(
        owner=owner, account=make_account(owner, address=address), address=address
    )
    now = timezone.now()
    OwnedAddress.objects.create(owner=owner, address=address, use=Use.SEND_AS, proved_at=now)
    return address


def seconds(client: Client, path: str, **typed: str) -> float:
    """Measure one answer."""
    began = perf_counter()
    answer = client.post(path, typed)
    assert answer.status_code in {302, 422}
    return perf_counter() - began


def ask_and_try(client: Client, account: ExternalAccount, address: str) -> tuple[float, float]:
    """Measure asking for a code and trying a wrong one."""
    owner = account.owner
    identity = Identity.objects.create(owner=owner, account=account, address=address)
    path = f"/settings/send-mail-as/{identity.public_id}"
    asked = seconds(client, f"{path}/code/")
    code_mails.send_due(timezone.now())
    return asked, seconds(client, f"{path}/verify/", code="000000")


@pytest.mark.skipif(not IS_WHOLE, reason="measures for minutes: MUARA_SWEEP=whole")
@pytest.mark.timeout(900)
@pytest.mark.django_db(transaction=True)
def test_known_and_unknown_addresses_are_answered_equally_fast(client: Client) -> None:
    measured: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for person in range(PEOPLE):
        owner: User = make_user(f"asks{person}@example.org")
        account = make_account(owner)
        client.force_login(owner)
        for turn in range(EACH):
            number, is_known = person * EACH + turn, bool(turn % 2)
            address = known_address(number) if is_known else f"unknown{number}@contoh.example"
            measured[is_known].append(ask_and_try(client, account, address))
    for place, what in enumerate(("asking for a code", "trying a code")):
        known, unknown = (median(pair[place] for pair in measured[one]) for one in (True, False))
        RESULTS.append(
            f"{what}: p50 {known * 1000:.1f} ms for known addresses, "
            f"{unknown * 1000:.1f} ms for unknown ones ({PEOPLE * EACH // 2} of each)"
        )
        assert abs(known - unknown) < PROMISED_SECONDS, RESULTS[-1]
