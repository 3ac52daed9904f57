"""The parts that talk to the database, once more on a real PostgreSQL."""

from __future__ import annotations

import pytest

from tests.conftest import Repetition
from tests.sweeps import RESULTS, seconds


@pytest.mark.servers
@pytest.mark.timeout(seconds(600, 7200))
def test_every_promise_and_verb_holds_on_postgresql_too(repetition: Repetition) -> None:
    ending = repetition.process.wait()
    said = repetition.log.read_text()
    assert ending == 0, said[-6000:]
    RESULTS.extend(x for x in said.splitlines() if x.startswith("postgresql: "))
