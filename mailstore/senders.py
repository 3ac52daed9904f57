"""Whether a sender's name can be believed: a name may be another address, put there to deceive."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*")


def is_disguised(name: str, address: str) -> bool:
    """Tell whether a display name holds an address that is not the sender's own."""
    return any(found.lower() != address.lower() for found in _ADDRESS.findall(name))
