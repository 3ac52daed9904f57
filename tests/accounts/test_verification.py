"""Codes: once, for ten minutes, five tries, for one person, address and use, and never a flood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import connections
from django.db.models import Sum
from django.utils import translation
from pytest_django import Settings

from accounts import code_mails, verification
from accounts.models import OwnedAddress, Use, User, VerificationCode
from accounts.verification import CodeRefused, Proof, Standing, confirm_code, send_code
from tests.builders import make_user
from tests.servers.processes import free_port
from tests.servers.smtp import Relay

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = map(timedelta, (0, 0, 0, 1), (1, 60, 3600, 0))
ADDRESS = "siti@contoh.example"
DB = pytest.mark.django_db


def proof(owner: User, address: str = ADDRESS, use: Use = Use.SEND_AS) -> Proof:
    """Name what is to be proved."""
    return Proof(owner, address, use)


def mailed(wanted: Proof, now: datetime = NOW) -> str:
    """Ask for a code, mail it, and return its digits."""
    send_code(wanted, now=now)
    code_mails.send_due(now)
    return digits_of(mail.outbox[-1])


def digits_of(sent: mail.EmailMessage) -> str:
    """Find the code in a mail."""
    (found,) = re.findall(r"^\d{6}$", str(sent.body), flags=re.MULTILINE)
    return str(found)


def wrong(digits: str) -> str:
    """Return another code."""
    return f"{(int(digits) + 1) % 10**6:06}"


@contextmanager
def no_mail_server(settings: Settings) -> Iterator[None]:
    """Send mail to a port where nobody listens."""
    before = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    yield
    settings.EMAIL_BACKEND = before


def refusal(wanted: Proof, typed: str, now: datetime = NOW) -> CodeRefused:
    """Try a code that is refused."""
    with pytest.raises(CodeRefused) as caught:
        confirm_code(wanted, typed, now=now)
    return caught.value


@DB
def test_a_right_code_proves_the_address_once() -> None:
    wanted = proof(make_user())
    digits = mailed(wanted)
    confirm_code(wanted, digits, now=NOW + 9 * MINUTE)
    assert OwnedAddress.objects.get().address == ADDRESS
    assert refusal(wanted, digits).code == "code.over"


@DB
def test_a_code_is_void_after_ten_minutes() -> None:
    wanted = proof(make_user())
    digits = mailed(wanted)
    assert refusal(wanted, digits, NOW + 10 * MINUTE + SECOND).code == "code.over"
    assert not OwnedAddress.objects.exists()


@DB
def test_a_new_code_makes_the_old_one_void() -> None:
    wanted = proof(make_user())
    old, new = mailed(wanted), mailed(wanted, NOW + MINUTE)
    if old != new:
        assert refusal(wanted, old, NOW + MINUTE).code == "code.wrong"
    confirm_code(wanted, new, now=NOW + MINUTE)


@DB
def test_five_wrong_tries_end_a_code() -> None:
    wanted = proof(make_user())
    digits = mailed(wanted)
    tried = [refusal(wanted, wrong(digits)) for _ in range(5)]
    assert [one.facts.get("left") for one in tried] == [4, 3, 2, 1, None]
    assert tried[-1].code == "code.over"
    assert refusal(wanted, digits).code == "code.over"


@DB
def test_a_code_is_for_one_person_one_address_and_one_use() -> None:
    alice, bob = make_user(), make_user("bob@example.org")
    others = [proof(bob), proof(alice, "other@contoh.example"), proof(alice, use=Use.REPLY_TO)]
    digits = mailed(proof(alice))
    for other in others:
        mailed(other, NOW + SECOND)
        assert refusal(other, digits, NOW + SECOND).code == "code.wrong"
    confirm_code(proof(alice), digits, now=NOW + SECOND)
    assert OwnedAddress.objects.count() == 1


@DB
def test_only_a_keyed_hash_is_kept_bound_to_its_row() -> None:
    wanted = proof(make_user())
    digits = mailed(wanted)
    first = VerificationCode.objects.get()
    assert re.fullmatch("[0-9a-f]{64}", first.code_hash)
    assert digits not in str(vars(first))
    other = proof(make_user("bob@example.org"))
    mailed(other)
    VerificationCode.objects.filter(owner=other.owner).update(code_hash=first.code_hash)
    assert refusal(other, digits).code == "code.wrong"


@DB
def test_a_new_one_may_be_asked_for_after_a_minute() -> None:
    wanted = proof(make_user())
    mailed(wanted)
    with pytest.raises(CodeRefused) as caught:
        send_code(wanted, now=NOW + 18 * SECOND)
    assert (caught.value.code, caught.value.facts["seconds"]) == ("limit.resend", 42)
    assert mailed(wanted, NOW + MINUTE)


@DB
def test_a_person_may_ask_three_times_an_hour_and_five_times_a_day() -> None:
    wanted = proof(make_user())
    for number in range(3):
        mailed(wanted, NOW + number * MINUTE)
    with pytest.raises(CodeRefused) as caught:
        send_code(wanted, now=NOW + 10 * MINUTE)
    assert caught.value.facts["seconds"] == 50 * 60
    for number in range(1, 3):
        mailed(wanted, NOW + number * HOUR + 3 * MINUTE)
    with pytest.raises(CodeRefused):
        send_code(wanted, now=NOW + 23 * HOUR)
    assert mailed(wanted, NOW + DAY)


@DB
def test_a_person_has_twenty_codes_a_day_for_all_addresses() -> None:
    owner = make_user()
    for number in range(20):
        send_code(proof(owner, f"box{number}@contoh.example"), now=NOW)
    with pytest.raises(CodeRefused):
        send_code(proof(owner, "box20@contoh.example"), now=NOW)


@DB
def test_an_address_gets_three_mails_an_hour_and_five_a_day_whoever_asks() -> None:
    people = [make_user(f"p{number}@example.org") for number in range(8)]
    later, tomorrow = NOW + HOUR + SECOND, NOW + DAY + SECOND
    moments = [NOW, NOW, NOW, NOW, later, later, later, tomorrow]
    sent = []
    for person, moment in zip(people, moments, strict=True):
        spelled = ADDRESS.replace("@", f"+{person.pk}@").upper() if person.pk % 2 else ADDRESS
        send_code(proof(person, spelled), now=moment)
        code_mails.send_due(moment)
        sent.append(len(mail.outbox))
    assert sent == [1, 2, 3, 3, 4, 5, 5, 6]


@DB
def test_whoever_asks_learns_nothing_of_what_others_asked() -> None:
    for number in range(3):
        mailed(proof(make_user(f"p{number}@example.org")))
    late = proof(make_user())
    send_code(late, now=NOW)
    code_mails.send_due(NOW)
    assert len(mail.outbox) == 3
    code = VerificationCode.objects.get(owner=late.owner)
    assert verification.standing(code, now=NOW) is Standing.WAITING
    assert refusal(late, "000000").facts == {"left": 4}


@DB
def test_an_address_has_nine_tries_an_hour_whoever_tries() -> None:
    people = [proof(make_user(f"p{number}@example.org")) for number in range(3)]
    codes = [mailed(one) for one in people]
    tries = [(one, digits) for one, digits in zip(people, codes, strict=True) for _ in range(3)]
    for one, digits in tries:
        assert refusal(one, wrong(digits)).code == "code.wrong"
    assert refusal(people[0], codes[0]).code == "limit.tries"
    assert VerificationCode.objects.aggregate(tries=Sum("attempts"))["tries"] == 9


@DB
def test_a_mail_speaks_the_owners_language_and_holds_nothing_secret_but_the_code() -> None:
    owner = make_user(language="id")
    with translation.override("en"):
        digits = mailed(proof(owner, use=Use.REPLY_TO))
    (sent,) = mail.outbox
    assert sent.to == [ADDRESS]
    assert sent.subject == "Kode Anda untuk Muara"
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    assert isinstance(sent, mail.EmailMultiAlternatives)
    ((page, kind),) = sent.alternatives
    assert kind == "text/html"
    assert '<html lang="id">' in str(page)
    assert digits in str(page)
    assert "http" not in str(page) + str(sent.body)
    assert digits not in sent.subject


@DB
def test_a_person_gets_the_mail_from_a_real_server(smtp: Relay, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", smtp.port
    wanted = proof(make_user(), "kode@contoh.example")
    send_code(wanted, now=NOW)
    assert code_mails.send_due(NOW) == 1
    arrived = smtp.wait_for_mail(wanted.address)
    part = arrived.get_body(("plain",))
    assert part is not None
    (digits,) = re.findall(r"^\d{6}\r?$", part.get_content(), flags=re.MULTILINE)
    confirm_code(wanted, digits, now=NOW)


@DB
def test_while_the_mail_server_is_away_a_code_stays_due_and_uses_up_no_limit(
    settings: Settings,
) -> None:
    wanted = proof(make_user())
    send_code(wanted, now=NOW)
    with no_mail_server(settings):
        for seconds in range(0, 600, 30):
            code_mails.send_due(NOW + seconds * SECOND)
    code = VerificationCode.objects.get()
    assert (code.mails, code.code_hash) == (0, "")
    assert verification.standing(code, now=NOW) is Standing.COMING
    code_mails.send_due(NOW + 10 * MINUTE)
    confirm_code(wanted, digits_of(mail.outbox[0]), now=NOW + 19 * MINUTE)


@DB
def test_after_ten_minutes_without_a_mail_server_it_is_given_up(settings: Settings) -> None:
    wanted = proof(make_user())
    send_code(wanted, now=NOW)
    with no_mail_server(settings):
        code_mails.send_due(NOW + 11 * MINUTE)
    code = VerificationCode.objects.get()
    assert code.mail_due_at is None
    assert verification.standing(code, now=NOW) is Standing.LOST
    assert not mail.outbox


@DB
def test_a_worker_that_dies_while_sending_leaves_the_mail_to_another() -> None:
    wanted = proof(make_user())
    code = send_code(wanted, now=NOW)
    VerificationCode.objects.filter(pk=code.pk).update(mail_due_at=NOW + code_mails.LEASE)
    assert code_mails.send_due(NOW + 30 * SECOND) == 0
    assert code_mails.send_due(NOW + MINUTE) == 1
    confirm_code(wanted, digits_of(mail.outbox[0]), now=NOW + MINUTE)


@DB
def test_old_codes_are_forgotten_once_no_limit_counts_them() -> None:
    mailed(proof(make_user()))
    verification.forget_old(NOW + DAY)
    assert VerificationCode.objects.exists()
    verification.forget_old(NOW + 3 * DAY)
    assert not VerificationCode.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_fifty_wrong_tries_at_once_count_five() -> None:
    wanted = proof(make_user())
    digits = mailed(wanted)

    def attempt(number: int) -> str:
        try:
            confirm_code(wanted, f"{(int(digits) + number) % 10**6:06}", now=NOW)
        except CodeRefused as refused:
            return refused.code
        finally:
            connections.close_all()
        return "accepted"

    with ThreadPoolExecutor(10) as pool:
        answers = sorted(pool.map(attempt, range(1, 51)))
    assert answers == ["code.over"] * 46 + ["code.wrong"] * 4
    assert VerificationCode.objects.get().attempts == 5
    assert refusal(wanted, digits).code == "code.over"


@pytest.mark.django_db(transaction=True)
def test_twenty_people_and_workers_at_once_send_an_address_three_mails() -> None:
    people = [make_user(f"p{number}@example.org") for number in range(20)]
    for person in people:
        send_code(proof(person), now=NOW)

    def work(_number: int) -> None:
        try:
            code_mails.send_due(NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(mail.outbox) == 3
    assert VerificationCode.objects.aggregate(mails=Sum("mails"))["mails"] == 3
    assert not VerificationCode.objects.exclude(mail_due_at=None).exists()
