"""The site that browser tests look at: in this process, on localhost, with its static files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.core.management import call_command
from pytest_django import live_server_helper

from tests.servers.dovecot import Dovecot
from tests.servers.shapes import Program, embedded


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
    """Lend the whole program in its embedded shape; each file of tests brings people of its own."""
    extra = {"MUARA_CONNECT_TO": dovecot.connect_to, "SSL_CERT_FILE": authority_file}
    with embedded(extra) as program:
        yield program
