"""What a visit has to say beside its outcome: what was left at the provider, and what was known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import ngettext


def _waiting(count: int) -> str:
    return ngettext(
        "%(count)s message waits at the provider.",
        "%(count)s messages wait at the provider.",
        count,
    )


def _too_large(count: int) -> str:
    return ngettext(
        "%(count)s message is larger than allowed here and is left at the provider.",
        "%(count)s messages are larger than allowed here and are left at the provider.",
        count,
    )


def _set_aside(count: int) -> str:
    return ngettext(
        "%(count)s message could not be fetched in several visits; it is tried once a day.",
        "%(count)s messages could not be fetched in several visits; they are tried once a day.",
        count,
    )


def _skipped(count: int) -> str:
    return ngettext(
        "%(count)s message could not be fetched this time.",
        "%(count)s messages could not be fetched this time.",
        count,
    )


def _recognised(count: int) -> str:
    return ngettext(
        "%(count)s message had a new id at the provider; it was recognised and not fetched again.",
        "%(count)s messages had new ids at the provider; "
        "they were recognised and not fetched again.",
        count,
    )


WORDS: Final[dict[str, Callable[[int], str]]] = {
    "waiting": _waiting,
    "too_large": _too_large,
    "set_aside": _set_aside,
    "skipped": _skipped,
    "recognised": _recognised,
}


def remarks(facts: Mapping[str, Any]) -> list[str]:
    """Put the counts among the facts of a visit into sentences of the reader's language."""
    counts = {name: facts[name] for name in WORDS if isinstance(facts.get(name), int)}
    return [WORDS[name](n) % {"count": intcomma(n)} for name, n in counts.items() if n]
