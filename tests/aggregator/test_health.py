"""What monitors are told, and who is told it."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from fetcher.models import Heartbeat
from tests.builders import make_account, make_user

pytestmark = pytest.mark.django_db


def test_a_living_worker_makes_the_whole_well(client: Client) -> None:
    Heartbeat.objects.create(worker="one", beat_at=timezone.now())
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"ok": True, "database": "ok", "worker": "ok", "broker": "ok"}


@pytest.mark.parametrize("minutes", [None, 2])
def test_a_worker_that_is_silent_or_was_never_seen_is_reported(
    client: Client, minutes: int | None
) -> None:
    if minutes:
        old = timezone.now() - timedelta(minutes=minutes)
        Heartbeat.objects.create(worker="one", beat_at=old)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["worker"] == ("silent" if minutes else "never seen")


def test_a_broker_out_of_reach_is_reported(client: Client, settings: Settings) -> None:
    settings.EMBEDDED = False
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    assert client.get("/healthz").json()["broker"] == "unreachable"


def test_metrics_do_not_exist_for_strangers(client: Client) -> None:
    assert client.get("/metrics").status_code == 404


def test_metrics_tell_a_configured_network_the_state_of_the_accounts(
    client: Client, settings: Settings
) -> None:
    settings.METRICS_NETWORKS = (ip_network("127.0.0.0/8"),)
    make_account(make_user(), next_fetch_at=timezone.now() - timedelta(minutes=3))
    text = client.get("/metrics").content.decode()
    assert 'muara_accounts{state="active"} 1.0' in text
    lag = next(line for line in text.splitlines() if line.startswith("muara_due_lag_seconds "))
    assert float(lag.split()[1]) >= 180
