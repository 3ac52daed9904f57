"""A network that fails in the middle of a visit loses nothing and doubles nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from django.db import connection
from pytest_django import Settings

from fetcher import sessions
from fetcher.runs import run_fetch
from tests.fetcher.offers import Offer
from tests.servers.cable import Cable, run_cable
from tests.servers.dovecot import Dovecot
from tests.sweeps import result, sample, seconds
from wire.guard import Guard
from wire.pop3 import Limits

pytestmark = [
    pytest.mark.servers,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("small_batches"),
    pytest.mark.timeout(seconds(180, 3600)),
]
WHOLE = 200
Offers = Callable[..., Offer]


@pytest.fixture
def mail_cable(at_dovecot: Dovecot, settings: Settings) -> Iterator[Cable]:
    """Lead the visits to the mail server through a cable."""
    with run_cable(at_dovecot.ports["pop3s"]) as cable:
        settings.GUARD = Guard(connect_to={("pop.example.org", 995): ("127.0.0.1", cable.port)})
        yield cable


@pytest.mark.parametrize("delete_after_days", [None, 0], ids=["left", "deleted"])
def test_a_network_cut_after_any_octet(
    delete_after_days: int | None, mail_cable: Cable, offer: Offers
) -> None:
    run_fetch(offer(delete_after_days).account.pk)
    octets, wrong = mail_cable.octets, Counter[str]()
    points = sample(range(octets), 5, WHOLE)
    for point in points:
        box = offer(delete_after_days)
        mail_cable.harm_before(mail_cable.cut, octets=point)
        cut = run_fetch(box.account.pk)
        assert cut is not None
        assert cut.code in {"conn.lost", "tls.failed", ""}, "cut within a message, it goes on"
        wrong += box.visit_twice()
        box.clear()
    told = result(f"{connection.vendor}: network cut", len(points), octets, wrong)
    assert not wrong, told


def test_a_network_that_falls_silent_after_any_octet(
    mail_cable: Cable, offer: Offers, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_fetch(offer(0).account.pk)
    octets, wrong = mail_cable.octets, Counter[str]()
    points = sample(range(octets), 3, WHOLE)
    patience = partial(Limits, connect_seconds=0.5, sign_in_seconds=0.5, answer_seconds=0.5)
    for point in points:
        box = offer(0)
        with monkeypatch.context() as hurry:
            hurry.setattr(sessions, "Limits", patience)
            mail_cable.harm_before(mail_cable.hold, octets=point)
            silent = run_fetch(box.account.pk)
        assert silent is not None
        assert silent.code in {"conn.timeout", ""}, "silent within a message, it goes on"
        mail_cable.release()
        wrong += box.visit_twice()
        box.clear()
    told = result(f"{connection.vendor}: network silent", len(points), octets, wrong)
    assert not wrong, told
