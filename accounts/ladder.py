"""What the page of a server test shows: its rungs, and the settings, less the password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import quotas
from accounts.models import IncomingServer, OutgoingServer, Probe
from accounts.models.probe import ProbeKind, ProbeState, Step
from wire.endpoint import Security

OK, TRYING, FAILED, AHEAD = "ok", "trying", "failed", "ahead"
MARKS: dict[str, str | Promise] = {
    OK: _("OK"),
    TRYING: _("Trying"),
    FAILED: _("Failed"),
    AHEAD: _("Not yet"),
}

# With STARTTLS the server greets in clear first; without encryption there is no certificate.
MEETING: dict[Security, tuple[str, ...]] = {
    Security.TLS: ("resolve", "connect", "tls", "greeting"),
    Security.STARTTLS: ("resolve", "connect", "greeting", "tls"),
    Security.PLAIN: ("resolve", "connect", "greeting"),
}


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a test; ``mark`` is "ok", "trying", "failed" or "ahead".

    ``milliseconds`` is None for a step that was not taken; ``found`` says what came of it.
    """

    name: str | Promise
    mark: str
    milliseconds: int | None = None
    found: str = ""

    @property
    def word(self) -> str | Promise:
        """Name the mark."""
        return MARKS[self.mark]


def rungs(probe: Probe) -> list[Rung]:
    """Return the steps of a test in order, each with how far it has come."""
    steps = _steps(probe)
    reached = steps.index(Step(probe.step)) if probe.step in steps else -1
    shown = []
    for place, step in enumerate(steps):
        mark = _mark(probe, place, reached)
        found = _found(probe, step) if mark == OK else ""
        shown.append(Rung(step.label, mark, probe.timings.get(step), found))
    return shown


def _steps(probe: Probe) -> Sequence[Step]:
    if probe.kind == ProbeKind.SENDING:
        return _outgoing(Security(probe.security))
    incoming = [*MEETING[Security(probe.security)], Step.SIGN_IN, Step.ABILITIES, Step.LIST]
    steps = [Step(name) for name in incoming]
    if probe.kind == ProbeKind.DOCTOR:
        server = OutgoingServer.objects.filter(account=probe.account_id).first()
        steps += _outgoing(Security(server.security)) if server else []
    return steps


def _outgoing(security: Security) -> list[Step]:
    return [Step(f"out_{name}") for name in (*MEETING[security], "sign_in", "sender")]


def _mark(probe: Probe, place: int, reached: int) -> str:
    if probe.state == ProbeState.PASSED or place < reached:
        return OK
    if place == reached:
        return FAILED if probe.state == ProbeState.FAILED else TRYING
    return AHEAD


def _found(probe: Probe, step: Step) -> str:
    """Say what came of a step, where that is more than that it went well."""
    match step:
        case Step.CONNECT:
            return f"{probe.host}:{probe.port}"
        case Step.ABILITIES:
            return ", ".join(probe.facts.get("abilities", ()))
        case Step.LIST if "messages" in probe.facts:
            return count_words(probe)
        case Step.OUT_SENDER:
            return probe.address
        case _:
            return ""


def count_words(probe: Probe) -> str:
    """Say how much mail a passed test has found, and how much room there is here."""
    count = probe.facts["messages"]
    words = ngettext(
        "%(count)s message, about %(size)s; you have %(room)s free",
        "%(count)s messages, about %(size)s; you have %(room)s free",
        count,
    )
    room = filesizeformat(quotas.room_left(probe.owner_id))
    size = filesizeformat(probe.facts["octets"])
    return words % {"count": intcomma(count), "size": size, "room": room}


def remarks(probe: Probe) -> list[str]:
    """Return what is worth knowing of a server that passed all the same."""
    if not probe.facts.get("no_uidl"):
        return []
    return [
        gettext(
            "This server gives its messages no lasting names (UIDL). "
            "They are recognised by their headers instead, which takes longer at each check."
        )
    ]


def other_usernames(probe: Probe) -> list[str]:
    """Return the other forms of a user name that a server may want after it refused this one."""
    if probe.kind != ProbeKind.SETTINGS or probe.code != "auth.failed":
        return []
    local, _at, domain = probe.address.partition("@")
    forms = [probe.address, local, f"{domain}\\{local}"]
    return [form for form in forms if form.lower() != probe.username.lower()]


def connection_of(source: Probe | IncomingServer | OutgoingServer) -> dict[str, Any]:
    """Return the values of the connection form, except the password."""
    return {
        "host": source.host,
        "security": source.security,
        "port": source.port,
        "username": source.username,
    }
