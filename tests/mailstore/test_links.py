"""A link that leads elsewhere than it says is marked with where it leads."""

from __future__ import annotations

import pytest

from mailstore.reading.links import dressed, is_look_alike, names_another


@pytest.mark.parametrize(
    ("words", "host", "is_other"),
    [
        ("www.bank.co.id", "bank.co.id", False),
        ("https://login.bank.co.id/masuk", "www.bank.co.id", False),
        ("www.bank.co.id", "bank.co.id.evil.com", True),
        ("bank.com", "evil.com", True),
        ("Klik di sini", "evil.com", False),
        ("laporan.pdf", "files.example.org", False),
        ("siti@bank.com", "evil.com", True),
        ("bücher.de", "xn--bcher-kva.de", False),
        ("Lihat bank.com untuk lebih lanjut", "evil.com", False),
    ],
)
def test_words_that_are_an_address_must_name_the_owner_of_the_host(
    words: str, host: str, is_other: bool
) -> None:
    assert names_another(words, host) is is_other


@pytest.mark.parametrize(
    ("host", "is_alike"),
    [
        ("xn--80ak6aa92e.com", True),  # аррӏе, all Cyrillic
        ("pаypal.com", True),  # one Cyrillic letter
        ("xn--e1afmkfd.xn--p1ai", False),  # пример.рф
        ("bücher.de", False),
        ("例え.jp", False),
        ("example.org", False),
        ("xn--\x00.com", False),
    ],
)
def test_hosts_that_only_look_like_others_are_told(host: str, is_alike: bool) -> None:
    assert is_look_alike(host) is is_alike


@pytest.mark.parametrize(
    ("link", "marked"),
    [
        ("https://evil.com/x", "leads to evil.com"),
        ("https://bank.com@evil.com/", "leads to evil.com"),
        ("http://xn--80ak6aa92e.com/", "leads to xn--80ak6aa92e.com, written with letters"),
        ("https://www.bank.com/", ""),
        ("mailto:a@b.com", ""),
        ("http://[::1", ""),
    ],
)
def test_a_link_says_where_it_leads(link: str, marked: str) -> None:
    shown = dressed(f'<p><a title="bank.com" href="{link}"><b>bank.com</b></a> ya</p>')
    assert f'title="{link}"' in shown
    assert "bank.com</b></a>" in shown
    assert ("<mark>" in shown) is bool(marked)
    assert marked in shown
