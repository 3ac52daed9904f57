"""What the server takes for a page, and the page for its rows, many times over."""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.trips import WentWrong
from bench.web.site import Site


@dataclass(frozen=True)
class Times:
    """Many times of one thing, in milliseconds, in the order in which they were taken."""

    each: Sequence[float]

    @property
    def p50(self) -> float:
        """Return the median."""
        return statistics.median(self.each)

    @property
    def p95(self) -> float:
        """Return what all but a twentieth stay below."""
        return sorted(self.each)[max(-(-len(self.each) * 95 // 100) - 1, 0)]

    def __str__(self) -> str:
        return f"p50 {self.p50:.0f}, p95 {self.p95:.0f} ms of {len(self.each)}"


def timed(do: Callable[[int], object], rounds: int, *, warm: int = 2) -> Times:
    """Do something so often; the first few times do not count."""
    each = []
    for number in range(rounds + warm):
        began = time.perf_counter()
        do(number)
        each.append((time.perf_counter() - began) * 1000)
    return Times(each[warm:])


def served(site: Site, paths: Sequence[str], rounds: int) -> Times:
    """Ask the server for pages in turn, as a signed-in browser does, over one connection."""
    where = urlsplit(site.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    cookie = f"{site.cookie['name']}={site.cookie['value']}"

    def ask(number: int) -> None:
        path = paths[number % len(paths)]
        connection.request("GET", path, headers={"Cookie": cookie, "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise WentWrong(f"{path} answered {answer.status}")

    try:
        return timed(ask, rounds)
    finally:
        connection.close()
