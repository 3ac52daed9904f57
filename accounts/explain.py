"""Error codes as words for people: what happened, whose side it is on, what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from string import Formatter
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.troubles import (
    CHECKLIST,
    MENDING,
    OURS,
    PROVIDER,
    STEPS,
    TROUBLES,
    YOURS,
    Step,
    Words,
)
from wire.endpoint import STANDARD_PORTS

UNKNOWN = "server.ours"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Words in the reader's language; ``side`` is "yours", "provider" or "ours".

    There is a help page for every ``code``.
    """

    title: str
    advice: str
    side: str
    step: Step
    hints: tuple[str, ...] = ()
    code: str = UNKNOWN

    @property
    def side_words(self) -> Words:
        """Say on whose side the trouble lies."""
        return SIDES[self.side]

    @property
    def checklist(self) -> tuple[Words, ...]:
        """Return the questions that help with any trouble at a server, and with no other."""
        return () if self.step == Step.ROOM else CHECKLIST

    @property
    def step_words(self) -> Words:
        """Name the button of the one next step."""
        return STEPS[self.step]


SIDES: dict[str, Words] = {
    YOURS: _("Something to check on your side"),
    PROVIDER: _("On your mail provider's side"),
    OURS: _("On our side"),
}


def explain_stopped(code: str, facts: Mapping[str, Any]) -> Explanation:
    """Explain why an account is not fetched at all, which only a passed test ends.

    A password that worked once and is refused now has changed.
    """
    words = explain("auth.changed" if code == "auth.failed" else code, facts)
    return words if words.step in MENDING else replace(words, step=Step.SERVER)


def explain_once(code: str, facts: Mapping[str, Any]) -> Explanation:
    """Explain what nobody tries again but the reader: a test, or a sign-in at a provider."""
    words, trouble = explain(code, facts), TROUBLES.get(code)
    return replace(words, advice=str(trouble.once)) if trouble and trouble.once else words


def explain(code: str, facts: Mapping[str, Any]) -> Explanation:
    """Put a code and its facts into words of the reader's language.

    A code without words counts as trouble on our side, so that no page ever stays silent.
    """
    trouble = TROUBLES.get(code) or TROUBLES[UNKNOWN]
    known = _Facts({name: _shown(name, value) for name, value in facts.items()})
    known.setdefault("other_port", OTHER_PORT.get(facts.get("port"), "995"))
    known.setdefault("protocol", PROTOCOLS.get(facts.get("port"), "POP3"))
    return Explanation(
        title=_told(trouble.title, trouble.bare_title, known),
        advice=_told(trouble.advice, trouble.bare_advice, known),
        side=trouble.side,
        step=trouble.step,
        hints=tuple(str(hint).format_map(known) for hint in trouble.hints),
        code=code if code in TROUBLES else UNKNOWN,
    )


def _told(words: Words, bare: Words, known: _Facts) -> str:
    """Fill the facts in, or say it in the words for where one is missing."""
    text = str(words)
    named = {name for _text, name, _format, _kind in Formatter().parse(text) if name}
    is_bare = bare and not named <= known.keys()
    return (str(bare) if is_bare else text).format_map(known)


OTHER_PORT: dict[Any, str] = {
    110: "995",
    995: "110",
    143: "993",
    993: "143",
    465: "587",
    587: "465",
}
PROTOCOLS: dict[Any, str] = {
    port: protocol.value.upper() for (protocol, _security), port in STANDARD_PORTS.items()
}
MISSING: dict[str, Words] = {
    "host": _("The server"),
    "address": _("this address"),
    "name": _("another name"),
    "date": _("an unknown day"),
    "until": _("later"),
    "provider": _("your provider"),
    "protocol": "POP3",
    "tls": "995",
    "starttls": "110",
}


class _Facts(dict[str, str]):
    """Facts that say something sensible where one is missing."""

    def __missing__(self, name: str) -> str:
        return str(MISSING.get(name, "…"))


RULES: dict[str, Words] = {"plan": _("plan"), "policy": _("policy")}


def _shown(name: str, value: object) -> str:
    if name == "by":
        return str(RULES.get(str(value), value))
    if name == "minutes" and isinstance(value, int):
        words = ngettext("about %(count)d minute", "about %(count)d minutes", value)
        return words % {"count": value}
    if name in {"used", "allowed"} and isinstance(value, int):
        return filesizeformat(value)
    if name == "date" and (moment := _moment(value)):
        return date_format(moment, "DATE_FORMAT")
    if name == "until" and (moment := _moment(value)):
        return date_format(localtime(moment), "H:i")
    return str(value)


def _moment(value: object) -> Any:
    try:
        return parse_datetime(str(value))
    except ValueError:
        return None
