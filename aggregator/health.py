"""Whether the program is well, for load balancers and for whoever runs it."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import Error, connection
from django.db.models import Max
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from fetcher.models import Heartbeat

HEARTBEAT_LIMIT = timedelta(seconds=60)


def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """Answer 200 when database, worker and broker are well, else 503, with a word for each."""
    states = parts()
    well = all(state == "ok" for state in states.values())
    return JsonResponse({"ok": well, **states}, status=200 if well else 503)


def parts() -> dict[str, str]:
    """Return a word for each part that the program needs: "ok", or how it is not."""
    return {"database": _database(), "worker": _worker(), "broker": _broker()}


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
