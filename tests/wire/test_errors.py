"""Errors carry codes that exist, and words cut to what a page can show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.endpoint import Endpoint, Security
from wire.errors import DETAIL_LIMIT, ConnectionFailed, about, printable


def test_a_code_of_another_kind_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no code"):
        ConnectionFailed("tls.expired")


def test_errors_tell_what_they_are_about_unless_they_know_better() -> None:
    with pytest.raises(ConnectionFailed) as failed, about(Endpoint("a", 995, Security.TLS)):
        raise ConnectionFailed("conn.lost", port=110)
    assert failed.value.facts == {"host": "a", "port": 110}


@given(st.text())
def test_foreign_words_are_short_and_printable(text: str) -> None:
    shown = printable(text)
    assert len(shown) <= DETAIL_LIMIT
    assert shown.isprintable()
