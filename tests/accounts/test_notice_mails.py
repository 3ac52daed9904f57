"""Mails about notices: to the right person, in the right language, once, and never a flood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend as LocmemBackend
from django.utils import translation
from pytest_django import Settings

from accounts import notices
from accounts.models import ExternalAccount, Notice, State, User
from accounts.notice_mails import MAILS_A_DAY, send_due
from accounts.troubles import TROUBLES
from tests.builders import make_account, make_user
from tests.servers.processes import free_port
from tests.servers.smtp import Relay

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FACTS = {"host": "pop.example.org", "port": 995, "detail": "-ERR [AUTH] who are <you>?"}
DB = pytest.mark.django_db


def refused(owner: User, number: int = 1, **fields: Any) -> ExternalAccount:
    """Make an account that waits for its owner's sign-in."""
    trouble = {"state": State.NEEDS_SIGN_IN, "last_code": "auth.failed", "last_facts": FACTS}
    address = f"box{number}@example.org"
    return make_account(owner, address=address, next_fetch_at=None, **(trouble | fields))


def mails_at(now: datetime) -> list[mail.EmailMessage]:
    """Review, send what is due, and return what was sent by that."""
    before = len(mail.outbox)
    notices.review(now)
    send_due(now)
    return mail.outbox[before:]


@DB
def test_a_mail_goes_within_five_minutes_and_once() -> None:
    owner = make_user()
    account = refused(owner, name="Work")
    assert mails_at(NOW) == [], "what breaks together is told together"
    (sent,) = mails_at(NOW + 2 * MINUTE)
    assert sent.to == [owner.email]
    assert sent.subject == "Muara: Work: sign-in needed"
    assert "pop.example.org no longer accepts the password kept here." in sent.body
    link = f"/settings/mail-accounts/{account.public_id}/connection/"
    assert f"Update password: http://localhost:8000{link}" in sent.body
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    assert mails_at(NOW + 10 * MINUTE) == []
    assert Notice.objects.get().mailed_at == NOW + 2 * MINUTE


@DB
def test_the_servers_own_words_and_secrets_stay_out_of_mails() -> None:
    refused(make_user(), password="very secret")
    mails_at(NOW)
    (sent,) = mails_at(NOW + 2 * MINUTE)
    assert "who are" not in sent.body
    assert "very secret" not in sent.message().as_string()


@DB
def test_a_mail_has_a_page_too_in_which_names_stay_text_and_nothing_is_loaded() -> None:
    account = refused(make_user(language="id"), name="<b>Kantor</b>")
    mails_at(NOW)
    (sent,) = mails_at(NOW + 2 * MINUTE)
    assert isinstance(sent, mail.EmailMultiAlternatives)
    ((page, kind),) = sent.alternatives
    assert kind == "text/html"
    assert isinstance(page, str)
    assert '<html lang="id">' in page
    assert "&lt;b&gt;Kantor&lt;/b&gt;: perlu masuk" in page
    assert f'href="http://localhost:8000/settings/mail-accounts/{account.public_id}/conn' in page
    assert not re.search("<(img|link|script|style|iframe)|src=", page)


@DB
@pytest.mark.parametrize(
    ("chosen", "seen", "words"),
    [("id", "", "perlu masuk"), ("", "id", "perlu masuk"), ("en", "id", "sign-in needed")],
)
def test_a_mail_speaks_its_owners_language(chosen: str, seen: str, words: str) -> None:
    refused(make_user(language=chosen, seen_language=seen))
    mails_at(NOW)
    with translation.override("en" if words.startswith("perlu") else "id"):
        (sent,) = mails_at(NOW + 2 * MINUTE)
    assert words in sent.subject


@DB
def test_ten_accounts_that_break_together_make_one_mail() -> None:
    owner = make_user()
    for number in range(10):
        refused(owner, number)
    mails_at(NOW)
    (sent,) = mails_at(NOW + 2 * MINUTE)
    assert sent.subject == "Muara: 10 notices about your mail accounts"
    assert all(f"box{number}@example.org" in sent.body for number in range(10))


@DB
def test_accounts_that_break_all_day_make_a_few_mails_and_the_rest_comes_in_one() -> None:
    owner = make_user()
    sent = []
    for hour in range(10):
        refused(owner, hour)
        mails_at(NOW + hour * timedelta(hours=1))
        sent += mails_at(NOW + hour * timedelta(hours=1) + 2 * MINUTE)
    assert len(sent) == MAILS_A_DAY
    (rest,) = mails_at(NOW + DAY + 5 * MINUTE)
    assert rest.subject == f"Muara: {10 - MAILS_A_DAY} notices about your mail accounts"


@DB
@pytest.mark.parametrize("choice", [{"mails_notices": False}, {"is_active": False}])
def test_who_wants_no_mail_gets_none(choice: dict[str, Any]) -> None:
    refused(make_user(**choice))
    mails_at(NOW)
    assert mails_at(NOW + 2 * MINUTE) == []
    assert Notice.objects.get().mail_due_at is None
    assert Notice.objects.get().closed_at is None, "the banner stays"


@DB
def test_what_is_over_before_its_mail_went_is_not_mailed() -> None:
    refused(make_user())
    mails_at(NOW)
    ExternalAccount.objects.update(state=State.PAUSED)
    assert mails_at(NOW + 2 * MINUTE) == []


class TwoAtOnce(LocmemBackend):
    """Send while another account breaks and a second worker looks for what is due."""

    def send_messages(self, messages: Sequence[mail.EmailMessage]) -> int:
        if Notice.objects.count() == 1:
            refused(User.objects.get(), 2)
            notices.review(NOW + MINUTE)
            assert send_due(NOW + 2 * MINUTE) == 1
        return super().send_messages(messages)


@DB
def test_what_one_worker_sends_no_other_does(settings: Settings) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.TwoAtOnce"
    refused(make_user())
    mails_at(NOW)
    sent = mails_at(NOW + 2 * MINUTE)
    assert sorted(one.subject for one in sent) == [
        "Muara: box1@example.org: sign-in needed",
        "Muara: box2@example.org: sign-in needed",
    ]


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_was_away_gets_the_mail_later_and_once(
    smtp: Relay, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    owner = make_user("notices@example.org")
    refused(owner)
    notices.review(NOW)
    assert send_due(NOW + 2 * MINUTE) == 0
    assert send_due(NOW + 2 * MINUTE) == 0
    settings.EMAIL_PORT = smtp.port
    assert send_due(NOW + 4 * MINUTE) == 1
    assert send_due(NOW + 10 * MINUTE) == 0
    assert smtp.wait_for_mail(owner.email)["Subject"].startswith("Muara: box1@example.org")
    assert len(smtp.mail_for(owner.email)) == 1


@DB
def test_without_a_mail_server_the_mail_lies_in_the_outbox(
    settings: Settings, tmp_path: Path
) -> None:
    settings.EMAIL_BACKEND = "aggregator.outbox.OutboxBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    refused(make_user())
    notices.review(NOW)
    assert send_due(NOW + 2 * MINUTE) == 1
    assert "sign-in needed" in next(tmp_path.iterdir()).read_text()


@DB
def test_a_mail_says_nothing_twice() -> None:
    owner = make_user()
    refused(owner)
    full = {"last_code": "quota.full", "last_facts": {"needs": 10**15}}
    make_account(owner, address="full@example.org", **full)
    mails_at(NOW)
    (sent,) = mails_at(NOW + 2 * MINUTE)
    for words in ("mail was lost", "storage is full", "sign-in needed"):
        assert str(sent.body).lower().count(words) == 1, words
    assert "See your storage: http://localhost:8000/settings/storage/" in sent.body


@DB
@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize("code", sorted(TROUBLES))
def test_every_trouble_can_be_mailed(code: str, language: str) -> None:
    refused(make_user(language=language), last_code=code, last_facts={})
    mails_at(NOW)
    (sent,) = mails_at(NOW + 2 * MINUTE)
    assert "{" not in sent.message().as_string()
