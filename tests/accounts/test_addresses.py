"""Addresses and names: one form each, in which nothing can leave its header."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest
from django.core.exceptions import ValidationError
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.addresses import header_address, header_name, mailbox_of, tidy_address, tidy_name

HOSTILE = [
    "a@example.org\r\nBcc: victim@example.org",
    "a\x00@example.org",
    '"a\\\r\nBcc: x"@example.org',
    '"siti"@example.org',
    "a@example.org, victim@example.org",
    "a@b@example.org",
    "siti <a@example.org>",
    "=?utf-8?q?a?=@example.org",
    "a@[127.0.0.1]",
    "a@localhost",
    "a@exa\u2028mple.org",
    "a@example.org\u202e",
    "аdmin@example.org",  # The first letter is Cyrillic.
    "a@-example.org",
    "a@xn--a.org",
    "a@" + "b" * 64 + ".org",
    "a" * 65 + "@example.org",
    "@example.org",
    "a@",
    "",
]


@pytest.mark.parametrize("typed", HOSTILE)
def test_what_could_leave_its_header_is_no_address(typed: str) -> None:
    with pytest.raises(ValidationError):
        tidy_address(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Siti@Contoh.CO.ID ", "Siti@contoh.co.id"),
        ("siti+kantor@example.org", "siti+kantor@example.org"),
        ("info@bücher.example", "info@xn--bcher-kva.example"),
        ("info@straße.de", "info@xn--strae-oqa.de"),
        ("info@例え.jp", "info@xn--r8jz45g.jp"),
        ("info@ｅｘａｍｐｌｅ.org", "info@example.org"),
    ],
)
def test_an_address_has_one_form(typed: str, kept: str) -> None:
    assert tidy_address(typed) == kept
    assert tidy_address(kept) == kept


def test_detail_and_case_lead_to_one_mailbox() -> None:
    assert mailbox_of("Siti+a+b@Example.org") == mailbox_of("siti@example.org")
    assert mailbox_of("+a@example.org") == "+a@example.org"


@pytest.mark.parametrize(
    "typed",
    ["Siti\r\nBcc: x@y.example", "Siti\x00", "\u202eitiS", "Si\u2028ti", "a\x85b", "=?utf-8?q?x?="],
)
def test_a_name_with_unseen_marks_is_not_kept(typed: str) -> None:
    with pytest.raises(ValidationError):
        tidy_name(typed)


@pytest.mark.parametrize(
    "typed", ["Siti Rahma", "Ibu “Ati”, S.E.", "李 雷", "👩‍💻 Dev", "a@b.example"]
)
def test_ordinary_names_are_kept_as_typed(typed: str) -> None:
    assert tidy_name(typed) == typed


@given(name=st.text(max_size=150))
@example(name='"\\"' * 40)
@example(name="a" * 150)
@example(name="é" * 150)
@example(name='é, <b@c.example>, "x" (y); ' * 5)
def test_no_name_leaves_its_header(name: str) -> None:
    message = EmailMessage(policy=SMTP)
    message["From"] = header_address(name, "siti@example.org")
    message["To"] = "to@example.org"
    raw = message.as_bytes()
    starts = [line for line in raw.split(b"\r\n") if line and line[:1] not in b" \t"]
    assert [line.partition(b":")[0] for line in starts] == [b"From", b"To"]
    assert raw.isascii()
    (read,) = message_from_bytes(raw, policy=default)["From"].addresses
    assert read.addr_spec == "siti@example.org"
    assert "".join(read.display_name.split()) == "".join(header_name(name).split())


@given(local=st.text(max_size=20), domain=st.text(max_size=30))
def test_no_address_leaves_its_header(local: str, domain: str) -> None:
    try:
        kept = tidy_address(f"{local}@{domain}.example.org")
    except ValidationError:
        return
    message = EmailMessage(policy=SMTP)
    message["Reply-To"] = header_address("", kept)
    assert message.as_bytes() == f"Reply-To: {kept}\r\n\r\n".encode()
