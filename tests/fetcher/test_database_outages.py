"""A PostgreSQL that goes away in the middle of a visit loses nothing and doubles nothing."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

import psycopg
import pytest
from django.db import Error, connection

from fetcher.runs import run_fetch
from tests.fetcher.offers import Offer
from tests.servers.cable import Cable, run_cable
from tests.sweeps import result, sample, seconds

pytestmark = [
    pytest.mark.servers,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("small_batches"),
    pytest.mark.timeout(seconds(180, 3600)),
]
WHOLE = 200
Offers = Callable[..., Offer]


@pytest.fixture
def database_cable(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cable]:
    """Lead this thread to its database through a cable."""
    # The tests' own server promises before it has written, to be fast; here it must keep its word.
    monkeypatch.setenv("PGOPTIONS", "-c synchronous_commit=on")
    settings = connection.settings_dict
    with run_cable(int(settings["PORT"])) as cable:
        with monkeypatch.context() as way:
            way.setitem(settings, "PORT", cable.port)
            connection.close()
            yield cable
        connection.close()


def end_backends(port: int) -> None:
    """Have the server end its connections to the database, as an administrator would."""
    with _administrator(port) as other:
        other.execute(f"SELECT pg_terminate_backend(pid) {OTHERS}")


def crash(port: int) -> None:
    """Kill one process of the server, upon which it ends all others and starts anew."""
    with _administrator(port) as other:
        row = other.execute(f"SELECT pid {OTHERS}").fetchone()
    assert row
    os.kill(row[0], signal.SIGKILL)


OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def _administrator(port: int) -> psycopg.Connection[tuple[int]]:
    access = connection.settings_dict
    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        user=access["USER"],
        password=access["PASSWORD"],
        dbname=access["NAME"],
        autocommit=True,
    )


def _come_back() -> None:
    """Wait until the database serves again, where it went with the last answer of a visit."""
    while True:
        connection.close()
        with suppress(Error):
            return connection.ensure_connection()
        time.sleep(0.1)


HARMS = {"cut": Cable.cut, "ended": lambda cable: end_backends(cable.server_port)}
HARMS["crashed"] = lambda cable: crash(cable.server_port)


@pytest.mark.parametrize("harm", HARMS)
def test_a_database_that_goes_before_any_of_its_answers(
    harm: str, database_cable: Cable, offer: Offers
) -> None:
    answers, _ = _learn(database_cable, offer)
    points = sample(range(answers), 4, WHOLE)
    wrong = _lose(points, partial(HARMS[harm], database_cable), database_cable, offer)
    told = result(f"{connection.vendor}: database {harm}", len(points), answers, wrong)
    assert not wrong, told


def test_a_commit_that_came_about_and_looks_like_a_failure(
    database_cable: Cable, offer: Offers
) -> None:
    _, commits = _learn(database_cable, offer)
    assert not _lose(commits, database_cable.cut, database_cable, offer)


def _learn(cable: Cable, offer: Offers) -> tuple[int, list[int]]:
    """Count the answers that the database gives in a visit, and number those to a commit."""
    box = offer(0)
    cable.undisturbed()
    run_fetch(box.account.pk)
    return cable.answers, [number for number, words in cable.asked if b"COMMIT" in words]


def _lose(
    answers: Iterable[int], harm: Callable[[], None], cable: Cable, offer: Offers
) -> Counter[str]:
    """Do harm before each of these answers, in a visit of its own; count what does not hold."""
    wrong = Counter[str]()
    for answer in answers:
        box = offer(0)
        cable.harm_before(harm, answers=answer)
        assert run_fetch(box.account.pk) is not None
        # A visit may need fewer answers than the one before it; later ones belong to this test.
        cable.undisturbed()
        _come_back()
        wrong += box.visit_twice()
        box.clear()
    return wrong
