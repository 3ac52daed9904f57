"""Keys are exchanged under load and lost without harm to the mail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.utils import timezone
from pytest_django import Settings

from accounts import credentials, onboarding, vault
from accounts.keycheck import check_keys, keys_problem
from accounts.models import Credential, ExternalAccount, Probe, Purpose, State
from accounts.rotation import rotate
from tests.accounts.test_onboarding import WANTED
from tests.builders import make_account, make_user, password_of

OLD, NEW = vault.read_keys([vault.new_key(), vault.new_key()])
Secrets = Callable[[], list[str]]


@pytest.fixture
def sealed(settings: Settings) -> Secrets:
    """Seal one secret of each kind with the old key; return what opens them all."""
    settings.MUARA_KEYS = (OLD,)
    alice = make_user()
    account = make_account(alice, password="secret one")
    probe = onboarding.begin_probe(alice, WANTED, now=timezone.now())
    TOTP.activate(alice, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(alice)

    def open_all() -> list[str]:
        codes = RecoveryCodes(Authenticator.objects.get(type="recovery_codes"))
        return [
            password_of(account),
            onboarding.wanted_again(Probe.objects.get(pk=probe.pk)).password,
            *codes.get_unused_codes(),
        ]

    return open_all


@pytest.mark.django_db
def test_after_a_rotation_the_old_key_can_go(sealed: Secrets, settings: Settings) -> None:
    before = sealed()
    settings.MUARA_KEYS = (NEW, OLD)
    first, second = (rotate(lost=False, now=timezone.now()) for _ in range(2))
    assert (first.resealed, first.current, first.unreadable) == (4, 0, 0)
    assert (second.resealed, second.current) == (0, 4)
    settings.MUARA_KEYS = (NEW,)
    assert sealed() == before
    assert Credential.objects.get().key_id == NEW.key_id
    assert keys_problem() is None


@pytest.mark.django_db
def test_without_the_old_key_nothing_is_touched_unless_told(
    sealed: Secrets, settings: Settings
) -> None:
    before = sealed()
    settings.MUARA_KEYS = (NEW,)
    assert rotate(lost=False, now=timezone.now()).unreadable == 4
    settings.MUARA_KEYS = (OLD,)
    assert sealed() == before


@pytest.mark.django_db
@pytest.mark.usefixtures("sealed")
def test_what_is_lost_is_forgotten_and_its_account_asks_again(settings: Settings) -> None:
    settings.MUARA_KEYS = (NEW,)
    assert rotate(lost=True, now=timezone.now()).forgotten == 4
    account = ExternalAccount.objects.get()
    assert (account.state, account.last_code) == (State.NEEDS_SIGN_IN, "auth.sealed")
    with pytest.raises(vault.SealBroken):
        credentials.login_for(account, Purpose.INCOMING)
    assert not Authenticator.objects.exists()
    assert keys_problem() is None


@pytest.mark.django_db
def test_a_resting_account_that_lost_its_secret_goes_on_resting(settings: Settings) -> None:
    settings.MUARA_KEYS = (OLD,)
    make_account(make_user(), state=State.PAUSED, next_fetch_at=None)
    settings.MUARA_KEYS = (NEW,)
    rotate(lost=True, now=timezone.now())
    account = ExternalAccount.objects.get()
    assert (account.state, account.last_code) == (State.PAUSED, "auth.sealed")


@pytest.mark.django_db
@pytest.mark.usefixtures("sealed")
def test_a_missing_key_is_named_in_one_sentence(settings: Settings) -> None:
    assert keys_problem() is None
    settings.MUARA_KEYS = (NEW,)
    problem = keys_problem()
    assert problem
    assert OLD.key_id in problem
    assert "keys/credential.keys does not hold" in problem
    assert [error.msg for error in check_keys(databases=["default"])] == [problem]
    assert check_keys(databases=None) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("sealed")
def test_another_key_of_the_same_name_is_noticed(settings: Settings) -> None:
    settings.MUARA_KEYS = (vault.Key(OLD.key_id, NEW.secret),)
    problem = keys_problem()
    assert problem
    assert "under that id has been altered; put that line back" in problem
    assert "does not hold" not in problem


@pytest.mark.django_db
@pytest.mark.usefixtures("sealed")
def test_a_lost_second_factor_is_noticed_too(settings: Settings) -> None:
    Credential.objects.all().delete()
    settings.MUARA_KEYS = (NEW,)
    assert keys_problem()
