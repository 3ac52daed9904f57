"""What monitors are told, and who is told it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from aggregator import healthcheck
from fetcher.models import Heartbeat

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


OUTAGE = """
import django; django.setup()
from django.test import Client
print(Client(headers={"host": "localhost"}).get("/healthz").json())
"""


def test_a_database_out_of_reach_is_named(tmp_path: Path) -> None:
    variables = {
        "MUARA_DATABASE_URL": "postgres://muara@127.0.0.1:1/muara",
        "MUARA_DATA": str(tmp_path),
        "MUARA_ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "aggregator.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", OUTAGE],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "'database': 'unreachable', 'worker': 'unknown', 'broker': 'ok'" in done.stdout
    assert "Traceback" not in done.stderr


def test_an_unwell_answer_is_no_error_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.get("/healthz").status_code == 503
    assert not caplog.records


def test_a_name_that_is_not_ours_is_logged_without_a_traceback(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.get("/mail/", headers={"host": "evil.example"}).status_code == 400
    told = [record for record in caplog.records if "Host" in record.name]
    assert ["MUARA_HOSTS" in record.getMessage() for record in told] == [True]
    assert all(record.exc_info is None and record.levelname == "WARNING" for record in told)
    assert "evil.example" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_the_health_check_of_the_image_says_which_part_is_missing(live_server: LiveServer) -> None:
    Heartbeat.objects.all().delete()
    with pytest.raises(SystemExit, match='"worker": "never seen"'):
        healthcheck.main(f"{live_server.url}/healthz")
    Heartbeat.objects.create(worker="one", beat_at=timezone.now())
    healthcheck.main(f"{live_server.url}/healthz")
    with pytest.raises(SystemExit, match="does not answer"):
        healthcheck.main("http://127.0.0.1:1/healthz")
