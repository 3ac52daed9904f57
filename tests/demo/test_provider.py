"""The demo's provider, asked by the standard library's client over real TLS."""

from __future__ import annotations

import base64
import email
import poplib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from demo.certificates import Certificates, make_certificates
from demo.mailboxes import BOXES, make_mailboxes
from demo.provider import Letter, Mailbox, Provider

BORN = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
DOTTED = b"Subject: dots\r\n\r\n.\r\n..two\r\nend\r\n"


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return make_certificates(tmp_path, ["localhost"])


@pytest.fixture
def provider(certificates: Certificates) -> Iterator[Provider]:
    letters = [
        Letter(f"uid{n}", BORN + timedelta(minutes=n), b"Subject: n\r\n\r\nx\r\n") for n in (1, 2)
    ]
    letters.append(Letter("dots", BORN + timedelta(minutes=3), DOTTED))
    letters.append(
        Letter("later", datetime.now(UTC) + timedelta(days=1), b"Subject: later\r\n\r\n")
    )
    server = Provider([Mailbox("siti@contoh.example", "rahasia ya", letters)], certificates.chain)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(provider: Provider, certificates: Certificates) -> Iterator[poplib.POP3_SSL]:
    context = ssl.create_default_context(cafile=str(certificates.trusted))
    visit = poplib.POP3_SSL("localhost", provider.port, timeout=10, context=context)
    yield visit
    visit.close()


def sign_in(client: poplib.POP3_SSL) -> None:
    client.user("siti@contoh.example")
    client.pass_("rahasia ya")


def test_it_names_what_it_can_do(client: poplib.POP3_SSL) -> None:
    capabilities = client.capa()
    assert {"UIDL", "TOP", "PIPELINING", "USER"} <= set(capabilities)
    assert capabilities["SASL"] == ["PLAIN"]


def test_a_stranger_to_its_authority_is_warned_by_the_certificate(provider: Provider) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        poplib.POP3_SSL(
            "localhost", provider.port, timeout=10, context=ssl.create_default_context()
        )


def test_a_wrong_password_is_refused_as_such(client: poplib.POP3_SSL) -> None:
    client.user("siti@contoh.example")
    with pytest.raises(poplib.error_proto, match=r"\[AUTH\]"):
        client.pass_("wrong")


def test_nothing_is_told_before_the_sign_in(client: poplib.POP3_SSL) -> None:
    with pytest.raises(poplib.error_proto, match="sign in first"):
        client.stat()


def test_only_letters_that_have_arrived_are_listed(client: poplib.POP3_SSL) -> None:
    sign_in(client)
    assert client.stat() == (3, 2 * len(b"Subject: n\r\n\r\nx\r\n") + len(DOTTED))
    assert client.uidl()[1] == [b"1 uid1", b"2 uid2", b"3 dots"]
    assert client.uidl(2) == b"+OK 2 uid2"
    assert client.list()[1][2] == b"3 %d" % len(DOTTED)


def test_lines_that_begin_with_a_dot_come_through(client: poplib.POP3_SSL) -> None:
    sign_in(client)
    assert client.retr(3)[1] == DOTTED.rstrip().split(b"\r\n")


def test_top_gives_the_headers_and_as_many_lines_as_asked(client: poplib.POP3_SSL) -> None:
    sign_in(client)
    assert client.top(3, 0)[1] == [b"Subject: dots", b""]
    assert client.top(3, 1)[1] == [b"Subject: dots", b"", b"."]


def test_deleted_letters_go_at_quit_and_come_back_after_reset(
    client: poplib.POP3_SSL, provider: Provider
) -> None:
    sign_in(client)
    client.dele(1)
    client.rset()
    client.dele(2)
    assert client.stat()[0] == 2
    with pytest.raises(poplib.error_proto, match="no such letter"):
        client.retr(2)
    client.quit()
    assert provider.mailboxes["siti@contoh.example"].deleted == {"uid2"}


def test_a_dropped_visit_deletes_nothing(client: poplib.POP3_SSL, provider: Provider) -> None:
    sign_in(client)
    client.dele(1)
    client.close()
    assert provider.mailboxes["siti@contoh.example"].deleted == set()


@pytest.mark.parametrize("on_one_line", [True, False])
def test_sasl_plain_takes_its_answer_on_either_line(
    client: poplib.POP3_SSL, on_one_line: bool
) -> None:
    answer = base64.b64encode(b"\0siti@contoh.example\0rahasia ya").decode()
    talk: Any = client
    if on_one_line:
        talk._shortcmd(f"AUTH PLAIN {answer}")
    else:
        talk._putcmd("AUTH PLAIN")
        assert talk._getline()[0] == b"+ "
        talk._shortcmd(answer)
    assert client.stat()[0] == 3


def test_questions_sent_together_are_answered_in_turn(client: poplib.POP3_SSL) -> None:
    sign_in(client)
    talk: Any = client
    talk.sock.sendall(b"RETR 1\r\nNOOP\r\nSTAT\r\nBOGUS\r\n")
    assert talk._getlongresp()[1] == [b"Subject: n", b"", b"x"]
    assert talk._getresp() == b"+OK"
    assert talk._getresp().startswith(b"+OK 3 ")
    with pytest.raises(poplib.error_proto, match="unknown command"):
        talk._getresp()


def test_the_same_birth_gives_the_same_letters() -> None:
    first, again = (make_mailboxes(password="x", born=BORN) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("number", range(len(BOXES)))
def test_every_letter_is_sound(number: int) -> None:
    mailbox = make_mailboxes(password="x", born=BORN)[number]
    assert len({letter.uid for letter in mailbox.letters}) == len(mailbox.letters) >= 38
    assert len(mailbox.arrived(BORN)) == len(mailbox.letters) - 1
    for letter in mailbox.letters:
        message = email.message_from_bytes(letter.raw, policy=default)
        assert not any(part.defects for part in message.walk())
        assert letter.raw.replace(b"\r\n", b"").count(b"\n") == 0
        assert {"From", "To", "Date", "Message-ID", "Subject"} <= set(message.keys())


def test_a_reply_names_its_whole_ancestry() -> None:
    home = make_mailboxes(password="x", born=BORN)[0]
    last = next(x for x in home.letters if b"Message-ID: <reuni-4@" in x.raw)
    message = email.message_from_bytes(last.raw, policy=default)
    assert [reference.split("@")[0] for reference in message["References"].split()] == [
        "<reuni-1",
        "<reuni-2",
        "<reuni-3",
    ]
    assert message["In-Reply-To"].startswith("<reuni-3@")
