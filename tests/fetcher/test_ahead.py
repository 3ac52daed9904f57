"""Values made in a thread of their own arrive in order, and the error after them."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from itertools import count
from threading import Event, Thread, current_thread

import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from fetcher.ahead import ahead
from fetcher.models import FetchRun
from wire.errors import ConnectionFailed


def threads() -> list[Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ahead"]


def test_the_source_is_worked_through_in_another_thread_and_in_order() -> None:
    def source() -> Iterator[tuple[int, Thread]]:
        yield from ((number, current_thread()) for number in range(50))

    with ahead(source(), Event()) as values:
        found = list(values)
    assert [number for number, _ in found] == list(range(50))
    assert current_thread() not in {thread for _, thread in found}
    assert not threads()


def test_an_error_comes_after_everything_that_was_made_before_it() -> None:
    def source() -> Iterator[int]:
        yield from range(3)
        raise ConnectionFailed("conn.lost")

    found = list[int]()
    with pytest.raises(ConnectionFailed), ahead(source(), Event()) as values:
        found.extend(values)
    assert found == [0, 1, 2]
    assert not threads()


def test_no_more_than_two_values_are_made_that_nobody_uses_yet() -> None:
    made = []

    def source() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    with ahead(source(), Event()) as values:
        for value in values:
            assert len(made) <= value + 3
    assert len(made) == 10


def test_who_leaves_early_waits_for_the_source_to_end() -> None:
    left = Event()

    def source() -> Iterator[int]:
        for number in count():
            if left.is_set():
                return
            yield number

    def fail() -> None:
        with ahead(source(), left) as values:
            next(values)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not threads()


@pytest.mark.django_db(transaction=True)
def test_the_thread_lets_go_of_its_database_and_only_of_its_own() -> None:
    theirs = list[BaseDatabaseWrapper]()

    def source() -> Iterator[int]:
        connection.ensure_connection()
        theirs.append(connections[DEFAULT_DB_ALIAS])
        yield from count()

    with transaction.atomic():
        with ahead(source(), Event()) as values:
            next(iter(values))
        gc.collect()
        assert theirs[0] is not connections[DEFAULT_DB_ALIAS]
        assert theirs[0].connection is None
        assert not FetchRun.objects.exists(), "this one still serves"
