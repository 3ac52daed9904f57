"""Send Mail As: the addresses a person has, which of them are proved, and what may be a header.

A From is proved by a confirmed code, for whichever way it is sent; or by the account's own outgoing
server having accepted a sign-in under that very address, for mail through that server alone. A
Reply-To that is neither the From nor the account's own address is proved by a code.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from email.headerregistry import Address

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts import quotas
from accounts.addresses import header_address, same_for_all_spellings, tidy_address
from accounts.alignment_checks import look_again
from accounts.models import ExternalAccount, Identity, OwnedAddress, Use, User
from accounts.models.account import GONE
from accounts.verification import (
    CodeRefused,
    Proof,
    Standing,
    last_code,
    send_code,
    standing,
)
from wire.endpoint import Security
from wire.errors import MailError, Retry

LIMIT = 50


class IdentityNotVerified(MailError):
    """The From or the Reply-To is not proved, so neither may stand in a header."""

    codes = frozenset({"identity.from", "identity.reply"})
    retry = Retry.NEVER


class IdentityRefused(MailError):
    """The address is there already, or there are as many as there may be."""

    codes = frozenset({"identity.exists", "limit.identities"})
    retry = Retry.NEVER


def identities_of(owner: User) -> QuerySet[Identity]:
    """Return a person's addresses by account, the account's own address first."""
    live = Identity.objects.filter(owner=owner).exclude(account__state__in=GONE)
    ordered = live.order_by("account__position", "account_id", "id")
    return ordered.select_related("account", "account__outgoing", "account__incoming")


def is_own(identity: Identity) -> bool:
    """Tell the account's own address, which stays as long as the account does."""
    return identity.address.lower() == identity.account.address.lower()


def proved_uses(owner_id: int) -> set[tuple[str, str]]:
    """Return what a person has proved by codes, as pairs of address in lower case and use."""
    owned = OwnedAddress.objects.filter(owner=owner_id).values_list("address", "use")
    return {(same_for_all_spellings(address), use) for address, use in owned}


def unproved(identity: Identity, proved: Collection[tuple[str, str]]) -> list[Use]:
    """Return what stands between an identity and sending, From first."""
    own, reply, account = map(
        same_for_all_spellings, (identity.address, identity.reply_to, identity.account.address)
    )
    missing = []
    if identity.server_accepted_at is None and (own, Use.SEND_AS) not in proved:
        missing.append(Use.SEND_AS)
    proofs = {(reply, Use.REPLY_TO), (reply, Use.SEND_AS)}
    if reply not in {"", own, account} and proofs.isdisjoint(proved):
        missing.append(Use.REPLY_TO)
    return missing


def headers_for(identity: Identity) -> dict[str, Address]:
    """Return the From and Reply-To of a message; nothing else may write either.

    Read from the database, so that an object changed in memory lends nothing to a header. Raise
    IdentityNotVerified where one of them is not proved, or the account is gone.
    """
    kept = identities_of(identity.owner).filter(pk=identity.pk).first()
    missing = unproved(kept, proved_uses(kept.owner_id)) if kept else [Use.SEND_AS]
    if kept is None or missing:
        code = "identity.from" if Use.SEND_AS in missing else "identity.reply"
        raise IdentityNotVerified(code, address=identity.address)
    headers = {"From": header_address(kept.name, kept.address)}
    if kept.reply_to:
        headers["Reply-To"] = header_address("", kept.reply_to)
    return headers


def proof_of(identity: Identity, use: Use) -> Proof:
    """Return what a code for an identity is to prove."""
    address = identity.address if use is Use.SEND_AS else identity.reply_to
    return Proof(identity.owner, tidy_address(address), use)


def ask_for_proofs(identity: Identity, *, now: datetime, spare_own: bool = False) -> list[Use]:
    """Have codes mailed for all that is not proved; return what that is, From first.

    With ``spare_own`` none is mailed for the account's own address, whose outgoing server is asked
    next. Where a limit stops a code the identity waits for its owner to ask again.
    """
    missing = unproved(identity, proved_uses(identity.owner_id))
    spared = {Use.SEND_AS} if spare_own and is_own(identity) else set()
    for use in [use for use in missing if use not in spared]:
        proof = proof_of(identity, use)
        # Whoever has a code already should not lose it to another one.
        if standing(last_code(proof), now=now) in {Standing.COMING, Standing.WAITING}:
            continue
        try:
            send_code(proof, now=now)
        except CodeRefused:
            continue
    return missing


def add_identity(
    account: ExternalAccount, *, name: str, address: str, reply_to: str = ""
) -> Identity:
    """Add an address to an account, in its tidy form. Raise IdentityRefused."""
    if identities_of(account.owner).count() >= LIMIT:
        raise IdentityRefused("limit.identities", limit=LIMIT)
    try:
        with transaction.atomic():
            return Identity.objects.create(
                owner=account.owner, account=account, name=name, address=address, reply_to=reply_to
            )
    except IntegrityError as error:
        raise IdentityRefused("identity.exists") from error


def change(identity: Identity, *, name: str, reply_to: str) -> None:
    """Keep a new name and Reply-To, both in their tidy form."""
    identity.name, identity.reply_to = name, reply_to
    with transaction.atomic():
        identity.save(update_fields=["name", "reply_to"])
        quotas.touch(identity.owner_id)


def make_default(identity: Identity) -> None:
    """Make this the From that mail of its account is written with. Raise IdentityNotVerified."""
    if Use.SEND_AS in unproved(identity, proved_uses(identity.owner_id)):
        raise IdentityNotVerified("identity.from", address=identity.address)
    with transaction.atomic():
        # The account's row is the lock: two at once must not leave none or both.
        ExternalAccount.objects.select_for_update(no_key=True).get(pk=identity.account_id)
        siblings = Identity.objects.filter(account=identity.account_id)
        siblings.filter(is_default=True).update(is_default=False)
        siblings.filter(pk=identity.pk).update(is_default=True)
        quotas.touch(identity.owner_id)


def remove(identity: Identity) -> None:
    """Remove an address that is not the account's own; as default the own one takes its place."""
    with transaction.atomic():
        ExternalAccount.objects.select_for_update(no_key=True).get(pk=identity.account_id)
        siblings = Identity.objects.filter(account=identity.account_id)
        own = Q(address__iexact=identity.account.address)
        siblings.filter(pk=identity.pk).exclude(own).delete()
        if not siblings.filter(is_default=True).exists():
            siblings.filter(own).update(is_default=True)
        quotas.touch(identity.owner_id)


def note_accepted_sign_in(account: ExternalAccount, *, now: datetime) -> None:
    """Let an account's outgoing server, which has just taken its sign-in, vouch for that address.

    It vouches for no other address, and not at all without TLS. What the server before vouched for
    is no longer proved, since it may have been somebody's own that takes any name.
    """
    identities = Identity.objects.filter(account=account)
    identities.update(server_accepted_at=None)
    look_again(identities, now=now)
    server = getattr(account, "outgoing", None)
    if server is not None and server.security != Security.PLAIN:
        same = identities.filter(address__iexact=server.username)
        same.update(server_accepted_at=now)
