"""Secrets open only where they belong, and only whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts import vault

ROW = "credential:1:incoming"


@given(st.text(max_size=200), st.text(max_size=80))
def test_what_was_sealed_opens_to_the_same(secret: str, row: str) -> None:
    assert vault.unseal(vault.seal(secret, belongs_to=row), belongs_to=row) == secret


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_secret_moved_to_another_row_stays_shut(row: str, other: str) -> None:
    sealed = vault.seal("secret", belongs_to=row)
    if row != other:
        with pytest.raises(vault.SealBroken):
            vault.unseal(sealed, belongs_to=other)


def test_each_flipped_bit_is_refused() -> None:
    sealed = vault.seal("correct horse", belongs_to=ROW)
    for place in range(len(sealed) * 8):
        damaged = bytearray(sealed)
        damaged[place // 8] ^= 1 << place % 8
        with pytest.raises(vault.SealBroken):
            vault.unseal(bytes(damaged), belongs_to=ROW)


def test_each_cut_is_refused() -> None:
    sealed = vault.seal("correct horse", belongs_to=ROW)
    for length in range(len(sealed)):
        with pytest.raises(vault.SealBroken):
            vault.unseal(sealed[:length], belongs_to=ROW)


def test_the_same_secret_never_looks_the_same_twice() -> None:
    assert len({vault.seal("secret", belongs_to=ROW) for _ in range(100)}) == 100


def test_an_older_key_still_opens_and_the_newest_one_seals(settings: Settings) -> None:
    old, new = vault.read_keys([vault.new_key(), vault.new_key()])
    settings.MUARA_KEYS = (old,)
    sealed = vault.seal("secret", belongs_to=ROW)
    settings.MUARA_KEYS = (new, old)
    assert vault.unseal(sealed, belongs_to=ROW) == "secret"
    assert vault.sealing_key_id(sealed) == old.key_id
    assert vault.newest_key_id() == new.key_id
    settings.MUARA_KEYS = (new,)
    with pytest.raises(vault.SealBroken, match="not configured"):
        vault.unseal(sealed, belongs_to=ROW)


def test_another_key_under_the_same_name_opens_nothing(settings: Settings) -> None:
    settings.MUARA_KEYS = (vault.Key("one", b"a" * 32),)
    sealed = vault.seal("secret", belongs_to=ROW)
    settings.MUARA_KEYS = (vault.Key("one", b"b" * 32),)
    with pytest.raises(vault.SealBroken):
        vault.unseal(sealed, belongs_to=ROW)


@pytest.mark.parametrize("line", ["", "nocolon", "id:", ":YWJj", "id:YWJj", "id:not base64!"])
def test_a_bad_key_is_refused_without_being_repeated(line: str) -> None:
    with pytest.raises(vault.BadKey) as caught:
        vault.read_keys([line])
    assert not line or line not in str(caught.value)


def test_two_keys_of_one_name_are_refused() -> None:
    key = vault.new_key()
    with pytest.raises(vault.BadKey, match="same id"):
        vault.read_keys([key, key])


def test_a_key_does_not_show_in_its_repr() -> None:
    assert "aaaa" not in repr(vault.Key("one", b"a" * 32))
