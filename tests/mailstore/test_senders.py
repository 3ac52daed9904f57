"""Names of senders that are meant to deceive."""

from __future__ import annotations

import pytest

from mailstore.senders import is_disguised


@pytest.mark.parametrize(
    ("name", "address", "disguised"),
    [
        ("Bob", "bob@example.org", False),
        ("bob@example.org", "Bob@Example.org", False),
        ("Bob (bob@example.org)", "bob@example.org", False),
        ("ceo@bank.example", "x@evil.example", True),
        ("The bank <ceo@bank.example>", "x@evil.example", True),
        ("Meet @ noon", "bob@example.org", False),
    ],
)
def test_a_name_that_is_another_address_is_noticed(
    name: str, address: str, disguised: bool
) -> None:
    assert is_disguised(name, address) is disguised
