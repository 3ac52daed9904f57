"""The page for an outgoing server: tested on save at 465 and 587, with either credentials."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import timedelta

import pytest
import trustme
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.identities import IdentityNotVerified, headers_for
from accounts.models import (
    Credential,
    ExternalAccount,
    Identity,
    OutgoingServer,
    Probe,
    Purpose,
    User,
    VerificationCode,
)
from accounts.models.probe import ProbeState
from accounts.probe_runs import run_waiting_probes
from tests.builders import make_account, make_user
from tests.servers import certificates
from tests.servers.scripted_smtp import SmtpServer
from wire.endpoint import Security
from wire.guard import Guard

SECRET, OTHER = "s3cret-canary", "another-canary"
DB = pytest.mark.django_db


@pytest.fixture
def account(client: Client) -> ExternalAccount:
    """Give a person, signed in, an account that sends nothing yet."""
    owner: User = make_user()
    client.force_login(owner)
    account = make_account(owner, address="siti@kantor.example", password=SECRET)
    Identity.objects.create(owner=owner, account=account, address=account.address, is_default=True)
    return account


@pytest.fixture
def trusted(
    authority_file: str, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext:
    """Trust the authority of this run, and return what a good server shows."""
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    return certificates.good(authority)


def server_of(
    context: ssl.SSLContext, settings: Settings, security: Security, secret: str
) -> Iterator[SmtpServer]:
    """Run a submission server that knows one person, under the name that its certificate has."""
    with SmtpServer(context=context, security=security) as server:
        server.secret = "siti@kantor.example", secret
        settings.GUARD = Guard(connect_to=server.guard.connect_to)
        yield server


@pytest.fixture(params=[Security.TLS, Security.STARTTLS])
def server(
    trusted: ssl.SSLContext, settings: Settings, request: pytest.FixtureRequest
) -> Iterator[SmtpServer]:
    """Run the server in each encryption, with the incoming password."""
    yield from server_of(trusted, settings, request.param, SECRET)


@pytest.fixture
def strict(trusted: ssl.SSLContext, settings: Settings) -> Iterator[SmtpServer]:
    """Run one that has a password of its own."""
    yield from server_of(trusted, settings, Security.TLS, OTHER)


def typed(security: Security, **more: str) -> dict[str, str]:
    """Return what a person types."""
    server = {"host": certificates.HOST, "security": security.value}
    return {"use_smtp": "on", "authentication": "same", **server, **more}


def save(client: Client, account: ExternalAccount, values: dict[str, str]) -> Probe | None:
    """Post the form and let a worker test; return the test."""
    answer = client.post(f"/settings/mail-accounts/{account.public_id}/outgoing/", values)
    assert answer.status_code in {302, 422}
    run_waiting_probes(timezone.now())
    return Probe.objects.order_by("id").last()


@DB
def test_the_incoming_credentials_send_too_and_prove_the_address(
    client: Client, account: ExternalAccount, server: SmtpServer
) -> None:
    probe = save(client, account, typed(server.security))
    assert probe is not None
    assert (probe.state, probe.code) == (ProbeState.PASSED, "")
    kept = OutgoingServer.objects.get()
    port = {Security.TLS: 465, Security.STARTTLS: 587}[server.security]
    assert (kept.host, kept.port, kept.username) == (certificates.HOST, port, account.address)
    assert not Credential.objects.filter(purpose=Purpose.OUTGOING).exists()
    assert headers_for(Identity.objects.get())["From"].addr_spec == account.address
    assert not VerificationCode.objects.exists()


@DB
def test_a_password_of_its_own_is_sealed_for_sending(
    client: Client, account: ExternalAccount, strict: SmtpServer
) -> None:
    own = {"authentication": "own", "username": "", "password": OTHER}
    probe = save(client, account, typed(Security.TLS, **own))
    assert probe is not None
    assert probe.state == ProbeState.PASSED
    sealed = Credential.objects.get(purpose=Purpose.OUTGOING)
    assert OTHER.encode() not in bytes(sealed.sealed)
    page = client.get(f"/settings/mail-accounts/{account.public_id}/outgoing/").content.decode()
    assert OTHER not in page
    assert certificates.HOST in page


@DB
def test_a_refused_test_saves_nothing_and_loses_nothing_typed(
    client: Client, account: ExternalAccount, strict: SmtpServer
) -> None:
    own = {"authentication": "own", "username": "siti@kantor.example", "password": "wrong-canary"}
    probe = save(client, account, typed(Security.TLS, **own))
    assert probe is not None
    assert probe.code == "smtp.auth"
    assert not OutgoingServer.objects.exists()
    told = client.get(f"/settings/mail-accounts/add/{probe.public_id}/").content.decode()
    again = f"/settings/mail-accounts/{account.public_id}/outgoing/?again={probe.public_id}"
    assert again in told
    form = client.get(again).content.decode()
    assert certificates.HOST in form
    assert "wrong-canary" not in told + form


@DB
def test_the_incoming_password_goes_nowhere_once_the_one_typed_is_forgotten(
    client: Client, account: ExternalAccount, strict: SmtpServer
) -> None:
    own = {"authentication": "own", "username": "", "password": "wrong-canary"}
    probe = save(client, account, typed(Security.TLS, **own))
    assert probe is not None
    past = timezone.now() - timedelta(seconds=1)
    Probe.objects.filter(pk=probe.pk).update(sealed_password=None, expires_at=past)
    judged = strict.judged
    answer = client.post(f"/settings/mail-accounts/add/{probe.public_id}/again/")
    run_waiting_probes(timezone.now())
    assert answer["Location"].endswith("/outgoing/")
    assert strict.judged == judged


@DB
def test_without_a_server_of_its_own_an_address_is_proved_by_code(
    client: Client, account: ExternalAccount, server: SmtpServer
) -> None:
    save(client, account, typed(server.security))
    client.post(
        f"/settings/mail-accounts/{account.public_id}/outgoing/", {"authentication": "same"}
    )
    assert not OutgoingServer.objects.exists()
    with pytest.raises(IdentityNotVerified):
        headers_for(Identity.objects.get())
    assert VerificationCode.objects.get().address == account.address


@DB
@pytest.mark.parametrize(
    "values",
    [
        typed(Security.TLS, port="25"),
        typed(Security.TLS, port="587"),
        typed(Security.PLAIN),
        typed(Security.TLS, host="127.0.0.1"),
        typed(Security.TLS, authentication="own", username="siti", password=""),
        typed(Security.TLS, authentication="own", username="a\r\nMAIL", password="x"),
        typed(Security.TLS, authentication="none"),
    ],
)
def test_what_is_not_allowed_is_refused_before_any_connection(
    client: Client, account: ExternalAccount, values: dict[str, str]
) -> None:
    assert save(client, account, values) is None
