"""Grants as they are kept: sealed, exchanged with the keys, and told of before they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import credentials, grants, notices, vault
from accounts.grants import KeptGrant
from accounts.keycheck import keys_problem
from accounts.models import (
    Credential,
    ExternalAccount,
    Notice,
    OAuthApp,
    Purpose,
    State,
    Topic,
)
from accounts.notice_mails import send_due
from accounts.rotation import rotate
from tests.accounts.oauth import make_app
from tests.builders import make_account, make_user
from tests.servers.oidc import SECRET
from wire.login import TokenLogin
from wire.oauth import Grant

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
FOREVER = datetime(2090, 1, 1, tzinfo=UTC)
CANARY = "canary-access-token"


def granted(lapses_at: datetime | None = None, **fields: object) -> ExternalAccount:
    """Make an account that a provider lets in."""
    app = OAuthApp.objects.first() or make_app()
    account = make_account(make_user(), name="Work", **fields)
    kept = KeptGrant(app.pk, CANARY, "canary-refresh-token", FOREVER, lapses_at)
    credentials.keep_grant(account, Purpose.INCOMING, kept)
    return ExternalAccount.objects.get(pk=account.pk)


def test_a_grant_is_kept_sealed_and_in_no_other_place() -> None:
    account = granted()
    rows = [str(row) for table in (Credential, ExternalAccount) for row in table.objects.values()]
    assert "canary" not in "".join(rows)
    assert "canary" not in repr(grants._open(Credential.objects.get()))
    login = credentials.login_for(account, Purpose.INCOMING)
    assert isinstance(login, TokenLogin)
    assert login.token == CANARY
    assert "canary" not in repr(login)


def test_a_grant_opens_as_no_password_and_a_password_as_no_grant() -> None:
    granted()
    credential = Credential.objects.select_related("account").get()
    credential.app = None
    with pytest.raises(vault.SealBroken):
        vault.unseal(bytes(credential.sealed), belongs_to=credential.belongs_to)


def test_a_password_takes_the_place_of_a_grant() -> None:
    account = granted(lapses_at=NOW)
    credentials.keep_password(account, Purpose.INCOMING, "again a password")
    kept = Credential.objects.get()
    assert (kept.app, kept.expires_at, kept.lapses_at) == (None, None, None)


def test_keys_are_exchanged_for_grants_and_apps_too(settings: Settings) -> None:
    old, new = vault.read_keys([vault.new_key(), vault.new_key()])
    settings.MUARA_KEYS = (old,)
    account = granted()
    settings.MUARA_KEYS = (new, old)
    assert rotate(lost=False, now=NOW).resealed == 2
    settings.MUARA_KEYS = (new,)
    assert keys_problem() is None
    assert grants.provider_of(OAuthApp.objects.get()).secret == SECRET
    assert credentials.login_for(account, Purpose.INCOMING)


def test_a_lost_key_is_noticed_and_what_it_sealed_forgotten(settings: Settings) -> None:
    settings.MUARA_KEYS = vault.read_keys([vault.new_key()])
    granted()
    settings.MUARA_KEYS = vault.read_keys([vault.new_key()])
    assert keys_problem()
    assert rotate(lost=True, now=NOW).forgotten == 2
    assert OAuthApp.objects.get().sealed_secret is None
    assert ExternalAccount.objects.get().state == State.NEEDS_SIGN_IN
    assert keys_problem() is None


def lapsing() -> list[Notice]:
    return list(Notice.objects.filter(topic=Topic.LAPSING, closed_at=None))


@pytest.mark.parametrize("state", [State.ACTIVE, State.PAUSED])
@pytest.mark.parametrize("trouble", [{}, {"last_code": "conn.dns", "failing_since": NOW - 9 * DAY}])
def test_an_end_is_told_days_before_whatever_else_is_the_matter(
    state: State, trouble: dict[str, object]
) -> None:
    granted(lapses_at=NOW + 7 * DAY, **trouble)
    if state == State.PAUSED:
        ExternalAccount.objects.update(state=state, next_fetch_at=None)
    notices.review(NOW)
    assert lapsing() == []
    notices.review(NOW + 4 * DAY)
    notices.review(NOW + 5 * DAY)
    (notice,) = lapsing()
    assert notice.opened_at == NOW + 4 * DAY
    assert (NOW + 7 * DAY) - notice.opened_at > DAY
    assert notice.code == "auth.lapses"


def test_the_warning_is_mailed_once_names_the_day_and_leads_to_the_sign_in() -> None:
    account = granted(lapses_at=NOW + 7 * DAY)
    for minutes in range(5):
        now = NOW + 4 * DAY + minutes * MINUTE
        notices.review(now)
        send_due(now)
    (sent,) = mail.outbox
    assert sent.subject == "Muara: Work: sign in again soon"
    assert "Your sign-in at Contoh Mail ends on March 8, 2026." in sent.body
    assert reverse("account_authenticate", args=[account.public_id]) in sent.body


def test_a_new_sign_in_ends_the_warning() -> None:
    account = granted(lapses_at=NOW + DAY)
    notices.review(NOW)
    assert lapsing()
    kept = KeptGrant(OAuthApp.objects.get().pk, CANARY, "", FOREVER, NOW + 7 * DAY)
    credentials.keep_grant(account, Purpose.INCOMING, kept)
    notices.review(NOW)
    assert lapsing() == []


def test_the_first_known_end_counts() -> None:
    app = make_app(grant_days=7)
    told = Grant("a", "r", 3600, lapses=3 * 86400)
    assert grants.given(told, app, now=NOW).lapses_at == NOW + 3 * DAY
    app.grant_days = 1
    assert grants.given(told, app, now=NOW).lapses_at == NOW + DAY
    app.grant_days = None
    assert grants.given(Grant("a", "r", 3600), app, now=NOW).lapses_at is None


FORM = {
    "name": "Contoh Mail",
    "slug": "contoh",
    "is_enabled": "on",
    "dialect": "standard",
    "issuer": "https://login.example.org/common/v2.0",
    "client_id": "muara",
    "scopes": "mail",
    "extra": "{}",
    "servers": "pop.example.org",
    "allow_page": "on",
}


@pytest.fixture
def office(client: Client) -> Client:
    client.force_login(make_user("root@example.org", is_staff=True, is_superuser=True))
    return client


def test_an_administrator_sets_an_app_up_whose_secret_is_never_shown(office: Client) -> None:
    assert admin.site.is_registered(OAuthApp)
    place = reverse("admin:accounts_oauthapp_add")
    assert office.post(place, FORM | {"secret": "canary-secret"}).status_code == 302
    app = OAuthApp.objects.get()
    assert grants.provider_of(app).secret == "canary-secret"
    change = reverse("admin:accounts_oauthapp_change", args=[app.pk])
    page = office.get(change).content.decode()
    assert "http://localhost:8000/oauth/contoh/callback" in page
    assert "canary-secret" not in page
    assert office.post(change, FORM | {"client_id": "other"}).status_code == 302
    app.refresh_from_db()
    assert grants.provider_of(app).secret == "canary-secret", "left empty, it is kept"
    assert app.client_id == "other"
    assert b"canary" not in bytes(app.sealed_secret or b"")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("issuer", "http://login.example.org"), ("issuer", ""), ("servers", "pop_example")),
        *(("extra", '{"a": 1}'), ("extra", "[]"), ("grant_days", "0"), ("slug", "a b")),
    ],
)
def test_what_cannot_work_is_refused(office: Client, field: str, value: str) -> None:
    answer = office.post(reverse("admin:accounts_oauthapp_add"), FORM | {field: value})
    assert answer.status_code == 200
    assert not OAuthApp.objects.exists()


def test_an_app_in_use_is_not_deleted(office: Client) -> None:
    granted()
    app = OAuthApp.objects.get()
    office.post(reverse("admin:accounts_oauthapp_delete", args=[app.pk]), {"post": "yes"})
    assert OAuthApp.objects.exists()
