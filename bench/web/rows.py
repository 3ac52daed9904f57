"""The rows of the table: searches, pages in the browser, and pages beside first fetches."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from bench.muara import environment
from bench.report import Result
from bench.trips import WentWrong, run
from bench.web import goals, letters
from bench.web.pages import cold, opened, reader_at, rows_after, typed
from bench.web.searches import kinds
from bench.web.site import Site, served
from bench.web.timings import Times
from bench.web.timings import served as asked
from bench.world import run_world
from tests.servers.chromium import run_chromium

INBOX = "/mail/all/inbox/"
SEARCH = "/mail/search/"
SYNCED = 20_000
Facts = Mapping[str, Any]


def searches(facts: Facts, url: str, rounds: int, *, is_large: bool) -> list[Result]:
    """Measure S1, S4 and S5, or S2 in the large store."""
    where = environment(Path(facts["folder"]), url)
    said = run([sys.executable, "-m", "bench.web.searches", str(rounds * 3)], where).said
    times = {kind: Times(each) for kind, each in json.loads(said).items()}
    details = "; ".join(f"{kind}: {one}" for kind, one in times.items())
    # Finding nothing and two letters are told beside them; the goals name the others.
    named = [times[kind] for kind in ("word", "phrase", "prefix", "from:", "two operators")]
    common, share = times["common word"], facts["index"] / facts["texts"]
    if is_large:
        every = [*named, common]
        return [
            Result(goals.S2_50, max(one.p50 for one in every), details),
            Result(goals.S2_95, max(one.p95 for one in every), details),
        ]
    sizes = f"{facts['index'] / 1e6:.0f} MB for {facts['texts'] / 1e6:.0f} MB"
    return [
        Result(goals.S1_50, max(one.p50 for one in named), details),
        Result(goals.S1_95, max(one.p95 for one in named), details),
        Result(goals.S4_50, common.p50, details),
        Result(goals.S4_95, common.p95, details),
        Result(goals.S5, share, sizes),
    ]


def pages(facts: Facts, url: str, rounds: int) -> list[Result]:
    """Measure G1 to G7, G9, G10 and G13."""
    with run_chromium() as browser, served(facts, url) as site:
        first = _first_search(browser, site)
        results = [
            result
            for times, goal_pair in _of_lists(browser, site, rounds)
            for result in _pair(goal_pair, times)
        ]
        results += [*_search_pages(browser, site, rounds), first]
        results += [*_sizes(browser, site), *_arrivals(browser, site)]
    return sorted(results, key=lambda result: (len(result.goal.name), result.goal.name))


def while_syncing(facts: Facts, rounds: int) -> list[Result]:
    """Measure G12: the same lists and messages, quiet and beside three first fetches."""
    with run_chromium() as browser, run_world(1) as world:
        port = world.dovecot.ports["pop3s"]
        more = {
            "MUARA_CONNECT_TO": f"pop.example.org:995=127.0.0.1:{port}",
            "SSL_CERT_FILE": world.authority,
        }
        boxes = [world.boxes.small(SYNCED, f"sync{number}") for number in range(3)]
        with served(facts, "", **more) as site:
            quiet = [times for times, _ in _of_lists(browser, site, rounds)]
            with _fetching(site, [box.user for box in boxes]):
                busy = [times for times, _ in _of_lists(browser, site, rounds)]
    ratios = [late.p50 / early.p50 for early, late in zip(quiet, busy, strict=True)]
    pairs = zip(("G1", "G2", "G3", "G4"), quiet, busy, strict=True)
    details = "; ".join(f"{name}: {early} quiet, {late} beside" for name, early, late in pairs)
    return [Result(goals.G12, max(ratios), details)]


@contextmanager
def _fetching(site: Site, users: list[str]) -> Iterator[None]:
    """Let accounts of other people be fetched for the first time, all through the block."""
    words = json.dumps({user: user for user in users})
    where = dict(site.environment)
    run([sys.executable, "-m", "bench.people"], where, words=words)
    time.sleep(3)
    try:
        yield
        said = run([sys.executable, "-m", "bench.web.arrive", "left", *users], where).said
        if not json.loads(said)["running"]:
            raise WentWrong("the first fetches ended before the pages were measured")
    finally:
        run([sys.executable, "-m", "bench.web.arrive", "remove", *users], where)


def _of_lists(browser: Browser, site: Site, rounds: int) -> Iterator[tuple[Times, Any]]:
    """Measure lists and messages; yield their times with the goals for the middle and the tail."""
    yield asked(site, [INBOX], rounds), (goals.G1_50, goals.G1_95)
    deep = [f"{INBOX}?before={key}" for key in site.facts["keys"]]
    with reader_at(browser, site) as page:
        yield rows_after(page, site, [INBOX], rounds), (goals.G2_50, goals.G2_95)
        yield rows_after(page, site, deep, rounds), (goals.G3_50, goals.G3_95)
        html = f"{SEARCH}?q={letters.IN_HTML}"
        yield opened(page, site, html, rounds)[0], (goals.G4_50, goals.G4_95)


def _pair(pair: Any, times: Times) -> list[Result]:
    return [Result(pair[0], times.p50, str(times)), Result(pair[1], times.p95, str(times))]


def _first_search(browser: Browser, site: Site) -> Result:
    with reader_at(browser, site) as page:
        page.goto(f"{site.url}{INBOX}")
        page.goto(f"{site.url}{SEARCH}?q={letters.RARE}")
        page.wait_for_function("noted.rows > 0")
        return Result(goals.G5_FIRST, page.evaluate("noted.rows"))


def _search_pages(browser: Browser, site: Site, rounds: int) -> list[Result]:
    words = [word.strip() for word in kinds()["word"]]
    paths = [f"{SEARCH}?q={word}" for word in words]
    with reader_at(browser, site) as page:
        times = rows_after(page, site, paths, rounds)
        follow = typed(page, site, INBOX, [word[:4] for word in words])
    details = f"{times}; server {asked(site, paths, rounds)}; as typed {follow}"
    return [
        Result(goals.G5_50, times.p50, details),
        Result(goals.G5_95, times.p95, details),
    ]


def _sizes(browser: Browser, site: Site) -> list[Result]:
    noted, load = cold(browser, site, INBOX, 5)
    with reader_at(browser, site) as page:
        _, message = opened(page, site, f"{SEARCH}?q={letters.IN_HTML}", 10)
    rows = f"{noted['visible']:.0f} rows to be seen, the first after {noted['rows']:.0f} ms"
    return [
        Result(goals.G6_SIZE, load.octets / 1000),
        Result(goals.G6_COUNT, load.requests),
        Result(goals.G7_SIZE, load.script_octets / 1000),
        Result(goals.G7_LENGTH, load.script_length / 1000),
        Result(goals.G9_SIZE, message.octets / 5000),
        Result(goals.G9_COUNT, message.requests / 5),
        Result(goals.G10_LCP, noted["lcp"], rows),
        Result(goals.G10_BUSY, noted["long"]),
        Result(goals.G10_SHIFT, noted["shift"]),
    ]


def _arrivals(browser: Browser, site: Site) -> list[Result]:
    """Store new letters while somebody looks at the list; tell when their rows came."""
    each = []
    with reader_at(browser, site) as page:
        page.goto(site.url + INBOX)
        for number in range(5):
            subject = f"Baru {time.time_ns()} {number}"
            words = [sys.executable, "-m", "bench.web.arrive", "store", subject]
            stored = float(run(words, dict(site.environment)).said)
            page.get_by_text(subject).first.wait_for(timeout=30_000)
            each.append((time.time() - stored) * 1000)
    times = Times(each)
    return [Result(goals.G13, times.p95 / 1000, str(times))]
