"""The end of adding an account: its first fetch is followed, and the way its mail is sent."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.core.serializers import serialize
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import setups
from accounts.findings import Finding, Source
from accounts.models import ExternalAccount, Identity, Probe, Setup, User, VerificationCode
from accounts.models.probe import ProbeState
from accounts.providers import Server
from tests.accounts.test_adding import SECRET, filled, follow
from tests.builders import make_account
from wire.endpoint import Protocol, Security


@pytest.mark.django_db
def test_the_first_fetch_is_followed_until_it_is_over(client: Client, alice: User) -> None:
    half = {"progress_done": 1240, "progress_total": 18402, "dispatched_until": None}
    now = timezone.now()
    account = make_account(alice, **half | {"dispatched_until": now + timedelta(minutes=1)})
    own = Identity.objects.create(owner=alice, account=account, address=account.address)
    there = reverse("account_added", args=[account.public_id])
    part = client.get(there, headers={"HX-Request": "true"}).content.decode()
    assert "1,240 of 18,402 messages" in part
    assert "hx-trigger" in part
    assert "<html" not in part
    assert f"Before you can send as {own.address}" in client.get(there).content.decode()
    later = {"next_fetch_at": now + timedelta(minutes=5), "last_checked_at": now}
    done = {"progress_done": 0, "progress_total": 0, "dispatched_until": None}
    ExternalAccount.objects.update(**later, **done)
    page = client.get(there).content.decode()
    assert "The first fetch is over" in page
    assert "hx-trigger" not in page
    assert "comes unread" in page


@pytest.mark.django_db
def test_sending_is_the_next_step_with_the_server_that_was_found(
    client: Client, alice: User
) -> None:
    begun = setups.begin(alice, "siti@contoh.example", now=timezone.now(), by_hand=True)
    account = make_account(alice, address="siti@contoh.example")
    told = Server(Protocol.SMTP, "surat.contoh.example", Security.STARTTLS, begun.address)
    begun.found = [Finding(Source.SRV, "contoh.example", (told,)).as_json()]
    begun.save()
    there = f"{reverse('account_outgoing', args=[account.public_id])}?adding"
    shown = filled(client.get(there).content.decode())
    assert (shown["host"], shown["port"]) == ("surat.contoh.example", "587")
    assert (shown["use_smtp"], shown["authentication"]) == ("on", "same")
    test, page = follow(client, there, shown)
    probe = Probe.objects.get()
    assert (probe.kind, probe.setup) == ("sending", begun)
    Probe.objects.update(state=ProbeState.FAILED, code="smtp.auth")
    page = unescape(client.get(test).content.decode())
    added = reverse("account_added", args=[account.public_id])
    assert f'formaction="{there}"' in page
    assert f"{there.removesuffix('adding')}again={probe.public_id}&adding" in page
    answer = client.post(there, {"authentication": "same"})
    assert answer["Location"] == added


@pytest.mark.django_db
def test_the_presets_fill_sending_in(client: Client, alice: User) -> None:
    for address, username, host, port, way in (
        ("siti@gmail.com", "siti@gmail.com", "smtp.gmail.com", "465", "same"),
        ("siti@nathanael.llc", "siti@nathanael.llc", "mail.nathanael.llc", "587", "same"),
        ("siti@me.com", "siti", "smtp.mail.me.com", "587", "own"),
    ):
        account = make_account(alice, address=address)
        account.incoming.username = username
        account.incoming.save()
        there = reverse("account_outgoing", args=[account.public_id])
        shown = filled(client.get(there).content.decode())
        assert (shown["host"], shown["port"], shown["authentication"]) == (host, port, way)


@pytest.fixture
def at_sending(alice: User) -> str:
    """Bring Alice to the step of sending, with an address that nothing vouches for yet."""
    begun = setups.begin(alice, "siti@contoh.example", now=timezone.now(), by_hand=True)
    account = make_account(alice, address=begun.address)
    Identity.objects.create(owner=alice, account=account, address=account.address, is_default=True)
    probe = Probe(kind="settings", owner=alice, account=account, setup=begun, state="passed")
    probe.expires_at, probe.address = timezone.now() + timedelta(minutes=9), account.address
    probe.protocol, probe.host, probe.port, probe.security = "pop3", "x.example", 995, "tls"
    probe.save()
    return f"{reverse('account_outgoing', args=[account.public_id])}?adding"


@pytest.mark.django_db
def test_skipping_the_step_of_sending_mails_a_code_for_the_own_address(
    client: Client, at_sending: str
) -> None:
    added, page = follow(client, at_sending, {"skip": ""})
    assert added == reverse("account_added", args=[ExternalAccount.objects.get().public_id])
    assert "We sent a code to siti@contoh.example." in page
    code = VerificationCode.objects.get()
    assert code.address == "siti@contoh.example"
    assert code.mail_due_at is not None
    assert code.mail_due_at <= timezone.now()
    assert "Waiting for code" in client.get(reverse("send_mail_as")).content.decode()
    follow(client, at_sending, {"skip": ""})
    assert VerificationCode.objects.get() == code, "nobody loses a code to another one"


@pytest.mark.django_db
def test_sending_without_a_server_of_ones_own_mails_a_code(client: Client, at_sending: str) -> None:
    _, page = follow(client, at_sending, {"authentication": "same"})
    assert "We sent a code to siti@contoh.example." in page
    assert "Waiting for code" in client.get(reverse("send_mail_as")).content.decode()


@pytest.mark.django_db
def test_back_from_sending_keeps_what_was_typed_but_no_secret(
    client: Client, at_sending: str
) -> None:
    page = client.get(at_sending).content.decode()
    own = {"use_smtp": "on", "host": "surat.x.example", "authentication": "own"}
    typed = filled(page) | own | {"username": "siti", "password": SECRET}
    back, _ = follow(client, at_sending, typed | {"back": ""})
    assert back == reverse("probe", args=[Probe.objects.get().public_id])
    shown = filled(client.get(at_sending).content.decode())
    assert {name: shown[name] for name in own} == own
    assert (shown["username"], shown["password"]) == ("siti", "")
    assert client.post(at_sending, typed | {"host": "y.example", "keep": ""}).status_code == 204
    assert filled(client.get(at_sending).content.decode())["host"] == "y.example"
    assert SECRET not in serialize("json", Setup.objects.all())
    assert not VerificationCode.objects.exists()
