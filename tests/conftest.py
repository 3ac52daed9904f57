"""Fixtures that every test may use: the run's own certificate authority and real servers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest
import trustme
from hypothesis import settings
from playwright.sync_api import Browser

from tests.servers.chromium import run_chromium
from tests.servers.dovecot import Dovecot, run_dovecot
from tests.servers.oidc import Oidc, run_oidc
from tests.servers.postgres import Postgres, run_postgres
from tests.servers.processes import ServerMissing, running
from tests.servers.redis import Redis, run_redis
from tests.servers.smtp import Relay, Submission, run_relay, run_submission
from tests.sweeps import IS_WHOLE, RESULTS, SEED

Server = TypeVar("Server")
ROOT = Path(__file__).resolve().parent.parent
ON_POSTGRES = ["tests/accounts", "tests/fetcher", "tests/mailstore"]
# `make test` looks at samples, `make test-all` (--hypothesis-profile=whole) at many more.
settings.register_profile("sample", deadline=None)
settings.register_profile("whole", deadline=None, max_examples=3000)
settings.load_profile("sample")


def pytest_configure() -> None:
    """Let the servers that run as other users read what the tests write for them."""
    os.umask(0o022)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what uses the database, which is what PostgreSQL must show once more."""
    fixtures = getattr(item, "fixturenames", ())
    if item.get_closest_marker("django_db") or {"db", "transactional_db"} & {*fixtures}:
        item.add_marker("database")


def pytest_report_header() -> str:
    """Say how the samples of this run are drawn again."""
    return f"sweeps: MUARA_SEED={SEED}, {'whole' if IS_WHOLE else 'sampled; MUARA_SWEEP=whole'}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the sweeps found."""
    for sentence in RESULTS:
        terminalreporter.write_line(sentence)


def lend(server: AbstractContextManager[Server]) -> Iterator[Server]:
    """Lend a server to tests; where it is missing skip them, or fail with REQUIRE_SERVERS=1."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(server)
        except ServerMissing as missing:
            absent(str(missing))
        yield running


def absent(sentence: str) -> NoReturn:
    """Say why a test cannot run here."""
    if os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Make the one authority that signs the certificates of this run."""
    return trustme.CA()


@pytest.fixture(scope="session")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write the authority to a file, the value of SSL_CERT_FILE."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="session")
def dovecot(authority: trustme.CA) -> Iterator[Dovecot]:
    """Lend a real POP3 and IMAP server."""
    yield from lend(run_dovecot(authority))


@pytest.fixture(scope="session")
def oidc(authority: trustme.CA) -> Iterator[Oidc]:
    """Lend a real OAuth provider."""
    yield from lend(run_oidc(authority))


@pytest.fixture(scope="session")
def token_dovecot(authority: trustme.CA, oidc: Oidc) -> Iterator[Dovecot]:
    """Lend a mail server that shows every token to the real provider."""
    yield from lend(run_dovecot(authority, introspection=oidc.introspection))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Lend a real PostgreSQL."""
    yield from lend(run_postgres())


@dataclass(frozen=True)
class Repetition:
    """The tests that use the database, run once more on PostgreSQL; what they say is in ``log``."""

    process: subprocess.Popen[bytes]
    log: Path


@pytest.fixture(scope="session")
def repetition(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Repetition]:
    """Repeat on PostgreSQL what uses the database, beside everything else."""
    folder = tmp_path_factory.mktemp("on-postgres")
    settings = {
        "MUARA_DATABASE_URL": postgres.url("postgres"),
        "MUARA_DATA": str(folder),
        "MUARA_SEED": str(SEED),
    }
    words = ["-q", "-p", "no:cacheprovider", "-m", "database"]
    command = [sys.executable, "-m", "pytest", *words, *ON_POSTGRES]
    with running(
        command, log=folder / "log", environment=os.environ | settings, cwd=ROOT
    ) as process:
        yield Repetition(process, folder / "log")


@pytest.fixture(scope="session", autouse=True)
def _begin_early(request: pytest.FixtureRequest) -> None:
    """Begin what takes longest with the first test, if it is wanted; whoever asks for it waits."""
    if any("repetition" in getattr(x, "fixturenames", ()) for x in request.session.items):
        with suppress(pytest.skip.Exception, pytest.fail.Exception):
            request.getfixturevalue("repetition")


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    """Lend a real Redis."""
    yield from lend(run_redis())


@pytest.fixture(scope="session")
def smtp() -> Iterator[Relay]:
    """Lend a real SMTP server that keeps mail for everybody."""
    yield from lend(run_relay())


@pytest.fixture(scope="session")
def submission(authority: trustme.CA, token_dovecot: Dovecot) -> Iterator[Submission]:
    """Lend a real submission server; whom it lets in is judged by ``token_dovecot``."""
    yield from lend(run_submission(authority, token_dovecot.sasl_port))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Lend a real browser to the tests of one file.

    Its event loop lives in this thread, which Django would take for an asynchronous program.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield from lend(run_chromium())
