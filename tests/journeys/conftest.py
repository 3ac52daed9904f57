"""The site that browser tests look at: in this process, on localhost, with its static files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from pytest_django import live_server_helper

from tests.servers.dovecot import Dovecot
from tests.servers.names import run_names
from tests.servers.shapes import Program, embedded

NOBODY = (
    *("autoconfig.example.org:443", "example.org:443", "mail.example.org:995"),
    *("mail.example.org:993", "smtp.example.org:465"),
    *("smtp.example.org:587", "mail.example.org:465", "mail.example.org:587"),
)


@pytest.fixture(scope="session")
def static_files(django_test_environment: None) -> None:
    """Collect the static files, as an image does."""
    call_command("collectstatic", interactive=False, verbosity=0)


class Pending:
    """Counts the requests that the site in this process has not answered to the end."""

    def __init__(self) -> None:
        self.number = 0
        self.changed = threading.Condition()

    def _count(self, sender: type | None, step: int) -> None:
        if sender and issubclass(sender, WSGIHandler):  # Not the test's own client.
            with self.changed:
                self.number += step
                self.changed.notify_all()

    def begun(self, sender: type | None, **_: Any) -> None:
        """Take down that a request begins."""
        self._count(sender, 1)

    def ended(self, sender: type | None, **_: Any) -> None:
        """Take down that a response is closed."""
        self._count(sender, -1)

    def wait(self) -> None:
        """Wait until nothing is under way; what its browser has left may never end."""
        with self.changed:
            self.changed.wait_for(lambda: self.number <= 0, timeout=5)


@pytest.fixture
def site(static_files: None, live_server: live_server_helper.LiveServer) -> Iterator[str]:
    """Lend the address of the site; what it counted for its limits is forgotten.

    On SQLite it shares the connection of this process: what a closed page has asked for ends
    before the next test begins, lest one commits or takes back what the other writes.
    """
    pending = Pending()
    request_started.connect(pending.begun)
    request_finished.connect(pending.ended)
    cache.clear()
    yield live_server.url
    pending.wait()
    request_started.disconnect(pending.begun)
    request_finished.disconnect(pending.ended)
    cache.clear()


@pytest.fixture(scope="package")
def household(dovecot: Dovecot, authority_file: str) -> Iterator[Program]:
    """Lend the whole program in its embedded shape; each file of tests brings people of its own.

    Of the domain example.org it finds Dovecot's names and nothing else; nobody outside is asked.
    """
    with run_names() as names:
        ways = [dovecot.connect_to, *(f"{place}=127.0.0.1:9" for place in NOBODY)]
        extra = {"MUARA_CONNECT_TO": ",".join(ways), "SSL_CERT_FILE": authority_file}
        with embedded(extra | {"MUARA_NAMESERVER": names.address}) as program:
            yield program
