"""Whether this machine can listen at an address: asked before a server is made to."""

from __future__ import annotations

import socket


def try_to_listen(host: str, port: int) -> None:
    """Take every address that a name stands for and let go of it again; nothing listens meanwhile.

    Raise OSError as it comes: ``socket.gaierror`` for a name that leads nowhere, EADDRINUSE where
    another program listens, EADDRNOTAVAIL for an address of another machine.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
