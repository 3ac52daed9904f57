"""Send Mail As: the list, the code with and without scripts, and what strangers may not."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import code_mails
from accounts.models import ExternalAccount, Identity, OwnedAddress, Use, User, VerificationCode
from tests.accounts.test_verification import digits_of, wrong
from tests.builders import make_account, make_user

LIST = "/settings/send-mail-as/"
# What differs from one answer to the next.
EACH_TIME = re.compile(r"csrfmiddlewaretoken.*?>|in <span.*?seconds|nonce=.*?>|\b\d{10}\b")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def alice(client: Client) -> User:
    """Sign Alice in."""
    owner = make_user(name="Alice")
    client.force_login(owner)
    return owner


@pytest.fixture
def account(alice: User) -> ExternalAccount:
    """Give Alice an account with the address that it was added with."""
    account = make_account(alice, address="alice@work.example", name="Work")
    own = {"address": account.address, "is_default": True}
    Identity.objects.create(owner=alice, account=account, name="Alice", **own)
    return account


def mailed_code() -> str:
    """Let the worker send what is due, and read the last mail."""
    code_mails.send_due(timezone.now())
    return digits_of(mail.outbox[-1])


def place(identity: Identity, *more: str) -> str:
    """Return the address of a page about an identity."""
    return f"{LIST}{identity.public_id}/" + "".join(f"{part}/" for part in more)


@pytest.mark.django_db
def test_an_address_is_added_and_verified_without_scripts(
    client: Client, account: ExternalAccount
) -> None:
    typed = {"address": "Ati@Toko.example", "name": "Toko Ati", "account": account.pk}
    answer = client.post(f"{LIST}add/", typed, follow=True)
    added = Identity.objects.get(address="Ati@toko.example")
    assert answer.redirect_chain[-1][0] == place(added, "verify")
    assert "We sent a 6-digit code to <strong>Ati@toko.example</strong>" in answer.content.decode()
    digits = mailed_code()
    answer = client.post(place(added, "verify"), {"code": wrong(digits)})
    assert answer.status_code == 422
    assert "That code doesn&#x27;t match. Tries left: 4." in answer.content.decode()
    answer = client.post(
        place(added, "verify"), {"code": f"{digits[:3]} {digits[3:]}"}, follow=True
    )
    assert answer.redirect_chain == [(f"{LIST}#identity-{added.public_id}", 302)]
    assert "Verified" in answer.content.decode()
    assert OwnedAddress.objects.get().use == Use.SEND_AS


@pytest.mark.django_db
def test_the_dialog_is_filled_and_its_row_renewed(client: Client, account: ExternalAccount) -> None:
    identity = Identity.objects.get()
    dialog = client.post(place(identity, "code"), headers=HTMX).content.decode()
    assert 'id="verify-title"' in dialog
    assert 'hx-swap-oob="true"' in dialog
    assert "Waiting for code" in dialog
    assert "<html" not in dialog
    digits = mailed_code()
    answer = client.post(place(identity, "verify"), {"code": wrong(digits)}, headers=HTMX)
    assert answer.status_code == 200
    assert "Tries left: 4." in answer.content.decode()
    answer = client.post(place(identity, "verify"), {"code": digits}, headers=HTMX)
    assert f'data-verified="identity-{identity.public_id}"' in answer.content.decode()
    assert "Verified" in answer.content.decode()


@pytest.mark.django_db
def test_pressing_verify_twice_sends_one_mail_and_a_new_one_waits(
    client: Client, account: ExternalAccount
) -> None:
    identity = Identity.objects.get()
    for _ in range(2):
        client.post(place(identity, "code"))
    mailed_code()
    answer = client.post(place(identity, "code"), {"new": "1"}, headers=HTMX).content.decode()
    assert "A code was sent a moment ago." in answer
    assert re.search(r"in <span data-left>\d\d</span> seconds", answer)
    assert VerificationCode.objects.count() == len(mail.outbox) == 1


@pytest.mark.django_db
def test_a_reply_to_elsewhere_gets_a_code_and_the_accounts_own_does_not(
    client: Client, account: ExternalAccount
) -> None:
    identity = Identity.objects.get()
    typed = {"name": "Alice", "reply_to": "team@office.example"}
    answer = client.post(place(identity), typed)
    assert answer["Location"] == place(identity, "verify")
    client.post(place(identity, "reply-to", "code"))
    sent = VerificationCode.objects.filter(use=Use.REPLY_TO)
    assert [code.address for code in sent] == ["team@office.example"]
    code_mails.send_due(timezone.now())
    (told,) = [one for one in mail.outbox if one.to == ["team@office.example"]]
    client.post(place(identity, "reply-to", "verify"), {"code": digits_of(told)})
    assert OwnedAddress.objects.get().address == "team@office.example"
    client.post(place(identity), {"name": "Alice", "reply_to": "ALICE@work.example"})
    page = client.get(LIST).content.decode()
    assert page.count('data-tone="ok"') == 1, "the Reply-To only"


@pytest.mark.django_db
def test_only_a_verified_address_becomes_the_default(
    client: Client, account: ExternalAccount
) -> None:
    own = Identity.objects.get()
    other = Identity.objects.create(owner=own.owner, account=account, address="b@work.example")
    client.post(place(other, "default"))
    assert Identity.objects.get(is_default=True) == own
    OwnedAddress.objects.create(
        owner=own.owner, address=other.address, use=Use.SEND_AS, proved_at=timezone.now()
    )
    client.post(place(other, "default"))
    assert Identity.objects.get(is_default=True) == other
    client.post(place(other, "remove"))
    assert Identity.objects.get().is_default
    client.post(place(own, "remove"))
    assert Identity.objects.get() == own, "the account's own address stays"


@pytest.mark.django_db
def test_known_and_unknown_addresses_get_the_same_answers(
    client: Client, account: ExternalAccount
) -> None:
    bob = make_user("bob@known.example")
    Identity.objects.create(
        owner=bob,
        account=make_account(bob, address="bob@known.example"),
        address="bob@known.example",
    )
    OwnedAddress.objects.create(
        owner=bob, address="bob@known.example", use=Use.SEND_AS, proved_at=timezone.now()
    )
    pages = []
    for address in ("bob@known.example", "eve@other.example"):
        answer = client.post(f"{LIST}add/", {"address": address, "account": account.pk})
        told = client.get(answer["Location"])
        wrong_one = client.post(answer["Location"], {"code": "000000"})
        text = told.content.decode() + wrong_one.content.decode()
        text = EACH_TIME.sub("", text)
        public_id = Identity.objects.get(owner=account.owner, address=address).public_id
        status = (answer.status_code, told.status_code, wrong_one.status_code)
        pages.append((status, text.replace(address, "X").replace(str(public_id), "ID")))
    assert pages[0] == pages[1]


@pytest.mark.django_db
def test_what_cannot_stand_in_a_header_is_not_kept(
    client: Client, account: ExternalAccount
) -> None:
    for typed in (
        {"address": "a@b.example\r\nBcc: c@d.example"},
        {"address": "b@b.example", "reply_to": '"x"@b.example'},
        {"address": "c@b.example", "name": "Siti\r\nBcc: c@d.example"},
        {"address": "d@b.example", "name": "=?utf-8?q?boss?="},
    ):
        answer = client.post(f"{LIST}add/", {"account": account.pk, **typed})
        assert answer.status_code == 422, typed
    assert Identity.objects.count() == 1


@pytest.mark.django_db
def test_an_address_can_not_be_added_to_a_strangers_account(
    client: Client, account: ExternalAccount
) -> None:
    other = make_account(make_user("bob@example.org"))
    answer = client.post(f"{LIST}add/", {"address": "x@b.example", "account": other.pk})
    assert answer.status_code == 422
    assert Identity.objects.count() == 1


@pytest.mark.django_db
def test_what_was_mailed_too_often_to_others_looks_the_same(
    client: Client, account: ExternalAccount
) -> None:
    identity = Identity.objects.get()
    pages = []
    for busy in (False, True):
        VerificationCode.objects.all().delete()
        if busy:
            for number in range(3):
                person = make_user(f"p{number}@example.org")
                VerificationCode.objects.create(
                    owner=person,
                    address=identity.address,
                    use=Use.SEND_AS,
                    asked_at=timezone.now(),
                    mail_due_at=timezone.now(),
                )
            code_mails.send_due(timezone.now())
        before = len(mail.outbox)
        client.post(place(identity, "code"))
        code_mails.send_due(timezone.now())
        assert len(mail.outbox) - before == (0 if busy else 1)
        page = client.get(place(identity, "verify")).content.decode()
        page = page[page.index("<main") :]
        pages.append(EACH_TIME.sub("", page))
    assert pages[0] == pages[1]
