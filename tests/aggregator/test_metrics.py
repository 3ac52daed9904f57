"""What monitors and administrators are told in numbers, who is told, and at what cost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from accounts import notices
from accounts.models import State
from aggregator.figures import HOSTS_SHOWN, take_figures
from fetcher.models import FetchRun, HourlyCount
from fetcher.tally import hour_of
from tests.builders import make_account, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def scraped(client: Client, settings: Settings) -> dict[tuple[str, ...], float]:
    """Return each figure by its name and the values of its labels, in their order."""
    settings.METRICS_NETWORKS = (ip_network("127.0.0.0/8"),)
    text = client.get("/metrics").content.decode()
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    return {(one.name, *dict(sorted(one.labels.items())).values()): one.value for one in samples}


def counted(now: datetime, host: str = "pop.example.org", code: str = "", visits: int = 1) -> None:
    HourlyCount.objects.create(
        hour=hour_of(now), host=host, code=code, visits=visits, messages=2, octets=300
    )


def test_metrics_do_not_exist_for_strangers(client: Client) -> None:
    assert client.get("/metrics").status_code == 404


def test_metrics_tell_how_late_visits_are(client: Client, settings: Settings) -> None:
    owner, now = make_user(), timezone.now()
    for minutes in (3, 1, -5):
        address = f"due{minutes}@example.org"
        make_account(owner, address=address, next_fetch_at=now - timedelta(minutes=minutes))
    figures = scraped(client, settings)
    assert 180 <= figures["muara_due_lag_seconds",] < 240
    assert figures["muara_due_accounts",] == 2


def test_metrics_count_accounts_by_state_and_trouble(client: Client, settings: Settings) -> None:
    owner = make_user()
    make_account(owner, address="a@example.org")
    make_account(owner, address="b@example.org")
    make_account(owner, address="c@example.org", last_code="conn.dns")
    make_account(owner, address="d@example.org", state=State.PAUSED)
    make_account(owner, address="e@example.org", state=State.NEEDS_SIGN_IN)
    notices.review(timezone.now())
    figures = scraped(client, settings)
    assert figures["muara_accounts", "", "active"] == 2
    assert figures["muara_accounts", "conn.dns", "active"] == 1
    assert figures["muara_accounts", "", "paused"] == 1
    assert figures["muara_notices_unsent",] == 1


def test_metrics_count_visits_messages_and_octets_by_server_and_result(
    client: Client, settings: Settings
) -> None:
    now = timezone.now()
    counted(now, visits=7)
    counted(now, code="conn.timeout", visits=2)
    counted(now - timedelta(hours=3), visits=100)
    FetchRun.objects.create(account=make_account(make_user()), opened_at=now, lease_until=now)
    figures = scraped(client, settings)
    assert figures["muara_visits_total", "pop.example.org", "ok"] == 7
    assert figures["muara_visits_total", "pop.example.org", "conn.timeout"] == 2
    assert figures["muara_messages_total", "pop.example.org", "ok"] == 2
    assert figures["muara_octets_total", "pop.example.org", "ok"] == 300
    assert figures["muara_open_runs",] == 1


def test_the_rate_looks_back_one_hour() -> None:
    counted(NOW, visits=900)
    counted(NOW - timedelta(hours=1), visits=1800)
    assert take_figures(NOW).polls_per_second == pytest.approx((900 + 1800 / 2) / 3600)


def test_servers_beyond_the_busiest_are_one() -> None:
    for number in range(HOSTS_SHOWN + 5):
        counted(NOW, host=f"pop{number}.example.org", visits=1 + number)
    traffic = take_figures(NOW).traffic
    assert len(traffic) == HOSTS_SHOWN + 1
    assert next(t.visits for t in traffic if t.host == "other") == 1 + 2 + 3 + 4 + 5


def test_a_look_costs_a_fixed_number_of_queries_and_counts_all_accounts_rarely() -> None:
    with CaptureQueriesContext(connection) as first:
        take_figures(NOW)
    for number in range(5):
        make_account(make_user(f"u{number}@example.org"), last_code="conn.dns")
    with CaptureQueriesContext(connection) as second:
        take_figures(NOW)
    assert len(second) == len(first) - 1


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("root@example.org", is_staff=True, is_superuser=True))
    return client


def _look(admin: Client, path: str) -> str:
    answer: Any = admin.get(path)
    assert answer.status_code == 200
    page: str = answer.content.decode()
    return page


def test_the_admin_shows_the_figures_and_leads_to_them(admin: Client) -> None:
    counted(timezone.now(), visits=1234)
    owner = make_user()
    make_account(owner, last_code="tls.expired")
    make_account(owner, address="well@example.org")
    assert reverse("figures") in _look(admin, "/admin/")
    page = _look(admin, reverse("figures"))
    assert "1,234" in page
    assert "code=tls.expired" in page
    chosen = "/admin/accounts/externalaccount/?state__exact=active&code=tls.expired"
    assert "well@example.org" not in _look(admin, chosen)


def test_the_figures_are_for_administrators(client: Client) -> None:
    client.force_login(make_user())
    assert client.get(reverse("figures")).status_code == 302


def test_lists_of_the_admin_are_to_look_at_and_hold_no_secret(admin: Client) -> None:
    secret = {"host": "pop.example.org", "detail": "what the server said"}
    account = make_account(
        make_user(), state=State.NEEDS_SIGN_IN, last_code="auth.failed", last_facts=secret
    )
    now = timezone.now()
    run = FetchRun.objects.create(
        account=account, opened_at=now, lease_until=now, closed_at=now, code="auth.failed"
    )
    FetchRun.objects.filter(pk=run.pk).update(facts=secret)
    notices.review(now)
    counted(now)
    for name in (
        *("accounts/externalaccount", "accounts/notice"),
        *("fetcher/fetchrun", "fetcher/hourlycount"),
    ):
        page = _look(admin, f"/admin/{name}/?code=auth.failed")
        # Accounts are prepared here for their owners; everything else comes about by itself.
        may_add = name == "accounts/externalaccount"
        assert ("Add " in page.partition('id="content-main"')[2]) is may_add
        assert "what the server said" not in page
    rows = (account, account.notice_set.get(), run, HourlyCount.objects.get())
    for row in rows:
        kind = f"{row._meta.app_label}_{row._meta.model_name}"
        page = _look(admin, reverse(f"admin:{kind}_change", args=[row.pk]))
        assert "what the server said" not in page
        assert 'name="_save"' not in page
