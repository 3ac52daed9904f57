"""The accounts a person has: add, renew, pause, resume, remove, and which one is the default."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max

from accounts import credentials, identities, lifecycle, quotas
from accounts.grants import KeptGrant
from accounts.lifecycle import Event
from accounts.models import ExternalAccount, Identity, IncomingServer, Purpose, State, User
from accounts.models.account import GONE, Color
from accounts.policy import policy_of
from accounts.refusals import AccountRefused
from wire.endpoint import Protocol, Security
from wire.login import Login, PasswordLogin, TokenLogin

DEFAULT_INTERVAL = 5
PUNCTUATION = "._-+()[]{}<>\"'"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a person tells about an account; ``delete_after_days`` None means never.

    An empty ``from_address`` is the account's own, an empty ``reply_to`` none. Where a provider
    gave a grant, that is the secret and there is no password. ``for_sending`` wants the password
    tried at the outgoing server too, which has one of its own.
    """

    address: str
    name: str
    protocol: Protocol
    host: str
    port: int
    security: Security
    username: str
    password: str = field(repr=False)
    delete_after_days: int | None = None
    from_address: str = ""
    reply_to: str = ""
    is_default: bool = False
    for_sending: bool = False
    grant: KeptGrant | None = field(default=None, repr=False)

    @property
    def secret(self) -> str:
        """Return the one secret as text, to be sealed."""
        return self.grant.write() if self.grant else self.password

    def login(self) -> Login:
        """Return what a server is shown."""
        if self.grant:
            return TokenLogin(self.username, self.grant.access_token)
        return PasswordLogin(self.username, self.password)


def check_room(owner: User, address: str) -> None:
    """Raise AccountRefused where the address is there already or the policy allows no more."""
    live = ExternalAccount.objects.filter(owner=owner).exclude(state__in=GONE)
    if live.filter(address__iexact=address).exists():
        raise AccountRefused("account.exists")
    policy_of(owner).check_number(live.count())


def add_account(owner: User, wanted: NewAccount, *, now: datetime) -> ExternalAccount:
    """Save a proven account that is fetched at once, inside the caller's transaction.

    Raise AccountRefused where the address was added or the last place was taken meanwhile.
    """
    account = _create(owner, wanted, now=now, state=State.ACTIVE, next_fetch_at=now)
    _keep_secret(account, wanted)
    if wanted.is_default:
        make_default(account)
    return account


def prepare_account(owner: User, wanted: NewAccount, *, now: datetime) -> ExternalAccount:
    """Save an account that waits for its owner's password, and nothing of ``wanted.password``.

    Raise AccountRefused as ``add_account`` does.
    """
    with transaction.atomic():
        account = _create(owner, wanted, now=now, state=State.PREPARED)
        quotas.touch(owner.pk)
    return account


def add_kept(owner: User, address: str, name: str) -> ExternalAccount:
    """Make a place for mail that is only read: it is fetched from nowhere and sends nothing."""
    owned = ExternalAccount.objects.filter(owner=owner)
    quotas.touch(owner.pk)
    return ExternalAccount.objects.create(
        owner=owner,
        address=address,
        name=name,
        badge=badge_for(name),
        color=next_color(owned.values_list("color", flat=True)),
        position=(owned.aggregate(last=Max("position"))["last"] or 0) + 1,
        state=State.ARCHIVED,
    )


def _create(
    owner: User, wanted: NewAccount, *, now: datetime, **columns: State | datetime
) -> ExternalAccount:
    check_room(owner, wanted.address)
    owned = ExternalAccount.objects.filter(owner=owner)
    name = wanted.name or wanted.address
    try:
        with transaction.atomic():
            account = ExternalAccount.objects.create(
                owner=owner,
                address=wanted.address,
                name=name,
                badge=badge_for(name),
                color=next_color(owned.values_list("color", flat=True)),
                position=(owned.aggregate(last=Max("position"))["last"] or 0) + 1,
                is_default=not owned.filter(is_default=True).exists(),
                interval_minutes=max(DEFAULT_INTERVAL, quotas.plan_of(owner).min_interval_minutes),
                **columns,
            )
    except IntegrityError as error:
        raise AccountRefused("account.exists") from error
    _save_server(account, wanted)
    _add_identities(account, wanted, now=now)
    return account


def renew(account: ExternalAccount, wanted: NewAccount, *, now: datetime) -> ExternalAccount:
    """Give an account proven settings and fetch it at once, inside the caller's transaction."""
    account.refresh_from_db()
    _save_server(account, wanted)
    _keep_secret(account, wanted)
    lifecycle.advance(account, Event.INCOMING_PASSED, now=now)
    return account


def pause(account: ExternalAccount, *, now: datetime) -> None:
    """Stop fetching until its owner resumes."""
    lifecycle.advance(account, Event.PAUSED, now=now)


def resume(account: ExternalAccount, *, now: datetime) -> None:
    """Fetch again, beginning at once."""
    lifecycle.advance(account, Event.RESUMED, now=now)


def make_default(account: ExternalAccount) -> None:
    """Make this the owner's one default account."""
    with transaction.atomic():
        owned = ExternalAccount.objects.filter(owner=account.owner_id)
        owned.filter(is_default=True).update(is_default=False)
        owned.filter(pk=account.pk).exclude(state__in=GONE).update(is_default=True)
        quotas.touch(account.owner_id)


def remove_account(account: ExternalAccount, *, now: datetime, keep_mail: bool = False) -> None:
    """End an account and forget its secrets.

    Its mail stays readable where it is kept; else it is hidden at once, and purged later.
    """
    with transaction.atomic():
        was_default = account.is_default
        lifecycle.advance(account, Event.ARCHIVED if keep_mail else Event.REMOVED, now=now)
        credentials.forget(account)
        if was_default:
            _default_to_first(account.owner_id)


def badge_for(name: str) -> str:
    """Return one or two letters: of the first two words, else of the first one."""
    words = [word.strip(PUNCTUATION) for word in name.split("@", maxsplit=1)[0].split()]
    first, second = [*filter(None, words), "", ""][:2]
    return (first[0] + second[0] if first and second else (first or name)[:2]).upper()[:2]


def next_color(used: Iterable[str]) -> str:
    """Return the first colour that is used least, so that eight accounts differ."""
    taken = list(used)
    return min(Color.values, key=taken.count)


def _save_server(account: ExternalAccount, wanted: NewAccount) -> None:
    """Keep the way to the server; what is deleted there is chosen on a page of its own later."""
    way = {
        "protocol": wanted.protocol,
        "host": wanted.host,
        "port": wanted.port,
        "security": wanted.security,
        "username": wanted.username,
    }
    IncomingServer.objects.update_or_create(
        account=account,
        defaults=way,
        create_defaults=way | {"delete_after_days": wanted.delete_after_days},
    )


def _keep_secret(account: ExternalAccount, wanted: NewAccount) -> None:
    if wanted.grant:
        credentials.keep_grant(account, Purpose.INCOMING, wanted.grant)
    else:
        credentials.keep_password(account, Purpose.INCOMING, wanted.password)


def _add_identities(account: ExternalAccount, wanted: NewAccount, *, now: datetime) -> None:
    """Make the identity that was asked for, the default, and beside it the account's own.

    For addresses elsewhere, which no server of this account can vouch for, codes are mailed.
    """
    addresses = {one.casefold(): one for one in (wanted.from_address, wanted.address) if one}
    for place, address in enumerate(addresses.values()):
        identity = Identity.objects.create(
            owner_id=account.owner_id,
            account=account,
            name=account.owner.name,
            address=address,
            reply_to=wanted.reply_to,
            is_default=place == 0,
        )
        identities.ask_for_proofs(identity, now=now, spare_own=True)


def _default_to_first(owner_id: int) -> None:
    heirs = ExternalAccount.objects.filter(owner=owner_id).exclude(state__in=GONE)
    heir = heirs.order_by("position", "id").first()
    if heir is not None:
        heir.is_default = True
        heir.save(update_fields=["is_default"])
