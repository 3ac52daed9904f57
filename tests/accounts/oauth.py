"""People who sign in at a real provider, for the tests of several files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.test import Client
from django.utils import timezone

from accounts import authorizing_runs, grants, probe_runs, vault
from accounts.models import (
    Authorization,
    Credential,
    ExternalAccount,
    IncomingServer,
    OAuthApp,
    User,
)
from tests.builders import make_account
from tests.servers.oidc import ISSUER, SECRET, SITE, Oidc
from wire.guard import Guard
from wire.oauth import Dialect

SCOPES = "openid email offline_access mail"


def make_app(dialect: Dialect = Dialect.MICROSOFT, **fields: Any) -> OAuthApp:
    """Make an app that the provider of the tests knows."""
    usual: dict[str, Any] = {
        "slug": dialect.value,
        "name": "Contoh Mail",
        "dialect": dialect.value,
        "issuer": ISSUER,
        "client_id": "muara",
        "scopes": SCOPES,
        "extra": {"prompt": "consent"},
        "servers": ".example.org",
    }
    app = OAuthApp(**usual | fields)
    if "client_id" not in fields:
        app.sealed_secret = vault.seal(SECRET, belongs_to=app.belongs_to)
        app.key_id = vault.newest_key_id()
    app.save()
    return app


@dataclass
class Person:
    """Somebody with a browser who is sent to the provider and back."""

    user: User
    oidc: Oidc
    client: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        self.client.force_login(self.user)

    def leave(self, account: ExternalAccount, **how: str) -> Authorization:
        """Press Authenticate, and come as far as the provider's door."""
        place = f"/settings/mail-accounts/{account.public_id}/authenticate/"
        answer = self.client.post(place, how)
        assert answer.status_code == 302, answer.content.decode()
        work()
        return Authorization.objects.order_by("id").last() or Authorization()

    def there(self, trip: Authorization) -> str:
        """Return where the provider sends one back to, having done there as planned."""
        answer = self.client.get(f"/settings/mail-accounts/sign-in/{trip.public_id}/go/")
        assert answer.status_code == 302, answer.content.decode()
        return self.oidc.visit(answer["Location"])

    def come_back(self, url: str) -> Any:
        """Open the address that the provider leads to."""
        assert url.startswith(SITE)
        parts = urlsplit(url)
        return self.client.get(f"{parts.path}?{parts.query}")

    def authenticate(self, account: ExternalAccount) -> Authorization:
        """Go all the way; workers do their part."""
        trip = self.leave(account)
        assert self.come_back(self.there(trip)).status_code == 302
        work()
        trip.refresh_from_db()
        return trip


def work() -> None:
    """Do what workers do."""
    authorizing_runs.run_waiting_trips(timezone.now())
    probe_runs.run_waiting_probes(timezone.now())


def at_both(oidc: Oidc, connect_to: str) -> Guard:
    """Lead names to the provider and to a mail server at once."""
    rules = (rule.split("=") for rule in connect_to.split(","))
    ends = ((name.rsplit(":", 1), real.rsplit(":", 1)) for name, real in rules)
    mail = {(name[0], int(name[1])): (real[0], int(real[1])) for name, real in ends}
    return Guard(connect_to=mail | dict(oidc.guard.connect_to))


def prepared(user: User, address: str, **fields: Any) -> ExternalAccount:
    """Make an account that an administrator has prepared: it has no secret yet."""
    usual: dict[str, Any] = {"state": "prepared", "next_fetch_at": None}
    account = make_account(user, address=address, **usual | fields)
    account.credentials.all().delete()
    IncomingServer.objects.filter(account=account).update(username=address)
    return account


def age(**columns: Any) -> None:
    """Make the one grant look older than it is, inside the seal too."""
    credential = Credential.objects.select_related("account").get()
    kept = grants._open(credential)
    values = {name: getattr(kept, name) for name in kept.__slots__} | columns
    old = grants.KeptGrant(**values)
    assert credential.renewed_at is not None
    sealed = grants.columns_of(old, credential.belongs_to, now=credential.renewed_at)
    Credential.objects.update(**sealed)
