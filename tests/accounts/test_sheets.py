"""A table of accounts is read as people write it, and refused as a whole where it is none."""

from __future__ import annotations

import pytest

from accounts.sheets import ROWS, NoTable, read_sheet


@pytest.mark.parametrize(
    "text",
    [
        "address,server,password,encryption\na@b.example,pop.b.example, s p ,SSL/TLS\n",
        "\ufeffEmail address;Server;Password;Encryption\r\na@b.example;pop.b.example; s p ;ssl\r\n",
        "alamat\tserver masuk\tkata sandi\tenkripsi\n"
        "a@b.example\tpop.b.example\t s p \tTLS\n\t\t\t\n",
    ],
)
def test_names_of_columns_separators_and_values_may_vary(text: str) -> None:
    assert read_sheet(text.encode()) == [
        {
            "address": "a@b.example",
            "host": "pop.b.example",
            "password": " s p ",
            "security": "tls",
        }
    ]


def test_columns_that_nobody_asked_for_are_passed_over() -> None:
    rows = read_sheet(b"note,address,password\nhello,a@b.example,x\n,c@d.example\n")
    assert rows == [{"address": "a@b.example", "password": "x"}, {"address": "c@d.example"}]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "columns"),
        (b"\xff\xfe\x00a", "text"),
        (b"address,name\na@b.example,A\n", "columns"),
        (b"address,password\n", "empty"),
        (b'address,password\n"a@b.example,x\n', "quote"),
        (b"address,password\n" + b"a@b.example,x\n" * (ROWS + 1), "rows"),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(NoTable) as caught:
        read_sheet(raw)
    assert caught.value.reason == reason
