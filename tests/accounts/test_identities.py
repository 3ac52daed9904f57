"""Nothing unproved reaches a header, and each kind of proof proves what it should."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts import identities
from accounts.identities import IdentityNotVerified, headers_for, note_accepted_sign_in
from accounts.models import Identity, OutgoingServer, OwnedAddress, State, Use, User
from tests.builders import make_account, make_user

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DB = pytest.mark.django_db
FROM, REPLY = "siti@contoh.example", "team@contoh.example"


def identity_of(owner: User, address: str = FROM, reply_to: str = "") -> Identity:
    """Make an address of an account that has another one as its own."""
    account = make_account(owner, address="own@provider.example")
    return Identity.objects.create(owner=owner, account=account, address=address, reply_to=reply_to)


def own(owner: User, address: str, use: Use) -> None:
    """Let a code have been confirmed."""
    OwnedAddress.objects.create(owner=owner, address=address, use=use, proved_at=NOW)


def refusal(identity: Identity) -> str:
    """Ask for headers that are refused, and return why."""
    with pytest.raises(IdentityNotVerified) as caught:
        headers_for(identity)
    return caught.value.code


@DB
def test_nothing_unproved_reaches_a_header() -> None:
    owner = make_user()
    identity = identity_of(owner, reply_to=REPLY)
    assert refusal(identity) == "identity.from"
    own(make_user("bob@example.org"), FROM, Use.SEND_AS)
    own(owner, FROM, Use.REPLY_TO)
    assert refusal(identity) == "identity.from", "proved by another, or for another use"
    own(owner, FROM, Use.SEND_AS)
    assert refusal(identity) == "identity.reply"
    own(owner, REPLY, Use.REPLY_TO)
    assert {name: str(value) for name, value in headers_for(identity).items()} == {
        "From": FROM,
        "Reply-To": REPLY,
    }


@DB
def test_an_object_changed_in_memory_lends_nothing_to_a_header() -> None:
    owner = make_user()
    identity = identity_of(owner)
    own(owner, FROM, Use.SEND_AS)
    identity.address, identity.reply_to, identity.name = "boss@bank.example", REPLY, "Boss"
    assert {name: str(value) for name, value in headers_for(identity).items()} == {"From": FROM}


@DB
@pytest.mark.parametrize("reply_to", [FROM, "OWN@provider.example", ""])
def test_the_from_and_the_accounts_own_address_need_no_code_as_reply_to(reply_to: str) -> None:
    owner = make_user()
    identity = identity_of(owner, reply_to=reply_to)
    own(owner, FROM, Use.SEND_AS)
    assert headers_for(identity)


@DB
def test_who_may_send_as_an_address_may_have_answers_go_there() -> None:
    owner = make_user()
    identity = identity_of(owner, reply_to=REPLY)
    own(owner, FROM, Use.SEND_AS)
    own(owner, REPLY, Use.SEND_AS)
    assert headers_for(identity)["Reply-To"].addr_spec == REPLY


@DB
def test_an_address_of_a_removed_account_reaches_no_header() -> None:
    owner = make_user()
    identity = identity_of(owner)
    own(owner, FROM, Use.SEND_AS)
    account = identity.account
    account.state, account.next_fetch_at = State.REMOVED, None
    account.save()
    assert refusal(identity) == "identity.from"


@DB
@pytest.mark.parametrize(
    ("username", "security", "is_proved"),
    [
        (FROM, "tls", True),
        (FROM.upper(), "tls", True),
        (FROM, "starttls", True),
        (FROM, "plain", False),
        ("siti", "tls", False),
        ("own@provider.example", "tls", False),
    ],
)
def test_a_server_vouches_for_the_address_it_was_signed_in_with(
    username: str, security: str, is_proved: bool
) -> None:
    identity = identity_of(make_user())
    port = {"tls": 465, "starttls": 587, "plain": 587}[security]
    OutgoingServer.objects.create(
        account=identity.account,
        host="smtp.contoh.example",
        port=port,
        security=security,
        username=username,
    )
    note_accepted_sign_in(identity.account, now=NOW)
    if is_proved:
        assert headers_for(identity)
    else:
        assert refusal(identity) == "identity.from"


@DB
def test_what_a_server_vouched_for_ends_with_that_server_and_a_code_does_not() -> None:
    owner = make_user()
    identity = identity_of(owner)
    server = {"host": "smtp.evil.example", "port": 465, "security": "tls", "username": FROM}
    outgoing = OutgoingServer.objects.create(account=identity.account, **server)
    note_accepted_sign_in(identity.account, now=NOW)
    assert headers_for(identity)
    outgoing.delete()
    identity.account.refresh_from_db()
    note_accepted_sign_in(identity.account, now=NOW)
    assert refusal(identity) == "identity.from"
    own(owner, FROM, Use.SEND_AS)
    assert headers_for(identity)


@DB
def test_a_sign_in_lends_its_address_to_no_reply_to_elsewhere() -> None:
    owner = make_user()
    identity = identity_of(owner)
    server = {"host": "smtp.evil.example", "port": 465, "security": "tls", "username": FROM}
    OutgoingServer.objects.create(account=identity.account, **server)
    note_accepted_sign_in(identity.account, now=NOW)
    other = make_account(owner, address="other@provider.example")
    victim = Identity.objects.create(
        owner=owner, account=other, address="other@provider.example", reply_to=FROM
    )
    own(owner, "other@provider.example", Use.SEND_AS)
    assert refusal(victim) == "identity.reply"


@DB
def test_codes_are_asked_for_all_that_is_not_proved() -> None:
    owner = make_user()
    identity = identity_of(owner, reply_to=REPLY)
    assert identities.ask_for_proofs(identity, now=NOW) == [Use.SEND_AS, Use.REPLY_TO]
    asked = set(owner.verificationcode_set.values_list("address", "use"))
    assert asked == {(FROM, Use.SEND_AS), (REPLY, Use.REPLY_TO)}
    assert identities.ask_for_proofs(identity, now=NOW) == [Use.SEND_AS, Use.REPLY_TO]
    assert owner.verificationcode_set.count() == 2


ADDRESSES = ["own@provider.example", "a@x.example", "A@x.example", "b@x.example"]
Proofs = set[tuple[str, Use]]
PROOFS = st.sets(st.tuples(st.sampled_from(ADDRESSES[1:]), st.sampled_from(Use)))


@DB
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    sender=st.sampled_from(ADDRESSES),
    reply=st.sampled_from(["", *ADDRESSES]),
    mine=PROOFS,
    others=PROOFS,
    accepted=st.booleans(),
)
def test_whatever_is_proved_a_header_names_only_that(
    sender: str,
    reply: str,
    mine: set[tuple[str, Use]],
    others: set[tuple[str, Use]],
    accepted: bool,
) -> None:
    User.objects.all().delete()
    owner, other = make_user(), make_user("bob@example.org")
    identity = identity_of(owner, sender, reply)
    for person, proofs in ((owner, mine), (other, others)):
        for address, use in {(address.lower(), use) for address, use in proofs}:
            own(person, address, use)
    if accepted:
        Identity.objects.update(server_accepted_at=NOW)
    proved = {(address.lower(), use) for address, use in mine}
    try:
        headers = headers_for(identity)
    except IdentityNotVerified:
        headers = {}
    if "From" in headers:
        assert accepted or (sender.lower(), Use.SEND_AS) in proved
        assert headers["From"].addr_spec == sender
    if "Reply-To" in headers:
        free = {sender.lower(), "own@provider.example"}
        assert reply.lower() in free or any(reply.lower() == address for address, _use in proved)
