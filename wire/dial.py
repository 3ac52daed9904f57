"""Opens a TCP connection to a public address, looked up once and dialled as it was checked."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

import idna

from wire.addresses import is_allowed
from wire.deadline import Deadline
from wire.endpoint import Endpoint
from wire.errors import ConnectionFailed, HostNotAllowed
from wire.guard import Guard

Step = Callable[[str], None]
# Letters, digits, hyphens, and the underscores that some real names have (RFC 1123 section 2.1).
ASCII_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
LONGEST_NAME = 253
# All answers are checked; this many are tried, so that a long list cannot eat up the time.
ADDRESSES_TRIED = 6


class Answer(NamedTuple):
    """One address that a name leads to, in the form that ``socket.connect`` takes."""

    family: socket.AddressFamily
    address: tuple[Any, ...]


def ignore(step: str) -> None:
    """Take note of nothing."""


def dial(
    endpoint: Endpoint,
    *,
    guard: Guard,
    deadline: Deadline,
    seconds: float,
    on_step: Step = ignore,
) -> socket.socket:
    """Connect to the endpoint; looking up and connecting may take ``seconds`` each.

    Raise HostNotAllowed when any address of the name is not public: a name with mixed answers is
    refused as a whole. Raise ConnectionFailed when there is no such name or nobody answers.
    """
    on_step("resolve")
    deadline.allow(seconds)
    answers = _find(endpoint, guard, deadline)
    on_step("connect")
    deadline.allow(seconds)
    return _connect(answers[:ADDRESSES_TRIED], deadline)


def ascii_name(host: str) -> str:
    """Return the host as DNS and certificates write it: lower case, IDNA, no final dot.

    Raise ConnectionFailed for what is neither a name nor an address.
    """
    bare = host.removesuffix(".").lower()
    try:
        return str(ip_address(bare.removeprefix("[").removesuffix("]")))
    except ValueError:
        pass
    name = bare if bare.isascii() else _in_ascii(bare)
    if len(name) > LONGEST_NAME or not ASCII_NAME.fullmatch(name):
        raise ConnectionFailed("conn.dns")
    return name


def _in_ascii(bare: str) -> str:
    try:
        return idna.encode(bare, uts46=True).decode("ascii").removesuffix(".")
    except UnicodeError as error:  # IDNAError is one, and so is what a lone surrogate causes.
        raise ConnectionFailed("conn.dns") from error


def _find(endpoint: Endpoint, guard: Guard, deadline: Deadline) -> list[Answer]:
    name = ascii_name(endpoint.host)
    target = guard.connect_to.get((endpoint.host.lower(), endpoint.port))
    if target is not None:
        return _resolve(target, deadline)
    answers = _resolve((name, endpoint.port), deadline)
    if not all(is_allowed(answer.address[0], guard) for answer in answers):
        raise HostNotAllowed("conn.private")
    return answers


def _resolve(target: tuple[str, int], deadline: Deadline) -> list[Answer]:
    if _is_address(target[0]):
        return _looked_up(target)
    # The system's resolver knows no deadline of ours, hence the thread that may outlive us.
    box: SimpleQueue[list[Answer] | OSError] = SimpleQueue()
    Thread(target=_look_up, args=(target, box), daemon=True).start()
    try:
        found = box.get(timeout=deadline.left())
    except (Empty, TimeoutError) as error:
        raise ConnectionFailed("conn.timeout") from error
    if isinstance(found, OSError):
        raise ConnectionFailed("conn.dns") from found
    return found


def _look_up(target: tuple[str, int], box: SimpleQueue[list[Answer] | OSError]) -> None:
    try:
        box.put(_looked_up(target))
    except OSError as error:
        box.put(error)


def _looked_up(target: tuple[str, int]) -> list[Answer]:
    rows = socket.getaddrinfo(*target, type=socket.SOCK_STREAM)
    return [Answer(family, address) for family, _, _, _, address in rows]


def _is_address(name: str) -> bool:
    """Tell whether there is nothing to look up."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _connect(answers: list[Answer], deadline: Deadline) -> socket.socket:
    failure: OSError = ConnectionRefusedError()
    for untried in range(len(answers), 0, -1):
        try:
            # Each address gets its share, so that a dead first one leaves time for the second.
            return _connect_one(answers[-untried], deadline.left() / untried)
        except OSError as error:
            failure = error
    code = "conn.timeout" if isinstance(failure, TimeoutError) else "conn.refused"
    raise ConnectionFailed(code) from failure


def _connect_one(answer: Answer, seconds: float) -> socket.socket:
    connection = socket.socket(answer.family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect(answer.address)
        # Pipelined commands leave in small batches that must not wait for each other.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection
