"""Every kind of trouble by its code, in one table; each family of codes has a file of its own."""

from __future__ import annotations

from typing import Final

from accounts.troubles.connections import CONNECTIONS
from accounts.troubles.fetching import FETCHING
from accounts.troubles.identities import IDENTITIES
from accounts.troubles.kinds import (
    AT_CONNECTION,
    AT_ONCE,
    CHECKLIST,
    DAY,
    HOUR,
    MENDING,
    OURS,
    PROVIDER,
    STEPS,
    YOURS,
    Step,
    Trouble,
    Words,
)
from accounts.troubles.rules import RULES
from accounts.troubles.sign_in import SIGN_IN

__all__ = [
    "AT_CONNECTION",
    "AT_ONCE",
    "CHECKLIST",
    "DAY",
    "HOUR",
    "MENDING",
    "OURS",
    "PROVIDER",
    "STEPS",
    "TROUBLES",
    "YOURS",
    "Step",
    "Trouble",
    "Words",
]

TROUBLES: Final[dict[str, Trouble]] = {
    **CONNECTIONS,
    **SIGN_IN,
    **FETCHING,
    **RULES,
    **IDENTITIES,
}
