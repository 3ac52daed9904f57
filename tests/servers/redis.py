"""A real Redis in a private folder, behind a password, keeping nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.processes import answers, free_port, private_folder, program, running, wait_for

SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
save ""
appendonly no
dir {folder}
"""


@dataclass(frozen=True)
class Redis:
    """A running server."""

    port: int
    folder: Path
    password: str = field(repr=False)

    def url(self, database: int = 0) -> str:
        """Write the value of MUARA_REDIS_URL for one of the sixteen databases."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"


@contextmanager
def run_redis() -> Iterator[Redis]:
    """Run a server on a loopback port of its own."""
    with private_folder("redis") as folder:
        server = Redis(free_port(), folder, secrets.token_hex(16))
        settings = folder / "redis.conf"
        settings.touch(0o600)
        settings.write_text(
            SETTINGS.format(port=server.port, password=server.password, folder=folder)
        )
        with serve(server):
            yield server


@contextmanager
def serve(server: Redis) -> Iterator[int]:
    """Run a server, also again after its process was killed; yield that process."""
    log = server.folder / "log"
    with running([program("redis-server"), server.folder / "redis.conf"], log=log) as process:
        wait_for(lambda: answers(server.port), what="redis", log=log, process=process)
        yield process.pid
