"""The connection doctor and tests of sending: real servers tried with what is kept for them."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from ipaddress import ip_network

import pytest
import trustme
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts import credentials, onboarding
from accounts.models import (
    Credential,
    ExternalAccount,
    Identity,
    IncomingServer,
    OutgoingServer,
    Probe,
    Purpose,
    State,
    User,
)
from accounts.models.probe import ProbeState
from accounts.onboarding import AccountRefused, begin_doctor, begin_sending_probe
from accounts.outgoing import NewOutgoing, send_by_house_relay
from accounts.probe_runs import run_waiting_probes
from accounts.report import report_of
from tests.builders import make_account, make_user
from tests.servers import certificates
from tests.servers.dovecot import Dovecot
from tests.servers.scripted_smtp import SmtpServer
from wire.endpoint import Security
from wire.guard import Guard
from wire.login import PasswordLogin

SECRET = "s3cret-canary"
SMTP_HOST = certificates.HOST


@pytest.fixture
def account(
    alice: User,
    dovecot: Dovecot,
    authority_file: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> ExternalAccount:
    """Make an account with three messages at a real server."""
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    rules = (rule.split("=") for rule in dovecot.connect_to.split(","))
    ends = ((name.rsplit(":", 1), real.rsplit(":", 1)) for name, real in rules)
    settings.GUARD = Guard(
        (ip_network("127.0.0.0/8"),),
        {(name[0], int(name[1])): (real[0], int(real[1])) for name, real in ends},
    )
    address = f"{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}@example.org"
    dovecot.add_user(address, SECRET)
    dovecot.deliver(address, *[b"Subject: x\r\n\r\n"] * 3)
    return make_account(alice, address=address, password=SECRET)


@pytest.fixture
def sending(
    account: ExternalAccount, settings: Settings, authority: trustme.CA
) -> Callable[[], SmtpServer]:
    """Make a submission server that knows the account, and lead its name there."""

    def make(context: ssl.SSLContext | None = None) -> SmtpServer:
        server = SmtpServer(context=context or certificates.good(authority))
        server.secret = account.address, SECRET
        guard = settings.GUARD
        settings.GUARD = Guard(guard.allow_networks, guard.connect_to | server.guard.connect_to)
        return server

    return make


def checked(account: ExternalAccount) -> Probe:
    account.refresh_from_db()
    begin_doctor(account, now=timezone.now())
    run_waiting_probes(timezone.now())
    return Probe.objects.latest("id")


@pytest.mark.servers
@pytest.mark.django_db
@pytest.mark.parametrize(("protocol", "port"), [("pop3", 995), ("imap", 993)])
def test_a_healthy_account_is_found_healthy_and_not_changed(
    account: ExternalAccount, client: Client, protocol: str, port: int
) -> None:
    way = {"protocol": protocol, "port": port, "host": "imap.example.org"}
    if protocol == "imap":
        IncomingServer.objects.update(**way)
    before = ExternalAccount.objects.values().get()
    page = reverse("account_doctor", args=[account.public_id])
    assert "Check the connection" in client.get(page).content.decode()
    assert client.post(page)["Location"] == page
    run_waiting_probes(timezone.now())
    assert ExternalAccount.objects.values().get() == before
    probe = Probe.objects.get()
    assert (probe.state, probe.facts["messages"]) == (ProbeState.PASSED, 3)
    steps = ["resolve", "connect", "tls", "greeting", "sign_in", "abilities", "list"]
    assert sorted(probe.timings) == sorted(steps)
    told = client.get(page).content.decode()
    assert told.count('data-mark="ok"') == len(steps)
    assert "3 messages, about" in told
    assert "Copy report" in told
    assert SECRET not in told
    report = report_of(probe)
    assert account.address not in report
    assert f":{port}" in report


@pytest.mark.servers
@pytest.mark.django_db
def test_two_refused_check_ups_stop_the_account_and_no_third_is_made(
    account: ExternalAccount, dovecot: Dovecot, client: Client
) -> None:
    dovecot.add_user(account.address, "another one")
    assert checked(account).code == "auth.failed"
    account.refresh_from_db()
    assert (account.state, account.refusals) == (State.ACTIVE, 1)
    assert checked(account).code == "auth.failed"
    account.refresh_from_db()
    assert account.state == State.NEEDS_SIGN_IN
    with pytest.raises(AccountRefused) as refused:
        begin_doctor(account, now=timezone.now())
    assert refused.value.code == "limit.refused"
    page = reverse("account_doctor", args=[account.public_id])
    told = client.post(page, follow=True).content.decode()
    assert "refused this sign-in twice" in told
    assert Probe.objects.count() == 2


@pytest.mark.servers
@pytest.mark.django_db
def test_check_ups_are_counted_with_other_tests(account: ExternalAccount) -> None:
    for _ in range(10):
        begin_doctor(account, now=timezone.now())
    with pytest.raises(AccountRefused) as refused:
        begin_doctor(account, now=timezone.now())
    assert refused.value.code == "limit.tests"


@pytest.mark.django_db
def test_nobody_elses_account_is_checked(client: Client, alice: User) -> None:
    other = make_account(make_user("bob@example.org"))
    page = reverse("account_doctor", args=[other.public_id])
    assert client.get(page).status_code == client.post(page).status_code == 404
    assert not Probe.objects.exists()


def _outgoing(account: ExternalAccount, password: str | None = None) -> NewOutgoing:
    return NewOutgoing(SMTP_HOST, 465, Security.TLS, account.address, password)


@pytest.mark.servers
@pytest.mark.django_db
@pytest.mark.parametrize("password", [None, SECRET], ids=["same as incoming", "its own"])
def test_an_outgoing_server_that_lets_us_in_is_kept_and_vouches_for_the_address(
    account: ExternalAccount, sending: Callable[[], SmtpServer], password: str | None
) -> None:
    Identity.objects.create(owner=account.owner, account=account, address=account.address)
    with sending() as server:
        probe = begin_sending_probe(account, _outgoing(account, password), now=timezone.now())
        assert SECRET.encode() not in bytes(probe.sealed_password or b"")
        run_waiting_probes(timezone.now())
        assert b"DATA" not in server.heard().upper()
    probe.refresh_from_db()
    assert (probe.state, probe.code, probe.sealed_password) == (ProbeState.PASSED, "", None)
    kept = OutgoingServer.objects.get()
    assert (kept.host, kept.port, kept.username) == (SMTP_HOST, 465, account.address)
    assert Identity.objects.get().server_accepted_at is not None
    assert Credential.objects.filter(purpose=Purpose.OUTGOING).exists() is (password is not None)
    account = ExternalAccount.objects.get()
    login = credentials.login_for(account, Purpose.OUTGOING)
    assert (login.username, SECRET in repr(login)) == (account.address, False)
    send_by_house_relay(account, now=timezone.now())
    assert not OutgoingServer.objects.exists()
    assert Identity.objects.get().server_accepted_at is None


@pytest.mark.servers
@pytest.mark.django_db
def test_a_refused_outgoing_password_is_told_and_nothing_is_kept(
    account: ExternalAccount, sending: Callable[[], SmtpServer], client: Client
) -> None:
    with sending():
        probe = begin_sending_probe(account, _outgoing(account, "wrong"), now=timezone.now())
        run_waiting_probes(timezone.now())
    probe.refresh_from_db()
    assert (probe.code, probe.step) == ("smtp.auth", "out_sign_in")
    assert not OutgoingServer.objects.exists()
    account.refresh_from_db()
    assert account.refusals == 0
    page = client.get(reverse("probe", args=[probe.public_id])).content.decode()
    assert "Sign in for sending" in page
    assert client.post(reverse("probe_again", args=[probe.public_id])).status_code == 302
    again = onboarding.outgoing_again(Probe.objects.latest("id"))
    assert again == _outgoing(account, "wrong")


@pytest.mark.servers
@pytest.mark.django_db
@pytest.mark.parametrize("too", [True, False])
def test_a_new_password_is_for_sending_too_where_that_is_wanted(
    account: ExternalAccount,
    dovecot: Dovecot,
    sending: Callable[[], SmtpServer],
    client: Client,
    too: bool,
) -> None:
    page = reverse("account_connection", args=[account.public_id])
    assert "for_sending" not in client.get(page).content.decode()
    server = {"host": SMTP_HOST, "port": 465, "security": "tls", "username": account.address}
    OutgoingServer.objects.create(account=account, **server)
    credentials.keep_password(account, Purpose.OUTGOING, SECRET)
    assert "Use this password for sending too" in client.get(page).content.decode()
    dovecot.add_user(account.address, "a new one")
    typed = {"host": "pop.example.org", "security": "tls", "password": "a new one"}
    with sending() as smtp:
        smtp.secret = account.address, "a new one"
        client.post(
            page, typed | {"username": account.address} | ({"for_sending": "1"} if too else {})
        )
        run_waiting_probes(timezone.now())
        assert smtp.judged == too
    renewed = ExternalAccount.objects.get()
    login = credentials.login_for(renewed, Purpose.OUTGOING)
    assert login == PasswordLogin(account.address, "a new one" if too else SECRET)


@pytest.mark.servers
@pytest.mark.django_db
def test_the_doctor_goes_on_to_the_outgoing_server(
    account: ExternalAccount, sending: Callable[[], SmtpServer], client: Client
) -> None:
    server = {"host": SMTP_HOST, "port": 465, "security": "tls", "username": account.address}
    OutgoingServer.objects.create(account=account, **server)
    with sending() as healthy:
        probe = checked(account)
        assert (probe.state, healthy.judged) == (ProbeState.PASSED, 1)
        assert probe.facts["most_octets"] == 26214400
    with sending() as changed:
        changed.secret = account.address, "another one"
        failed = checked(account)
    assert (failed.code, failed.step, failed.facts["port"]) == ("smtp.auth", "out_sign_in", 465)
    account.refresh_from_db()
    assert account.refusals == 0
    told = f"can&#x27;t send: {SMTP_HOST} refused the sign-in."
    assert told in client.get(reverse("mail_accounts")).content.decode()
    page = client.get(reverse("account_doctor", args=[account.public_id])).content.decode()
    assert page.count('data-mark="failed"') == 1
    assert page.count('data-mark="ok"') == 11


@pytest.mark.servers
@pytest.mark.django_db
def test_a_new_password_that_does_not_send_is_told_on_card_and_address_until_it_does(
    account: ExternalAccount, dovecot: Dovecot, sending: Callable[[], SmtpServer], client: Client
) -> None:
    server = {"host": SMTP_HOST, "port": 465, "security": "tls", "username": account.address}
    OutgoingServer.objects.create(account=account, **server)
    Identity.objects.create(owner=account.owner, account=account, address=account.address)
    credentials.keep_password(account, Purpose.OUTGOING, SECRET)
    dovecot.add_user(account.address, "a new one")
    typed = {"host": "pop.example.org", "security": "tls", "password": "a new one"}
    wanted = typed | {"username": account.address, "for_sending": "1"}
    place = reverse("account_connection", args=[account.public_id])
    told = f"can&#x27;t send: {SMTP_HOST} refused the sign-in."
    pages = reverse("mail_accounts"), reverse("send_mail_as")
    for known, is_told in (("not that one", True), ("a new one", False)):
        with sending() as smtp:
            smtp.secret = account.address, known
            client.post(place, wanted)
            run_waiting_probes(timezone.now())
        assert [told in client.get(page).content.decode() for page in pages] == [is_told] * 2
    assert ExternalAccount.objects.get().state == State.ACTIVE
