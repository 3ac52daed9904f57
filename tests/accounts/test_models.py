"""Each promise of the accounts tables holds against an attempt to break it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import (
    Authorization,
    Credential,
    ExternalAccount,
    Identity,
    IncomingServer,
    Notice,
    OAuthApp,
    OutgoingServer,
    OwnedAddress,
    Plan,
    Probe,
    Quota,
    Setup,
    State,
    User,
    VerificationCode,
)
from tests.accounts.oauth import make_app
from tests.builders import make_account, make_user
from tests.constraints import Attempt, named_constraints, refused

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _owner() -> User:
    return User.objects.get(email="alice@example.org")


def _account(**fields: Any) -> ExternalAccount:
    return make_account(_owner(), **fields)


def _change(**columns: Any) -> object:
    return ExternalAccount.objects.filter(pk=_account().pk).update(**columns)


def _probe(**fields: Any) -> Probe:
    server = {"host": "pop.example.org", "port": 995, "security": "tls", "protocol": "pop3"}
    defaults = {"owner": _owner(), "expires_at": NOW, "address": "a@example.org", "username": "a"}
    return Probe.objects.create(**(server | defaults | fields))


def _code(**fields: Any) -> VerificationCode:
    asked = {"address": "a@example.org", "use": "send_as", "asked_at": NOW}
    return VerificationCode.objects.create(owner=_owner(), **(asked | fields))


def _identity(account: ExternalAccount, address: str, **fields: Any) -> Identity:
    return Identity.objects.create(owner=_owner(), account=account, address=address, **fields)


def _two_default_identities() -> object:
    account = _account()
    _identity(account, "a@example.org", is_default=True)
    return _identity(account, "b@example.org", is_default=True)


def _one_identity_twice() -> object:
    account = _account()
    _identity(account, "a@example.org")
    return _identity(account, "A@example.org")


def _owned(address: str, use: str = "send_as") -> OwnedAddress:
    return OwnedAddress.objects.create(owner=_owner(), address=address, use=use, proved_at=NOW)


def _notice(**fields: Any) -> Notice:
    return Notice.objects.create(owner=_owner(), opened_at=NOW, **({"topic": "full"} | fields))


def _two_notices(account: ExternalAccount | None, topic: str = "full") -> object:
    _notice(account=account, topic=topic, closed_at=NOW)
    return [_notice(account=account, topic=topic) for _ in range(2)]


def _outgoing(port: int) -> object:
    return OutgoingServer.objects.create(
        account=_account(), host="smtp.example.org", port=port, security="tls", username="a"
    )


def _second_secret() -> object:
    return Credential.objects.create(account=_account(), purpose="incoming", sealed=b"", key_id="k")


def _trip(**fields: Any) -> Authorization:
    asked = {"address": "a@example.org", "expires_at": NOW}
    return Authorization.objects.create(owner=_owner(), app=make_app(), **(asked | fields))


ATTEMPTS: dict[str, Attempt] = {
    "setup_state_known": lambda: Setup.objects.create(
        owner=_owner(), created_at=NOW, address="a@example.org", state="asleep"
    ),
    "account_state_known": lambda: _change(state="asleep"),
    "one_live_account_per_address": lambda: (
        _account(address="box@example.org"),
        _account(address="BOX@example.org", state=State.PAUSED),
    ),
    "one_default_account_per_owner": lambda: (
        _account(is_default=True),
        _account(is_default=True, address="other@example.org"),
    ),
    "active_account_has_next_fetch": lambda: _change(next_fetch_at=None),
    "gone_account_is_not_default": lambda: _change(state=State.REMOVED, is_default=True),
    "account_interval_is_1_to_60_minutes": lambda: _change(interval_minutes=61),
    "incoming_port_is_standard": lambda: IncomingServer.objects.filter(account=_account()).update(
        port=110
    ),
    "outgoing_port_is_standard": lambda: _outgoing(25),
    "one_credential_per_account_and_purpose": _second_secret,
    "credential_purpose_known": lambda: Credential.objects.filter(account=_account()).update(
        purpose="sideways"
    ),
    "one_identity_per_account_and_address": _one_identity_twice,
    "one_default_identity_per_account": _two_default_identities,
    "owned_address_use_known": lambda: _owned("a@example.org", use="anything"),
    "code_use_known": lambda: _code(use="anything"),
    "code_with_a_hash_expires": lambda: _code(code_hash="0" * 64),
    "one_open_code_per_owner_address_and_use": lambda: (_code(), _code(address="A@example.org")),
    "one_owned_address_per_owner_and_use": lambda: (
        _owned("a@example.org"),
        _owned("A@example.org"),
    ),
    "code_is_tried_five_times_at_most": lambda: _code(attempts=6),
    "probe_state_known": lambda: _probe(state="dreaming"),
    "only_settings_are_tested_without_an_account": lambda: _probe(kind="doctor"),
    "failed_probe_has_code": lambda: _probe(state="failed"),
    "passed_probe_keeps_no_password": lambda: _probe(state="passed", sealed_password=b"x"),
    "grant_has_times_and_password_none": lambda: Credential.objects.filter(
        account=_account()
    ).update(app=make_app()),
    "oauth_dialect_known": lambda: make_app(slug="x") and OAuthApp.objects.update(dialect="x"),
    "oauth_app_has_issuer_or_endpoints": lambda: make_app(issuer=""),
    "authorization_state_known": lambda: _trip(state="lost"),
    "failed_authorization_has_code": lambda: _trip(state="failed"),
    "finished_authorization_keeps_no_secret": lambda: _trip(state="granted", sealed_flow=b"x"),
    "one_default_plan": lambda: Plan.objects.create(name="Second", is_default=True),
    "plan_interval_is_1_to_60_minutes": lambda: Plan.objects.update(min_interval_minutes=0),
    "used_bytes_never_negative": lambda: Quota.objects.update(used_bytes=-1),
    "notice_topic_known": lambda: _notice(topic="gossip"),
    "one_open_notice_per_account": lambda: _two_notices(_account()),
    "one_open_notice_per_account_that_ends": lambda: _two_notices(_account(), topic="lapsing"),
    "one_open_notice_per_owner_and_topic": lambda: _two_notices(None),
    "one_user_per_email_address": lambda: User.objects.create_user("Alice@Example.org"),
    "user_duplicates_known": lambda: User.objects.update(duplicates="hide"),
    "user_density_known": lambda: User.objects.update(density="loose"),
    "user_reading_pane_known": lambda: User.objects.update(reading_pane="left"),
    "user_remote_images_known": lambda: User.objects.update(remote_images="all"),
    "user_undo_seconds_offered": lambda: User.objects.update(undo_seconds=7),
    "user_purge_days_offered": lambda: User.objects.update(purge_days=1),
    "user_notify_known": lambda: User.objects.update(notify="some"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", named_constraints("accounts"))
def test_the_database_keeps_its_promise(name: str) -> None:
    make_user()
    refused("accounts", name, ATTEMPTS)


@pytest.mark.django_db
def test_the_address_of_a_removed_account_can_be_added_again() -> None:
    alice = make_user()
    make_account(alice, address="box@example.org", state=State.REMOVED)
    assert make_account(alice, address="box@example.org").pk


@pytest.mark.django_db
def test_two_people_may_fetch_the_same_address() -> None:
    for owner in (make_user(), make_user("bob@example.org")):
        assert make_account(owner, address="shared@example.org").pk


@pytest.mark.django_db
def test_people_see_their_own_accounts_only_and_no_removed_ones() -> None:
    alice, bob = make_user(), make_user("bob@example.org")
    kept = make_account(alice)
    make_account(alice, address="gone@example.org", state=State.REMOVED)
    make_account(bob)
    assert list(ExternalAccount.objects.for_user(alice)) == [kept]


@pytest.mark.django_db
def test_there_is_a_default_plan_from_the_first_start_on() -> None:
    assert Plan.objects.get().is_default
