"""Plain functions that make rows for tests, with keyword overrides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts import vault
from accounts.credentials import login_for
from accounts.models import Credential, ExternalAccount, IncomingServer, Purpose, Quota, State, User
from wire.login import PasswordLogin

PASSWORD = "correct horse battery"


def make_user(email: str = "alice@example.org", **fields: Any) -> User:
    """Make a person with an empty quota row."""
    user = User.objects.create_user(email, PASSWORD, **fields)
    Quota.objects.create(owner=user)
    return user


def make_account(owner: User, **fields: Any) -> ExternalAccount:
    """Make an active POP3 account with its server and a sealed password."""
    address = fields.pop("address", f"box{owner.pk}@example.org")
    host = fields.pop("host", "pop.example.org")
    password = fields.pop("password", "secret")
    defaults: dict[str, Any] = {
        "name": address,
        "badge": "BX",
        "color": "blue",
        "state": State.ACTIVE,
        "next_fetch_at": timezone.now() - timedelta(seconds=1),
    }
    account = ExternalAccount.objects.create(owner=owner, address=address, **(defaults | fields))
    IncomingServer.objects.create(
        account=account, protocol="pop3", host=host, port=995, security="tls", username=address
    )
    credential = Credential(account=account, purpose="incoming", key_id=vault.newest_key_id())
    credential.sealed = vault.seal(password, belongs_to=credential.belongs_to)
    credential.save()
    return account


def password_of(account: ExternalAccount) -> str:
    """Open the password that is kept for fetching."""
    login = login_for(account, Purpose.INCOMING)
    assert isinstance(login, PasswordLogin)
    return login.password
