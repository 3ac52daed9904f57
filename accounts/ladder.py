"""What the page of a server test shows: its rungs, and the settings, less the password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import IncomingServer, Probe
from accounts.models.probe import ProbeState, Step
from wire.endpoint import Security

OK, TRYING, FAILED, AHEAD = "ok", "trying", "failed", "ahead"
MARKS: dict[str, str | Promise] = {
    OK: _("OK"),
    TRYING: _("Trying"),
    FAILED: _("Failed"),
    AHEAD: _("Not yet"),
}


# With STARTTLS the server greets in clear first; without encryption there is no certificate.
ORDER: dict[Security, list[Step]] = {
    Security.TLS: list(Step),
    Security.STARTTLS: [
        *(Step.RESOLVE, Step.CONNECT, Step.GREETING, Step.TLS, Step.SIGN_IN, Step.LIST)
    ],
    Security.PLAIN: [step for step in Step if step is not Step.TLS],
}


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a test; ``mark`` is "ok", "trying", "failed" or "ahead"."""

    name: str | Promise
    mark: str

    @property
    def word(self) -> str | Promise:
        """Name the mark."""
        return MARKS[self.mark]


def rungs(probe: Probe) -> list[Rung]:
    """Return the steps of a test in order, each with how far it has come."""
    steps = ORDER[Security(probe.security)]
    reached = steps.index(Step(probe.step)) if probe.step in steps else -1
    return [Rung(step.label, _mark(probe, place, reached)) for place, step in enumerate(steps)]


def _mark(probe: Probe, place: int, reached: int) -> str:
    if probe.state == ProbeState.PASSED or place < reached:
        return OK
    if place == reached:
        return FAILED if probe.state == ProbeState.FAILED else TRYING
    return AHEAD


def connection_of(source: Probe | IncomingServer) -> dict[str, Any]:
    """Return the values of the connection form, except the password."""
    return {
        "host": source.host,
        "security": source.security,
        "port": source.port,
        "username": source.username,
    }
