"""Adding an account, page by page: what is proposed, kept, refused, and who is asked."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.serializers import serialize
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import onboarding, providers, setups
from accounts.findings import Finding, Source, from_table
from accounts.models import (
    Authorization,
    ExternalAccount,
    Identity,
    OAuthApp,
    Plan,
    Probe,
    Setup,
    User,
    VerificationCode,
)
from accounts.models.probe import ProbeState
from accounts.models.setup import LookUp
from accounts.providers import Server
from accounts.roster import add_account
from tests.builders import make_account, make_user
from wire.endpoint import Protocol, Security

ADD = "/settings/mail-accounts/add/"
SECRET = "kata sandi rahasia"
INPUT = re.compile(r'<(?:input|select)[^>]*name="(\w+)"[^>]*>')


def follow(client: Client, address: str, typed: dict[str, Any]) -> tuple[str, str]:
    """Send a page; return where it leads and what stands there."""
    answer = client.post(address, typed)
    assert answer.status_code == 302, unescape(answer.content.decode())
    there = answer["Location"]
    return there, unescape(client.get(there).content.decode())


def filled(page: str) -> dict[str, str]:
    """Return what a form would send as it stands."""
    values = {}
    for tag in re.finditer(r"<input[^>]*>", page):
        name, value = (re.search(rf'{x}="([^"]*)"', tag[0]) for x in ("name", "value"))
        is_box = re.search(r'type="(radio|checkbox)"', tag[0])
        if name and (not is_box or "checked" in tag[0]):
            values[name[1]] = value[1] if value else "on" if is_box else ""
    for name, options in re.findall(r'<select[^>]*name="(\w+)".*?>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(
            r'value="([^"]*)"', options
        )
        values[name] = chosen[1] if chosen else ""
    return values


@pytest.mark.django_db
def test_a_known_provider_takes_two_fields_and_asks_nobody(client: Client, alice: User) -> None:
    there, page = follow(client, ADD, {"address": "siti@gmx.de"})
    assert "From our own list of providers; nobody was asked." in page
    there, page = follow(client, there, filled(page))
    assert "Switch on POP3 and IMAP once" in page
    assert SECRET not in page
    there, _ = follow(client, there, filled(page) | {"password": SECRET})
    probe = Probe.objects.get(owner=alice)
    assert there == reverse("probe", args=[probe.public_id])
    assert (probe.host, probe.port, probe.security) == ("imap.gmx.net", 993, "tls")
    assert (probe.username, probe.address) == ("siti@gmx.de", "siti@gmx.de")
    assert not Setup.objects.filter(asks_network=True).exists()


@pytest.mark.django_db
def test_an_unknown_domain_waits_for_a_worker_and_follows_it_by_itself(
    client: Client, alice: User
) -> None:
    there, page = follow(client, ADD, {"address": "siti@contoh.example"})
    assert "Looking for the mail servers of contoh.example" in page
    assert re.search(r'<noscript>\s*<meta http-equiv="refresh"', page)
    assert client.get(there, headers={"HX-Request": "true"}).status_code == 204
    told = Server(Protocol.POP3, "pop.contoh.example", Security.TLS, "siti@contoh.example")
    finding = Finding(Source.AUTOCONFIG, "autoconfig.contoh.example", (told,))
    Setup.objects.update(state=LookUp.DONE, found=[finding.as_json()])
    assert client.get(there, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    page = unescape(client.get(there).content.decode())
    assert "Published by autoconfig.contoh.example." in page
    _, page = follow(client, there, filled(page))
    assert filled(page)["host"] == "pop.contoh.example"


@pytest.mark.django_db
def test_nobody_waits_for_a_worker_that_does_not_come(client: Client, alice: User) -> None:
    there, _ = follow(client, ADD, {"address": "siti@contoh.example"})
    assert 'name="provider"' in client.get(f"{there}?by_hand").content.decode()
    Setup.objects.update(created_at=timezone.now() - timedelta(seconds=13))
    assert "We found no mail servers for contoh.example" in client.get(there).content.decode()


@pytest.mark.django_db
def test_whoever_enters_settings_by_hand_asks_nobody(client: Client, alice: User) -> None:
    _, page = follow(client, ADD, {"address": "siti@contoh.example", "by_hand": ""})
    assert filled(page)["provider"] == "other"
    assert not Setup.objects.filter(asks_network=True).exists()


@pytest.mark.django_db
def test_back_keeps_what_was_typed_but_no_secret(client: Client, alice: User) -> None:
    there, page = follow(client, ADD, {"address": "siti@contoh.example", "by_hand": ""})
    incoming, page = follow(client, there, filled(page))
    typed = {
        **filled(page),
        "host": "Surat.contoh.example",
        "name": "Kantor",
        "reply_to": "balas@contoh.example",
        "is_default": "on",
        "port": "1",
        "password": SECRET,
    }
    back, page = follow(client, incoming, typed | {"back": ""})
    assert back == there
    assert filled(page)["provider"] == "other"
    _, page = follow(client, there, filled(page))
    shown = filled(page)
    assert {name: shown[name] for name in typed if name in shown} == typed | {
        "password": "",
        "csrfmiddlewaretoken": shown["csrfmiddlewaretoken"],
    }
    assert SECRET not in serialize("json", [*Setup.objects.all(), *Probe.objects.all()])
    assert not any(SECRET in str(one.get_decoded()) for one in Session.objects.all())


@pytest.mark.django_db
def test_back_from_type_keeps_the_address_and_the_choice(client: Client, alice: User) -> None:
    there, page = follow(client, ADD, {"address": "siti@gmx.de"})
    chosen = filled(page) | {"protocol": "pop3", "provider": "other"}
    _, page = follow(client, there, chosen | {"back": ""})
    assert filled(page)["address"] == "siti@gmx.de"
    again, page = follow(client, f"{ADD}?setup={Setup.objects.get().public_id}", filled(page))
    assert again == there, "the same walk goes on"
    assert (filled(page)["protocol"], filled(page)["provider"]) == ("pop3", "other")


@pytest.mark.django_db
def test_a_page_that_is_left_keeps_what_was_typed(client: Client, alice: User) -> None:
    there, page = follow(client, ADD, {"address": "siti@gmx.de"})
    assert client.post(there, {"protocol": "pop3", "provider": "", "keep": ""}).status_code == 204
    _, page = follow(client, there, filled(client.get(there).content.decode()))
    assert "POP3" in page
    incoming = reverse("account_add_incoming", args=[Setup.objects.get().public_id])
    typed = filled(page) | {"name": "Kantor", "password": SECRET, "keep": ""}
    assert client.post(incoming, typed).status_code == 204
    assert filled(client.get(incoming).content.decode())["name"] == "Kantor"
    assert not Probe.objects.exists()


@pytest.mark.django_db
def test_imap_is_proposed_where_the_provider_has_it(client: Client, alice: User) -> None:
    _, page = follow(client, ADD, {"address": "siti@gmail.com"})
    assert filled(page)["protocol"] == "imap"
    assert "(recommended)" in page
    assert "For now only the inbox is fetched here, one way" in page
    told = Server(Protocol.POP3, "pop.contoh.example", Security.TLS, "siti@contoh.example")
    begun = setups.begin(alice, "siti@contoh.example", now=timezone.now(), by_hand=True)
    begun.found = [Finding(Source.SRV, "contoh.example", (told,)).as_json()]
    begun.save()
    page = client.get(reverse("account_add_type", args=[begun.public_id])).content.decode()
    assert filled(page)["protocol"] == "pop3"


@pytest.mark.django_db
def test_a_guess_names_the_server_that_is_proposed(client: Client, alice: User) -> None:
    address = "siti@contoh.example"
    names = {Protocol.POP3: "pop", Protocol.IMAP: "imap", Protocol.SMTP: "smtp"}
    told = tuple(
        Server(protocol, f"{name}.contoh.example", Security.TLS, address)
        for protocol, name in names.items()
    )
    begun = setups.begin(alice, address, now=timezone.now(), by_hand=True)
    begun.found = [Finding(Source.GUESS, "pop.contoh.example", told).as_json()]
    begun.save()
    there = reverse("account_add_type", args=[begun.public_id])
    page = client.get(there).content.decode()
    assert "usual names: pop.contoh.example, imap.contoh.example answered." in page
    for protocol in (Protocol.POP3, Protocol.IMAP):
        _, page = follow(client, there, {"provider": "found", "protocol": protocol})
        assert f"usual names: {names[protocol]}.contoh.example answered." in page


@pytest.mark.django_db
def test_another_provider_brings_other_servers(client: Client, alice: User) -> None:
    there, page = follow(client, ADD, {"address": "siti@contoh.example", "by_hand": ""})
    wanted = {"protocol": "pop3"}
    for provider, host in (
        ("smartermail", "mail.contoh.example"),
        ("google", "pop.gmail.com"),
        ("zoho-own", "poppro.zoho.com"),
        ("other", ""),
    ):
        incoming, page = follow(client, there, wanted | {"provider": provider})
        assert filled(page)["host"] == host
        kept = filled(page) | {"name": "Kantor", "host": host or "x.example", "back": ""}
        follow(client, incoming, kept)
    assert filled(page)["name"] == "Kantor"


@pytest.mark.django_db
def test_a_type_that_the_provider_lacks_is_refused_with_its_name(
    client: Client, alice: User
) -> None:
    there, page = follow(client, ADD, {"address": "siti@icloud.com"})
    answer = client.post(there, filled(page) | {"protocol": "pop3", "provider": "icloud"})
    assert answer.status_code == 422
    assert "iCloud does not offer POP3." in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize(
    "typed",
    [{"provider": "nobody"}, {"protocol": "smtp"}, {"provider": ""}, {"protocol": "pop3; DROP"}],
)
def test_only_what_was_offered_can_be_chosen(client: Client, typed: dict[str, str]) -> None:
    there, page = follow(client, ADD, {"address": "siti@gmail.com"})
    assert client.post(there, filled(page) | typed).status_code == 422
    assert not Setup.objects.get().typed


@pytest.mark.django_db
def test_the_incoming_page_is_not_reached_before_a_type_is_chosen(
    client: Client, alice: User
) -> None:
    begun = setups.begin(alice, "siti@gmail.com", now=timezone.now())
    answer = client.get(reverse("account_add_incoming", args=[begun.public_id]))
    assert answer["Location"] == reverse("account_add_type", args=[begun.public_id])


@pytest.mark.django_db
def test_an_address_that_is_here_is_told_on_the_first_page(client: Client, alice: User) -> None:
    make_account(alice, address="siti@gmail.com")
    answer = client.post(ADD, {"address": "SITI@gmail.com"})
    assert answer.status_code == 422
    assert "You have already added this address." in answer.content.decode()


@pytest.mark.django_db
def test_look_ups_are_limited_by_person_and_by_domain(client: Client, alice: User) -> None:
    for number in range(setups.LOOK_UPS_AN_HOUR):
        setups.begin(alice, f"siti@contoh{number}.example", now=timezone.now())
    answer = client.post(ADD, {"address": "siti@lain.example"})
    assert "That was the last of 20 look-ups in one hour." in answer.content.decode()
    follow(client, ADD, {"address": "siti@gmail.com"})
    follow(client, ADD, {"address": "siti@lain.example", "by_hand": ""})
    now = timezone.now()
    Setup.objects.update(domain="lain.example", created_at=now - timedelta(minutes=59))
    rest = setups.LOOK_UPS_AN_HOUR_AND_DOMAIN - setups.LOOK_UPS_AN_HOUR
    strangers = [make_user(f"orang{number}@example.org") for number in range(3)]
    for number in range(rest):
        setups.begin(strangers[number % 3], f"a{number}@lain.example", now=now)
    client.force_login(make_user("bob@example.org"))
    answer = client.post(ADD, {"address": "siti@LAIN.example"})
    assert "was tested very often in the last hour" in answer.content.decode()
    Setup.objects.update(created_at=now - timedelta(minutes=61))
    follow(client, ADD, {"address": "siti@lain.example"})


@pytest.mark.django_db
def test_what_was_begun_is_forgotten_after_a_day(alice: User) -> None:
    setups.begin(alice, "siti@gmail.com", now=timezone.now() - timedelta(hours=25))
    kept = setups.begin(alice, "budi@gmail.com", now=timezone.now())
    setups.forget_old(timezone.now())
    assert Setup.objects.get() == kept


@pytest.mark.django_db
def test_plain_shows_its_warning_and_the_port_follows_without_scripts(
    client: Client, alice: User
) -> None:
    Plan.objects.update(allow_plain=True)
    there, page = follow(client, ADD, {"address": "siti@gmx.de"})
    there, page = follow(client, there, filled(page) | {"protocol": "pop3"})
    assert "anybody on the way can read the password" in page
    follow(client, there, filled(page) | {"security": "plain", "password": SECRET})
    assert Probe.objects.get().port == 110


@pytest.mark.django_db
def test_names_and_default_are_kept_with_the_account(alice: User) -> None:
    make_account(alice, is_default=True)
    begun = setups.begin(alice, "siti@gmx.de", now=timezone.now())
    wanted = onboarding.NewAccount(
        address="siti@gmx.de",
        name="Kantor",
        protocol=Protocol.POP3,
        host="pop.gmx.net",
        port=995,
        security=Security.TLS,
        username="siti@gmx.de",
        password=SECRET,
        from_address="kantor@contoh.example",
        reply_to="balas@contoh.example",
        is_default=True,
    )
    probe = onboarding.begin_probe(alice, wanted, now=timezone.now(), setup=begun)
    assert onboarding.wanted_again(probe) == wanted
    account = add_account(alice, onboarding.wanted_again(probe), now=timezone.now())
    account.refresh_from_db()
    assert account.is_default
    assert ExternalAccount.objects.filter(is_default=True).count() == 1
    asked = VerificationCode.objects.values_list("address", "use")
    assert {*asked} == {("kantor@contoh.example", "send_as"), ("balas@contoh.example", "reply_to")}
    rows = Identity.objects.filter(account=account)
    assert {(one.address, one.reply_to, one.is_default) for one in rows} == {
        ("kantor@contoh.example", "balas@contoh.example", True),
        ("siti@gmx.de", "balas@contoh.example", False),
    }


@pytest.mark.django_db
def test_a_failed_test_leads_back_to_what_was_typed(client: Client, alice: User) -> None:
    there, page = follow(client, ADD, {"address": "siti@gmx.de"})
    incoming, page = follow(client, there, filled(page))
    there, _ = follow(client, incoming, filled(page) | {"name": "Kantor", "password": SECRET})
    Probe.objects.update(state=ProbeState.FAILED, code="auth.failed")
    assert f'href="{incoming}"' in client.get(there).content.decode()
    page = client.get(incoming).content.decode()
    assert filled(page)["name"] == "Kantor"
    assert SECRET not in page
    follow(client, incoming, filled(page) | {"username": "siti"})
    latest = Probe.objects.order_by("-id")[0]
    assert (onboarding.wanted_again(latest).password, latest.username) == (SECRET, "siti")


@pytest.mark.django_db
def test_a_refused_sign_in_is_told_what_its_provider_asks_for(client: Client, alice: User) -> None:
    there, page = follow(client, ADD, {"address": "siti@nathanael.llc"})
    incoming, page = follow(client, there, filled(page))
    assert filled(page)["host"] == "mail.nathanael.llc"
    there, _ = follow(client, incoming, filled(page) | {"password": SECRET})
    assert "Settings, Account" not in unescape(client.get(there).content.decode())
    Probe.objects.update(state=ProbeState.FAILED, code="auth.failed")
    page = unescape(client.get(there).content.decode())
    assert "in SmarterMail open Settings, Account" in page


@pytest.mark.django_db
def test_where_no_type_is_allowed_the_page_names_the_rule(client: Client, alice: User) -> None:
    Plan.objects.update(allow_pop3=False, allow_imap=False)
    there, page = follow(client, ADD, {"address": "siti@gmail.com"})
    assert "Blocked by plan Standard" in page
    assert client.post(there, filled(page) | {"protocol": "pop3"}).status_code == 422


def test_every_preset_is_added_by_typing_two_fields() -> None:
    typed, by_hand = {}, []
    for provider in providers.every():
        if not provider.domains or not provider.passwords:
            continue
        known = from_table(address := f"siti@{provider.domains[0]}")
        assert known
        begun = Setup(address=address, found=[known.as_json()])
        begun.typed = setups.suggested(begun, list(Protocol))
        values = setups.initial(begun)
        asked = ("host", "security", "port", "username")
        typed[provider.key] = 2 + sum(not values.get(name) for name in asked)
        if typed[provider.key] > 2:
            by_hand.append(provider.key)
    assert len(typed) > 160
    assert by_hand == []


@pytest.mark.django_db
def test_a_provider_without_passwords_is_signed_in_at_its_own_pages(
    client: Client, alice: User
) -> None:
    there, page = follow(client, ADD, {"address": "siti@outlook.co.id"})
    incoming, page = follow(client, there, filled(page))
    assert "has not been set up here for outlook.office365.com" in page
    assert 'name="password"' not in page
    OAuthApp.objects.create(
        slug="microsoft",
        name="Microsoft",
        dialect="standard",
        issuer="https://login.example.org",
        client_id="muara",
        scopes="mail offline_access",
        servers="outlook.office365.com",
    )
    page = unescape(client.get(incoming).content.decode())
    assert "offline_access" in page
    kept = filled(page) | {"name": "Kantor", "authenticate": "page"}
    there, _ = follow(client, incoming, kept)
    trip = Authorization.objects.get()
    assert there == reverse("authorization", args=[trip.public_id])
    assert (trip.address, trip.wanted["name"]) == ("siti@outlook.co.id", "Kantor")
    assert not Probe.objects.exists()
    assert Authorization.objects.get().setup == Setup.objects.get()


@pytest.mark.django_db
def test_nobody_is_sent_away_for_a_server_without_an_app(client: Client, alice: User) -> None:
    there, page = follow(client, ADD, {"address": "siti@gmx.de"})
    incoming, page = follow(client, there, filled(page))
    answer = client.post(incoming, filled(page) | {"authenticate": "page"})
    assert answer.status_code == 200
    assert not Authorization.objects.exists()
