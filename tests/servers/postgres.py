"""A real PostgreSQL in a private folder, made for one test run and thrown away."""

from __future__ import annotations

import os
import pwd
import secrets
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from tests.servers.processes import (
    answers,
    free_port,
    private_folder,
    program,
    running,
    wait_for,
)

FOLDERS = [
    str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
]
# Nothing here outlives the run, so nothing waits for the disk.
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=64MB")


@dataclass(frozen=True)
class Postgres:
    """A running server; its one role may do everything."""

    port: int
    password: str = field(repr=False)

    def url(self, database: str) -> str:
        """Write the value of MUARA_DATABASE_URL for a database."""
        return f"postgres://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Make an empty database, in place of an older one of that name; return its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for verb in ("DROP DATABASE IF EXISTS {}", "CREATE DATABASE {}"):
                connection.execute(sql.SQL(verb).format(sql.Identifier(name)))
        return self.url(name)


def _user() -> str | None:
    """Name the server's own user where we are root, whom PostgreSQL refuses."""
    return "postgres" if os.getuid() == 0 else None


@contextmanager
def run_postgres(settings: Sequence[str] = FAST) -> Iterator[Postgres]:
    """Run a server on a loopback port of its own."""
    initdb, command = program("initdb", *FOLDERS), program("postgres", *FOLDERS)
    with private_folder("postgres") as folder:
        server = Postgres(free_port(), secrets.token_hex(16))
        _make_cluster(initdb, folder, server.password)
        where = ["-D", str(folder / "data"), "-p", str(server.port), "-k", "", "-h", "127.0.0.1"]
        log = folder / "log"
        with running(
            [command, *where, *(f"--{setting}" for setting in settings)],
            log=log,
            cwd=folder,
            user=_user(),
            end=signal.SIGINT,
        ) as process:
            wait_for(lambda: _serves(server), what="postgres", log=log, process=process)
            yield server


def _make_cluster(initdb: str, folder: Path, password: str) -> None:
    password_file = folder / "password"
    password_file.touch(0o600)
    password_file.write_text(password)
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        for path in (folder, password_file):
            os.chown(path, user.pw_uid, user.pw_gid)
    access = ["-A", "scram-sha-256", f"--pwfile={password_file}", "-U", "postgres"]
    words = ["--locale=C.UTF-8", "--encoding=UTF8", "--no-sync", "-D", str(folder / "data")]
    subprocess.run(
        [initdb, *access, *words],
        check=True,
        capture_output=True,
        cwd=folder,
        user=_user(),
        group=_user(),
    )


def _serves(server: Postgres) -> bool:
    if not answers(server.port):
        return False
    try:
        psycopg.connect(server.url("postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
