"""The report on a test of a server, as text to send to a provider; nothing in it is secret."""

from __future__ import annotations

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.certificates import chain_of, rule_of
from accounts.explain import explain
from accounts.ladder import Rung, rungs
from accounts.models import Probe


def report_of(probe: Probe) -> str:
    """Write down server, steps, times and the reason; neither user name nor address."""
    when = date_format(timezone.localtime(probe.created_at), "DATETIME_FORMAT")
    lines = [
        _("Connection report by Muara"),
        f"{_('Date')}: {when}",
        f"{_('Server')}: {place_of(probe)}",
        "",
        *map(_line, rungs(probe)),
    ]
    return "\n".join([*lines, *_reason(probe), *_certificates(probe)])


def certificate_report_of(probe: Probe) -> str:
    """Write down what is wrong with a certificate, for whoever has to mend it."""
    server = f"{_('Server')}: {place_of(probe)}"
    return "\n".join([server, *_reason(probe)[:2], *_certificates(probe)])


def place_of(probe: Probe) -> str:
    """Name the server that a test was about, or at which it failed."""
    host, port = probe.facts.get("host", probe.host), probe.facts.get("port", probe.port)
    return f"{host}:{port} ({probe.get_protocol_display()}, {probe.get_security_display()})"


def _line(rung: Rung) -> str:
    took = "" if rung.milliseconds is None else f", {rung.milliseconds} ms"
    return f"{rung.name}: {rung.word}{took}"


def _reason(probe: Probe) -> list[str]:
    if not probe.code:
        return []
    title = explain(probe.code, probe.facts).title
    said = [f"{_('The server said')}: {probe.detail}"] if probe.detail else []
    return ["", f"{title} ({probe.code})", *said]


def _certificates(probe: Probe) -> list[str]:
    rule = rule_of(probe)
    lines = ["", rule] if rule else []
    for shown in chain_of(probe):
        lines += ["", *shown.lines()]
    return lines
