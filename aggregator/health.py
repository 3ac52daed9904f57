"""Whether the program is well: for load balancers, for Prometheus, for whoever runs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address

from django.conf import settings
from django.db import Error, connection
from django.db.models import Count, Max, Min
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from accounts.models import ExternalAccount
from fetcher.models import FetchRun, Heartbeat
from mailstore.models import Message

HEARTBEAT_LIMIT = timedelta(seconds=60)


def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """Answer 200 when database, worker and broker are well, else 503, with a word for each."""
    parts = {"database": _database(), "worker": _worker(), "broker": _broker()}
    well = all(state == "ok" for state in parts.values())
    return JsonResponse({"ok": well, **parts}, status=200 if well else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return "unreachable"
    return "ok"


def _worker() -> str:
    try:
        beat = Heartbeat.objects.aggregate(last=Max("beat_at"))["last"]
    except Error:
        return "unknown"
    if beat is None:
        return "never seen"
    return "ok" if timezone.now() - beat < HEARTBEAT_LIMIT else "silent"


def _broker() -> str:
    if settings.EMBEDDED:
        return "ok"  # It lives inside the worker, whose heartbeat is checked.
    try:
        with Connection(settings.CELERY_BROKER_URL, connect_timeout=2) as broker:  # type: ignore[no-untyped-call]  # kombu ships no types
            broker.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError):
        return "unreachable"
    return "ok"


class StoreCollector(Collector):
    """Figures read from the database when they are asked for."""

    def collect(self) -> Iterator[Metric]:
        """Yield accounts by state, the delay of the most overdue one, open runs and messages."""
        accounts = GaugeMetricFamily("muara_accounts", "Mail accounts by state", labels=["state"])
        states = ExternalAccount.objects.values_list("state").annotate(Count("id")).order_by()
        for state, count in states:
            accounts.add_metric([state], count)
        yield accounts
        now = timezone.now()
        oldest = ExternalAccount.objects.due(now).aggregate(at=Min("next_fetch_at"))["at"]
        lag = (now - oldest).total_seconds() if oldest else 0
        yield GaugeMetricFamily("muara_due_lag_seconds", "Delay of the most overdue fetch", lag)
        open_runs = FetchRun.objects.filter(closed_at=None).count()
        yield GaugeMetricFamily("muara_open_runs", "Fetch runs under way", open_runs)
        yield GaugeMetricFamily("muara_messages", "Stored messages", Message.objects.count())


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer Prometheus, and only from ``MUARA_METRICS_NETWORKS``; nothing is here for others."""
    client = ip_address(request.META["REMOTE_ADDR"])
    if not any(client in network for network in settings.METRICS_NETWORKS):
        raise Http404
    registry = CollectorRegistry()
    registry.register(StoreCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
