"""Sealed secrets and the ready logins made from them; the only place that hands them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.utils import timezone

from accounts import grants, vault
from accounts.grants import KeptGrant
from accounts.models import Credential, ExternalAccount, Purpose
from wire.errors import AuthenticationFailed
from wire.login import Login, PasswordLogin, TokenLogin

Session = TypeVar("Session")
REFUSED_TOKEN, GONE_GRANT = "auth.oauth", "auth.grant"
NO_GRANT = dict.fromkeys(("app", "expires_at", "renewed_at", "lapses_at", "lease", "lease_until"))


def login_for(account: ExternalAccount, purpose: Purpose, *, refused: str = "") -> Login:
    """Return the login for one side; without an outgoing secret the incoming one serves both.

    A token that is about to lapse, or that a server ``refused``, is renewed at its provider, so
    this is never called within a transaction. Raise vault.SealBroken where no secret is kept or the
    kept one does not open, and what ``grants.usable_token`` raises.
    """
    kept = {credential.purpose: credential for credential in account.credentials.all()}
    credential = kept.get(purpose) or kept.get(Purpose.INCOMING)
    if credential is None:
        raise vault.SealBroken("no secret is kept")
    own_side = credential.purpose == Purpose.OUTGOING
    username = account.outgoing.username if own_side else account.incoming.username
    if credential.app_id is not None:
        return TokenLogin(username, grants.usable_token(credential, refused=refused))
    password = vault.unseal(bytes(credential.sealed), belongs_to=credential.belongs_to)
    return PasswordLogin(username, password)


def sign_in(
    account: ExternalAccount, purpose: Purpose, attempt: Callable[[Login], Session]
) -> Session:
    """Return what an attempt with the login for one side brings.

    A token that the server refuses is renewed once; if that one is refused too, the grant is gone.
    Raise what ``login_for`` and the attempt raise.
    """
    login = login_for(account, purpose)
    try:
        return attempt(login)
    except AuthenticationFailed as error:
        if not (isinstance(login, TokenLogin) and error.code == REFUSED_TOKEN):
            raise
        fresh = login_for(account, purpose, refused=login.token)
    try:
        return attempt(fresh)
    except AuthenticationFailed as error:
        code = GONE_GRANT if error.code == REFUSED_TOKEN else error.code
        raise AuthenticationFailed(code, detail=error.detail, **error.facts) from error


def keep_password(account: ExternalAccount, purpose: Purpose, password: str) -> None:
    """Seal a password for one side, in place of what was kept before."""
    credential = Credential(account=account, purpose=purpose)
    sealed = vault.seal(password, belongs_to=credential.belongs_to)
    columns = {"sealed": sealed, "key_id": vault.sealing_key_id(sealed)}
    Credential.objects.update_or_create(
        account=account, purpose=purpose, defaults=columns | NO_GRANT
    )


def keep_grant(account: ExternalAccount, purpose: Purpose, grant: KeptGrant) -> None:
    """Seal a provider's grant for one side, in place of what was kept before.

    Whoever is renewing the one before has lost its lease by that.
    """
    credential = Credential(account=account, purpose=purpose, app_id=grant.app_id)
    columns = grants.columns_of(grant, credential.belongs_to, now=timezone.now())
    Credential.objects.update_or_create(
        account=account, purpose=purpose, defaults={**columns, "lease": None, "lease_until": None}
    )


def forget(account: ExternalAccount) -> None:
    """Delete every secret of an account."""
    account.credentials.all().delete()
