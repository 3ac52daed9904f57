"""What a login shows and hides."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from wire.login import PasswordLogin


def test_the_password_never_shows() -> None:
    assert "sesame" not in repr(PasswordLogin("alice", "sesame"))


def test_sasl_plain_is_utf_8_between_nuls() -> None:
    sent = PasswordLogin("älice", "pässword").plain()
    assert base64.b64decode(sent) == b"\0\xc3\xa4lice\0p\xc3\xa4ssword"


WORDS = st.text("abc äß \t")


@given(password=WORDS.filter(bool), before=WORDS, after=WORDS)
def test_a_password_does_not_survive_redaction(password: str, before: str, after: str) -> None:
    echoed = PasswordLogin("alice", password).redact(f"{before}{password}{after}")
    assert "***" in echoed
    assert password not in echoed


def test_an_empty_password_changes_no_words() -> None:
    assert PasswordLogin("alice", "").redact("no such user") == "no such user"


def test_only_single_words_of_ascii_fit_user_and_pass() -> None:
    assert PasswordLogin("alice@example.org", "s3same!~").fits_user_and_pass()
    for word in ("", "two words", "öffne", "x" * 201):
        assert not PasswordLogin("alice", word).fits_user_and_pass()
        assert not PasswordLogin(word, "sesame").fits_user_and_pass()
