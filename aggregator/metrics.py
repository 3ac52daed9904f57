"""The figures as Prometheus reads them, and as a page for administrators."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from accounts.models import State
from aggregator.figures import Figures, take_figures

BY_SERVER = ["host", "result"]


class FiguresCollector(Collector):
    """Figures read from the database when they are asked for."""

    def collect(self) -> Iterator[Metric]:
        """Yield every figure with its labels."""
        figures = take_figures(timezone.now())
        yield from _gauges(figures)
        yield _accounts(figures)
        yield from _traffic(figures)


def _gauges(figures: Figures) -> Iterator[Metric]:
    for name, words, value in (
        ("due_accounts", "Accounts that wait for a visit, counted up to 10000", figures.due),
        ("due_lag_seconds", "Delay of the most overdue visit", figures.due_lag_seconds),
        ("open_runs", "Visits under way", figures.open_runs),
        ("polls_per_second", "Visits a second over the last hour", figures.polls_per_second),
        ("notices_unsent", "Notices whose mail has not been sent", figures.notices_unsent),
    ):
        yield GaugeMetricFamily(f"muara_{name}", words, value)


def _accounts(figures: Figures) -> Metric:
    words = "Accounts by state and the code of their trouble"
    accounts = GaugeMetricFamily("muara_accounts", words, labels=["state", "code"])
    for (state, code), count in sorted(figures.accounts.items()):
        accounts.add_metric([state, code], count)
    return accounts


def _traffic(figures: Figures) -> Iterator[Metric]:
    """Yield counters that begin anew each hour, which rate() and increase() allow for."""
    for name, words in (
        ("visits", "Visits"),
        ("messages", "Messages stored by visits"),
        ("octets", "Octets of messages stored by visits"),
    ):
        counter = CounterMetricFamily(
            f"muara_{name}", f"{words} since the hour began (UTC)", labels=BY_SERVER
        )
        for traffic in figures.traffic:
            counter.add_metric([traffic.host, traffic.result], getattr(traffic, name))
        yield counter


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer Prometheus, and only from ``MUARA_METRICS_NETWORKS``; nothing is here for others."""
    client = ip_address(request.META["REMOTE_ADDR"])
    if not any(client in network for network in settings.METRICS_NETWORKS):
        raise Http404
    registry = CollectorRegistry()
    registry.register(FiguresCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def figures(request: HttpRequest) -> HttpResponse:
    """Show an administrator how the instance fares; nothing of what people receive."""
    taken = take_figures(timezone.now())
    accounts = [
        {"state": state, "word": State(state).label, "code": code, "count": count}
        for (state, code), count in sorted(taken.accounts.items())
        if count
    ]
    context = admin.site.each_context(request) | {"figures": taken, "accounts": accounts}
    return render(request, "admin/figures.html", context)
