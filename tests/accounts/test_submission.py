"""Sending through a real Postfix that a real Dovecot tells whom to let in, tokens included."""

from __future__ import annotations

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import credentials
from accounts.models import ExternalAccount, OutgoingServer, Probe, Purpose, State
from accounts.models.probe import ProbeState
from accounts.onboarding import begin_doctor, begin_sending_probe
from accounts.outgoing import NewOutgoing
from accounts.probe_runs import run_waiting_probes
from tests.accounts.oauth import Person, age, at_both, make_app, prepared
from tests.builders import make_user
from tests.servers.dovecot import Dovecot
from tests.servers.oidc import Oidc
from tests.servers.smtp import SUBMISSION_HOST, Submission
from wire.endpoint import STANDARD_PORTS, Endpoint, Protocol, Security
from wire.errors import MailError, SenderRefused
from wire.guard import Guard
from wire.login import Login, PasswordLogin, TokenLogin
from wire.smtp import SmtpSession, open_smtp

pytestmark = [pytest.mark.servers, pytest.mark.django_db]
ADDRESS, SECRET = "kirim@example.org", "rahasia s3cret"
EVERY_WAY = "plain,login,xoauth2,oauthbearer"
UNKNOWN = "not-one-that-the-provider-knows"
SECURED = pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])


def opened(submission: Submission, security: Security, way: str, login: Login) -> SmtpSession:
    port = STANDARD_PORTS[Protocol.SMTP, security]
    endpoint = Endpoint(SUBMISSION_HOST, port, security)
    return open_smtp(endpoint, login, guard=submission.guard(security, way))


def refusal(submission: Submission, security: Security, way: str, login: Login) -> str:
    with pytest.raises(MailError) as caught:
        opened(submission, security, way, login)
    return caught.value.code


@pytest.fixture(autouse=True)
def _world(
    oidc: Oidc,
    token_dovecot: Dovecot,
    submission: Submission,
    authority_file: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    both = at_both(oidc, token_dovecot.connect_to)
    sending = submission.guard(Security.STARTTLS, EVERY_WAY)
    settings.GUARD = Guard(connect_to={**both.connect_to, **sending.connect_to})
    oidc.plan()


@pytest.fixture
def account(oidc: Oidc, token_dovecot: Dovecot) -> ExternalAccount:
    """Make an account that its owner has let in at the provider."""
    make_app()
    token_dovecot.deliver(ADDRESS)
    person = Person(make_user(), oidc)
    account = prepared(person.user, ADDRESS)
    person.authenticate(account)
    account.refresh_from_db()
    assert account.state == State.ACTIVE
    return account


def tried(account: ExternalAccount) -> Probe:
    """Test sending with what is kept for fetching."""
    wanted = NewOutgoing(SUBMISSION_HOST, 587, Security.STARTTLS, ADDRESS)
    begin_sending_probe(account, wanted, now=timezone.now())
    run_waiting_probes(timezone.now())
    return Probe.objects.latest("id")


def checked(account: ExternalAccount) -> Probe:
    begin_doctor(account, now=timezone.now())
    run_waiting_probes(timezone.now())
    return Probe.objects.latest("id")


@SECURED
@pytest.mark.parametrize("way", ["plain", "login"])
def test_a_password_signs_in_for_its_own_address_only(
    submission: Submission, token_dovecot: Dovecot, security: Security, way: str
) -> None:
    token_dovecot.add_user(ADDRESS, SECRET)
    with opened(submission, security, way, PasswordLogin(ADDRESS, SECRET)) as session:
        session.try_sender(ADDRESS)
        with pytest.raises(SenderRefused):
            session.try_sender("budi@example.org")
        session.finish()
    assert refusal(submission, security, way, PasswordLogin(ADDRESS, "wrong")) == "smtp.auth"
    token = TokenLogin(ADDRESS, UNKNOWN)
    assert refusal(submission, security, way, token) == "auth.mechanism"


@SECURED
@pytest.mark.parametrize("way", ["xoauth2", "oauthbearer"])
def test_a_token_signs_in_for_its_own_address_only(
    account: ExternalAccount, submission: Submission, security: Security, way: str
) -> None:
    login = credentials.login_for(account, Purpose.INCOMING)
    with opened(submission, security, way, login) as session:
        session.try_sender(ADDRESS)
        with pytest.raises(SenderRefused):
            session.try_sender("budi@example.org")
        session.finish()
    assert refusal(submission, security, way, TokenLogin(ADDRESS, UNKNOWN)) == "auth.oauth"
    assert refusal(submission, security, way, PasswordLogin(ADDRESS, SECRET)) == "auth.oauth"


def test_a_refused_token_is_renewed_once_before_sending_is_judged(
    account: ExternalAccount, oidc: Oidc
) -> None:
    age(access_token=UNKNOWN)
    oidc.plan()
    probe = tried(account)
    assert (probe.state, probe.code) == (ProbeState.PASSED, "")
    assert OutgoingServer.objects.get().host == SUBMISSION_HOST
    assert oidc.asked() == 1


def test_the_doctor_renews_a_refused_token_once_for_fetching_and_for_sending(
    account: ExternalAccount, oidc: Oidc
) -> None:
    assert tried(account).state == ProbeState.PASSED
    age(access_token=UNKNOWN)
    oidc.plan()
    account.refresh_from_db()
    probe = checked(account)
    assert (probe.state, probe.code) == (ProbeState.PASSED, "")
    assert oidc.asked() == 1


@pytest.mark.parametrize("ask", [tried, checked], ids=["sending", "doctor"])
def test_a_grant_taken_back_is_told_and_asks_for_a_sign_in(
    account: ExternalAccount, oidc: Oidc, ask: object
) -> None:
    assert callable(ask)
    oidc.revoke(ADDRESS)
    assert ask(account).code == "auth.grant"
    account.refresh_from_db()
    assert (account.state, account.last_code) == (State.NEEDS_SIGN_IN, "auth.grant")
