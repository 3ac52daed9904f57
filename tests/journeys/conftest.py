"""The site that browser tests look at: in this process, on localhost, with its static files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.core.management import call_command
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


@pytest.fixture
def site(static_files: None, live_server: live_server_helper.LiveServer) -> Iterator[str]:
    """Lend the address of the site; what it counted for its limits is forgotten."""
    cache.clear()
    yield live_server.url
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
