"""Which addresses a connection may lead to, decided by whoever runs the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Guard:
    """The operator's exceptions to "public addresses only".

    ``allow_networks`` are private networks that mail hosts may resolve to. ``connect_to`` maps a
    (host, port) pair to the one really dialled, like curl's option of that name: the port rule and
    the certificate's name stay those of the first pair. ``nameserver`` is asked for MX, SRV and TXT
    instead of the system's own: its address and port.
    """

    allow_networks: tuple[Network, ...] = ()
    connect_to: Mapping[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    nameserver: tuple[str, int] | None = None
