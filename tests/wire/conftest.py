"""What the tests of the wire share: the authority that is trusted, and short limits."""

from __future__ import annotations

import ssl

import pytest
import trustme
from hypothesis import settings

from tests.servers import certificates

# How long an example takes says nothing on a busy machine.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def trusted(authority_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the run's own authority beside the system's."""
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)


@pytest.fixture(scope="session")
def good(authority: trustme.CA) -> ssl.SSLContext:
    """Make the TLS context of a server that is what it claims to be."""
    return certificates.good(authority)
