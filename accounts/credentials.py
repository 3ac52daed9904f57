"""Sealed secrets and the ready logins made from them; the only place that opens them."""

from __future__ import annotations

from accounts import vault
from accounts.models import Credential, ExternalAccount, Purpose
from wire.login import PasswordLogin


def login_for(account: ExternalAccount, purpose: Purpose) -> PasswordLogin:
    """Return the login for one side; without an outgoing secret the incoming one serves both.

    Raise vault.SealBroken where no secret is kept or the kept one does not open.
    """
    kept = {credential.purpose: credential for credential in account.credentials.all()}
    credential = kept.get(purpose) or kept.get(Purpose.INCOMING)
    if credential is None:
        raise vault.SealBroken("no secret is kept")
    own_side = credential.purpose == Purpose.OUTGOING
    username = account.outgoing.username if own_side else account.incoming.username
    password = vault.unseal(bytes(credential.sealed), belongs_to=credential.belongs_to)
    return PasswordLogin(username, password)


def keep_password(account: ExternalAccount, purpose: Purpose, password: str) -> None:
    """Seal a password for one side, in place of the one kept before."""
    credential = Credential(account=account, purpose=purpose)
    sealed = vault.seal(password, belongs_to=credential.belongs_to)
    Credential.objects.update_or_create(
        account=account,
        purpose=purpose,
        defaults={"sealed": sealed, "key_id": vault.sealing_key_id(sealed)},
    )


def forget(account: ExternalAccount) -> None:
    """Delete every secret of an account."""
    account.credentials.all().delete()
