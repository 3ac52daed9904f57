"""From a form's values to an account: rules, limits, a real server's answers, and who writes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from accounts import onboarding, probe_runs, quotas, vault
from accounts.models import ExternalAccount, Identity, Plan, Probe, State, User
from accounts.models.probe import ProbeState
from accounts.onboarding import AccountRefused, NewAccount, begin_probe
from accounts.probe_runs import run_waiting_probes
from accounts.probing import Watch
from accounts.roster import badge_for, make_default, next_color, pause, remove_account, resume
from tests.builders import make_account, make_user, password_of
from tests.servers.dovecot import Dovecot
from wire.endpoint import Protocol, Security
from wire.guard import Guard

SECRET = "s3cret-canary"
WANTED = NewAccount(
    address="siti@example.org",
    name="Kantor Siti",
    protocol=Protocol.POP3,
    host="pop.example.org",
    port=995,
    security=Security.TLS,
    username="siti@example.org",
    password=SECRET,
)


def _begin(owner: User, wanted: NewAccount = WANTED) -> Probe:
    return begin_probe(owner, wanted, now=timezone.now())


def _refusal(owner: User, wanted: NewAccount) -> str:
    with pytest.raises(AccountRefused) as caught:
        _begin(owner, wanted)
    return caught.value.code


@pytest.mark.django_db
def test_a_test_waits_with_its_password_sealed() -> None:
    probe = _begin(make_user())
    assert probe.state == ProbeState.WAITING
    assert SECRET.encode() not in bytes(probe.sealed_password or b"")
    assert SECRET not in repr(WANTED)
    assert onboarding.wanted_again(probe) == WANTED


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"port": 111}, "conn.port"),
        ({"port": 110}, "conn.port"),
        ({"port": 110, "security": Security.PLAIN}, "policy.plain"),
        ({"protocol": Protocol.IMAP, "port": 995}, "conn.port"),
        ({"protocol": Protocol.IMAP, "port": 993, "delete_after_days": 7}, "limit.deletion"),
    ],
)
def test_what_the_rules_forbid_is_refused_before_any_connection(
    changes: dict[str, object], code: str
) -> None:
    assert _refusal(make_user(), replace(WANTED, **changes)) == code  # type: ignore[arg-type]  # by name
    assert not Probe.objects.exists()


@pytest.mark.django_db
def test_plain_is_possible_where_the_plan_allows_it() -> None:
    Plan.objects.update(allow_plain=True)
    plain = replace(WANTED, port=110, security=Security.PLAIN)
    assert _begin(make_user(), plain).security == "plain"


@pytest.mark.django_db
def test_an_address_is_added_once_whatever_its_case() -> None:
    alice = make_user()
    make_account(alice, address="SITI@example.org")
    assert _refusal(alice, WANTED) == "account.exists"


@pytest.mark.django_db
def test_the_plan_limits_the_number_of_accounts() -> None:
    Plan.objects.update(max_accounts=1)
    alice = make_user()
    make_account(alice, address="gone@example.org", state=State.REMOVED)
    _begin(alice)
    make_account(alice)
    assert _refusal(alice, WANTED) == "policy.accounts"


@pytest.mark.django_db
def test_a_person_tests_ten_times_an_hour() -> None:
    alice, bob = make_user(), make_user("bob@example.org")
    for _ in range(10):
        _begin(alice)
    Probe.objects.update(created_at=timezone.now() - timedelta(minutes=18))
    with pytest.raises(AccountRefused) as caught:
        _begin(alice)
    assert (caught.value.code, caught.value.facts) == ("limit.tests", {"limit": 10, "minutes": 42})
    assert _begin(bob)
    Probe.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    assert _begin(alice)


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["localhost", "0x7f.1", "pop.contoh.invalid"])
def test_a_misspelt_server_costs_no_test_but_names_are_not_looked_up_without_end(
    host: str,
) -> None:
    alice = make_user()
    for _ in range(2):
        _begin(alice, replace(WANTED, host=host))
    run_waiting_probes(timezone.now())
    assert {probe.step for probe in Probe.objects.all()} == {"resolve"}
    for _ in range(10):
        _begin(alice)
    assert _refusal(alice, WANTED) == "limit.tests"
    failed = {"state": ProbeState.FAILED, "code": "conn.dns", "step": "resolve"}
    Probe.objects.update(**failed)
    for number in range(18):
        _begin(alice, replace(WANTED, host=f"pop{number}.contoh.invalid"))
        Probe.objects.update(**failed)
    assert _refusal(alice, WANTED) == "limit.tests"


@pytest.mark.django_db
def test_one_server_is_tested_thirty_times_an_hour_by_all_together() -> None:
    people = [make_user(f"p{number}@example.org") for number in range(4)]
    for person in people[:3]:
        for _ in range(10):
            _begin(person)
    assert _refusal(people[3], replace(WANTED, host="POP.example.org")) == "limit.host"
    assert _begin(people[3], replace(WANTED, host="pop.contoh.co.id"))


@pytest.mark.django_db(transaction=True)
def test_parallel_requests_do_not_slip_through_the_limit_together() -> None:
    alice = make_user()

    def one(_: int) -> bool:
        try:
            _begin(alice)
        except AccountRefused:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(one, range(24))) == 10


@pytest.mark.django_db
def test_a_test_is_claimed_once() -> None:
    _begin(make_user())
    now = timezone.now()
    assert probe_runs._claim(now)
    assert probe_runs._claim(now) is None


@pytest.mark.django_db
def test_a_test_whose_worker_died_is_claimed_once_more_and_then_given_up() -> None:
    _begin(make_user())
    now = timezone.now()
    for attempt in range(2):
        assert probe_runs._claim(now + attempt * 2 * probe_runs.LEASE)
    assert probe_runs._claim(now + 4 * probe_runs.LEASE) is None
    assert Probe.objects.get().code == "server.ours"


@pytest.mark.django_db
def test_whoever_lost_the_lease_writes_nothing() -> None:
    _begin(make_user())
    slow = probe_runs._claim(timezone.now())
    assert slow
    Probe.objects.update(lease_until=timezone.now() + timedelta(hours=1))
    watch = Watch(lambda *_: None)
    probe_runs._fail(slow, "conn.dns", {}, "", watch)
    probe_runs._pass(slow, {}, watch, make_account(make_user("bob@example.org")))
    probe_runs._note(slow, "tls", {})
    held = Probe.objects.get()
    assert (held.state, held.code, held.step) == (ProbeState.RUNNING, "", "")


@pytest.mark.django_db
def test_a_bug_is_told_as_our_own_and_logged_without_secrets(
    caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.GUARD = f"not a guard, but {SECRET}"
    _begin(make_user())
    assert run_waiting_probes(timezone.now()) == 1
    assert Probe.objects.get().code == "server.ours"
    assert "probe_broke" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.django_db
def test_a_secret_that_does_not_open_is_our_own_trouble(settings: Settings) -> None:
    _begin(make_user())
    settings.MUARA_KEYS = vault.read_keys([vault.new_key()])
    run_waiting_probes(timezone.now())
    assert Probe.objects.get().code == "auth.sealed"


@pytest.mark.django_db
def test_passwords_of_failed_tests_are_kept_a_quarter_of_an_hour_and_rows_an_hour() -> None:
    probe = _begin(make_user())
    Probe.objects.update(state=ProbeState.FAILED, code="conn.dns")
    now = timezone.now()
    probe_runs.forget_old_probes(now + timedelta(minutes=14))
    assert Probe.objects.get().sealed_password is not None
    probe_runs.forget_old_probes(now + timedelta(minutes=16))
    assert Probe.objects.get().sealed_password is None
    with pytest.raises(vault.SealBroken):
        onboarding.wanted_again(Probe.objects.get(pk=probe.pk))
    probe_runs.forget_old_probes(now + timedelta(minutes=61))
    assert not Probe.objects.exists()


@pytest.fixture
def server(
    dovecot: Dovecot,
    authority_file: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Callable[..., NewAccount]:
    """Make a mailbox at a real server and return what a person would type for it."""
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    rules = (rule.split("=") for rule in dovecot.connect_to.split(","))
    ends = ((name.rsplit(":", 1), real.rsplit(":", 1)) for name, real in rules)
    settings.GUARD = Guard(
        (ip_network("127.0.0.0/8"),),
        {(name[0], int(name[1])): (real[0], int(real[1])) for name, real in ends},
    )
    address = f"{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}@example.org"

    def make(messages: int = 0, **changes: object) -> NewAccount:
        dovecot.add_user(address, SECRET)
        dovecot.deliver(address, *(f"Subject: {n}\r\n\r\nHi\r\n".encode() for n in range(messages)))
        return replace(WANTED, address=address, username=address, **changes)  # type: ignore[arg-type]  # by name

    return make


Server = Callable[..., NewAccount]


@pytest.mark.servers
@pytest.mark.django_db
@pytest.mark.parametrize(("port", "security"), [(995, Security.TLS), (110, Security.STARTTLS)])
def test_a_passed_test_becomes_an_account_that_is_due_at_once(
    server: Server, port: int, security: Security
) -> None:
    alice = make_user(name="Alice")
    wanted = server(3, port=port, security=security, delete_after_days=14)
    _begin(alice, wanted)
    run_waiting_probes(timezone.now())
    probe = Probe.objects.get()
    assert (probe.state, probe.code, probe.sealed_password) == (ProbeState.PASSED, "", None)
    assert probe.facts["messages"] == 3
    assert probe.facts["octets"] > 3 * 15
    account = ExternalAccount.objects.get()
    assert probe.account == account
    assert (account.state, account.is_default, account.badge) == (State.ACTIVE, True, "KS")
    assert ExternalAccount.objects.due(timezone.now()).exists()
    assert account.incoming.delete_after_days == 14
    assert password_of(account) == SECRET
    assert Identity.objects.get().server_accepted_at is None
    assert quotas.change_number(alice.pk) == 1


@pytest.mark.servers
@pytest.mark.django_db
def test_a_refused_password_fails_the_test_and_can_be_tried_again(
    server: Server, dovecot: Dovecot
) -> None:
    alice, wanted = make_user(), server()
    dovecot.add_user(wanted.address, "another one")
    _begin(alice, wanted)
    run_waiting_probes(timezone.now())
    failed = Probe.objects.get()
    assert (failed.state, failed.code, failed.step) == (ProbeState.FAILED, "auth.failed", "sign_in")
    assert failed.facts["host"] == "pop.example.org"
    assert SECRET not in failed.detail
    assert not ExternalAccount.objects.exists()
    dovecot.add_user(wanted.address, SECRET)
    _begin(alice, onboarding.wanted_again(failed))
    run_waiting_probes(timezone.now())
    assert ExternalAccount.objects.exists()


@pytest.mark.servers
@pytest.mark.django_db
def test_a_certificate_for_another_name_ends_the_test_before_the_password(
    server: Server, settings: Settings
) -> None:
    guard: Guard = settings.GUARD
    real = guard.connect_to["pop.example.org", 995]
    settings.GUARD = Guard(guard.allow_networks, {("other.example.net", 995): real})
    _begin(make_user(), server(host="other.example.net"))
    run_waiting_probes(timezone.now())
    failed = Probe.objects.get()
    assert (failed.code, failed.step) == ("tls.name", "tls")


@pytest.mark.servers
@pytest.mark.django_db
def test_nobody_answering_is_told_with_host_and_port(server: Server, settings: Settings) -> None:
    settings.GUARD = Guard(
        (ip_network("127.0.0.0/8"),), {("pop.example.org", 995): ("127.0.0.1", 9)}
    )
    _begin(make_user(), server())
    run_waiting_probes(timezone.now())
    failed = Probe.objects.get()
    assert (failed.code, failed.step) == ("conn.refused", "connect")
    assert failed.facts == {"host": "pop.example.org", "port": 995}


@pytest.mark.servers
@pytest.mark.django_db
def test_a_new_password_is_tested_before_it_replaces_the_old_one(
    server: Server, dovecot: Dovecot
) -> None:
    alice, wanted = make_user(), server()
    account = make_account(
        alice, address=wanted.address, password="old", state=State.NEEDS_SIGN_IN, next_fetch_at=None
    )
    for password in ("wrong", SECRET):
        again = replace(wanted, password=password)
        begin_probe(alice, again, now=timezone.now(), account=account)
        run_waiting_probes(timezone.now())
        account.refresh_from_db()
        kept = password_of(account)
        passed = password == SECRET
        assert (account.state == State.ACTIVE) is passed
        assert kept == (SECRET if passed else "old")
    assert ExternalAccount.objects.count() == 1


@pytest.mark.servers
@pytest.mark.django_db
def test_an_address_added_meanwhile_is_told_and_not_added_twice(server: Server) -> None:
    alice, wanted = make_user(), server()
    _begin(alice, wanted)
    make_account(alice, address=wanted.address.upper())
    run_waiting_probes(timezone.now())
    assert Probe.objects.get().code == "account.exists"
    assert ExternalAccount.objects.count() == 1


@pytest.mark.servers
@pytest.mark.django_db
def test_a_removed_address_can_be_added_again(server: Server) -> None:
    alice, wanted = make_user(), server()
    old = make_account(alice, address=wanted.address, is_default=True)
    remove_account(old, now=timezone.now())
    _begin(alice, wanted)
    run_waiting_probes(timezone.now())
    assert ExternalAccount.objects.for_user(alice).get().is_default


@pytest.mark.django_db
def test_a_removed_account_keeps_no_secret_and_hands_the_default_on() -> None:
    alice = make_user()
    first = make_account(alice, is_default=True)
    second = make_account(alice, address="second@example.org")
    remove_account(first, now=timezone.now())
    assert not first.credentials.exists()
    assert list(ExternalAccount.objects.for_user(alice)) == [second]
    second.refresh_from_db()
    assert second.is_default


@pytest.mark.django_db
def test_there_is_one_default_at_any_time() -> None:
    alice = make_user()
    make_account(alice, is_default=True)
    second = make_account(alice, address="second@example.org")
    make_default(second)
    assert list(ExternalAccount.objects.filter(is_default=True)) == [second]


@pytest.mark.django_db
def test_a_paused_account_rests_until_resumed() -> None:
    account = make_account(make_user())
    pause(account, now=timezone.now())
    assert not ExternalAccount.objects.due(timezone.now()).exists()
    resume(account, now=timezone.now())
    assert ExternalAccount.objects.due(timezone.now()).exists()


@pytest.mark.parametrize(
    ("name", "badge"),
    [
        *(("Kantor Siti", "KS"), ("work", "WO"), ("x", "X"), ("siti@example.org", "SI")),
        *(("(Old) mail", "OM"), ("...", ".."), ("電子 郵件", "電郵")),
    ],
)
def test_the_badge_is_one_or_two_letters_of_the_name(name: str, badge: str) -> None:
    assert badge_for(name) == badge


def test_colours_are_given_in_turn() -> None:
    given: list[str] = []
    for _ in range(16):
        given.append(next_color(given))
    assert given[:8] == given[8:]
    assert len(set(given)) == 8
