"""What the counts of a visit say, in both languages."""

from django.utils import translation

from accounts.remarks import WORDS, remarks


def test_each_count_is_a_sentence_and_nothing_else_is() -> None:
    facts = dict.fromkeys(WORDS, 1312) | {"later": 3, "host": "pop.example.org"}
    told = remarks(facts)
    assert "1,312 messages wait at the provider." in told
    assert len(told) == len(WORDS)
    assert remarks({"waiting": 1}) == ["1 message waits at the provider."]
    assert remarks({"waiting": 0}) == []


def test_each_sentence_has_its_indonesian_one() -> None:
    facts = dict.fromkeys(WORDS, 1312)
    with translation.override("id"):
        told = remarks(facts)
    assert not set(told) & set(remarks(facts))
    assert all("1.312" in sentence for sentence in told)
