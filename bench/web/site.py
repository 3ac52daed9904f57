"""A filled store, served as ``manage.py serve`` does, and who reads in it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.muara import MANAGE, environment
from bench.trips import ROOT, run
from bench.world import say
from tests.servers.processes import free_port, running, wait_for

KEPT = ROOT / "var" / "bench" / "web"
FILLED_BY = [*(ROOT / "bench" / "web").glob("[fl]*.py"), *(ROOT / "mailstore").rglob("*.py")]


@dataclass(frozen=True)
class Site:
    """A served store: its address, the reader's session and what is known of its mail."""

    url: str
    environment: Mapping[str, str]
    facts: Mapping[str, Any]

    @property
    def cookie(self) -> dict[str, Any]:
        """Return the session as a browser's cookie."""
        return {"name": "muara_session", "value": self.facts["session"], "url": self.url}


def filled(count: int, size: int, times: int, database_url: str = "") -> Mapping[str, Any]:
    """Return what is known of a filled store, made now unless the same program made it before."""
    name = "postgresql" if database_url else "sqlite"
    folder = KEPT / f"{name}-{count * times}"
    stamp = folder / "facts.json"
    made_by = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(FILLED_BY))).hexdigest()
    with suppress(OSError, ValueError):
        facts: dict[str, Any] = json.loads(stamp.read_text())
        if facts["made_by"] == made_by and not database_url:
            return facts
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    where = environment(folder / "data", database_url)
    say(f"Filling {count * times:,} messages into {name} ...")
    run([*MANAGE, "migrate", "--verbosity", "0"], where)
    words = [str(count), str(size), str(times)]
    facts = json.loads(run([sys.executable, "-m", "bench.web.fill", *words], where).said)
    facts |= {"made_by": made_by, "folder": str(folder / "data"), "count": count * times}
    stamp.write_text(json.dumps(facts))
    return facts


@contextmanager
def served(facts: Mapping[str, Any], database_url: str = "", **more: str) -> Iterator[Site]:
    """Serve a store until the block ends."""
    port = free_port()
    url = f"http://localhost:{port}"
    given = {"MUARA_PORT": str(port), "MUARA_URL": url, **more}
    where = environment(Path(facts["folder"]), database_url) | given
    log = KEPT / "serve.log"
    with running([*MANAGE, "serve"], log=log, environment=os.environ | where, cwd=ROOT) as process:
        wait_for(lambda: _is_up(url), what="serve", log=log, process=process, seconds=120)
        yield Site(url, where, facts)


def _is_up(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
        return bool(answer.status == 200)
    return False
