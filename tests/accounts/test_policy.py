"""What administrators allow, joined from plan and groups, and where a refusal shows."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from pytest_django import Settings

from accounts import notice_mails, notices, policy, setups
from accounts.explain import explain
from accounts.models import (
    ExternalAccount,
    GroupPolicy,
    Identity,
    IncomingServer,
    Notice,
    Plan,
    User,
)
from accounts.policy import ACCOUNTS, DELETE, HOST, OUTSIDE, PLAIN, PORT, Policy, Rule, policy_of
from accounts.refusals import AccountRefused
from fetcher.runs import run_fetch
from tests.builders import make_account, make_user
from wire.endpoint import Endpoint, Protocol, Security

SERVER = Endpoint("pop.example.org", 995, Security.TLS)
OPEN_PORT = Endpoint("pop.example.org", 110, Security.PLAIN)


def _policy(name: str, *people: User, **columns: object) -> GroupPolicy:
    group = Group.objects.create(name=name)
    group.user_set.add(*people)
    return GroupPolicy.objects.create(group=group, **columns)


def _codes(of: Policy, server: Endpoint = SERVER, protocol: Protocol = Protocol.POP3) -> list[str]:
    return [objection.code for objection in of.objections(protocol, server)]


def test_what_no_rule_forbids_is_allowed() -> None:
    assert _codes(Policy(())) == []
    assert _codes(Policy((Rule("plan", "Standard"),)), OPEN_PORT) == []


def test_one_rule_that_forbids_is_enough_and_the_first_is_named() -> None:
    both = Policy(
        (
            Rule("plan", "Standard"),
            Rule("policy", "Guests", frozenset({PLAIN})),
            Rule("policy", "Staff", frozenset({PLAIN, OUTSIDE})),
        )
    )
    refusals = both.objections(Protocol.POP3, OPEN_PORT)
    named = [(refusal.code, refusal.facts["by"], refusal.facts["rule"]) for refusal in refusals]
    assert named == [(PLAIN, "policy", "Guests"), (OUTSIDE, "policy", "Staff")]
    with pytest.raises(AccountRefused):
        both.check(Protocol.POP3, OPEN_PORT)
    assert both.allows(DELETE)


@pytest.mark.parametrize(
    ("host", "only", "never", "allowed"),
    [
        ("pop.example.org", [], [], True),
        ("pop.example.org", ["example.org"], [], True),
        ("POP.Example.ORG", ["example.org"], [], True),
        ("pop.notexample.org", ["example.org"], [], False),
        ("pop.example.org", [], ["example.org"], False),
        ("example.org", [], ["pop.example.org"], True),
        ("pop.example.org", ["example.org"], ["pop.example.org"], False),
        ("pop.bücher.example", [], ["xn--bcher-kva.example"], False),
        ("93.184.216.34", [], ["93.184.216.34"], False),
    ],
)
def test_a_listed_name_stands_for_everything_below_it(
    host: str, only: list[str], never: list[str], allowed: bool
) -> None:
    rule = Rule("plan", "Standard", only_hosts=frozenset(only), no_hosts=frozenset(never))
    found = _codes(Policy((rule,)), Endpoint(host, 995, Security.TLS))
    assert found == ([] if allowed else [HOST])


def test_ports_are_narrowed() -> None:
    narrow = Policy((Rule("plan", "Standard", only_ports=frozenset({995, 465})),))
    assert _codes(narrow) == []
    assert _codes(narrow, OPEN_PORT) == [PORT]
    sending = Endpoint("smtp.example.org", 587, Security.STARTTLS)
    assert _codes(narrow, sending, Protocol.SMTP) == [PORT]


def test_the_smallest_number_of_accounts_counts() -> None:
    rules = (Rule("plan", "Big", max_accounts=9), Rule("policy", "Guests", max_accounts=2))
    Policy(rules).check_number(1)
    with pytest.raises(AccountRefused) as caught:
        Policy(rules).check_number(2)
    assert (caught.value.code, caught.value.facts["rule"]) == (ACCOUNTS, "Guests")


@pytest.mark.django_db
def test_plan_and_groups_of_a_person_are_read_and_nobody_elses() -> None:
    alice, bob = make_user(), make_user("bob@example.org")
    _policy("Staff", alice, allow_pop3=False, denied_hosts="*.example.org\n", ports="995")
    Group.objects.create(name="No policy").user_set.add(alice)
    assert [rule.name for rule in policy_of(alice).rules] == ["Standard", "Staff"]
    assert _codes(policy_of(alice)) == ["policy.pop3", HOST]
    assert _codes(policy_of(bob)) == []
    assert _codes(policy_of(bob), OPEN_PORT) == [PLAIN]


def test_a_refusal_names_its_rule_in_both_languages() -> None:
    facts = {"by": "policy", "rule": "Staff {host}"}
    with override("en"):
        words = explain(PLAIN, facts)
        assert words.title == "Blocked by policy Staff {host}: no unencrypted connections."
    with override("id"):
        assert explain(PLAIN, facts).title.startswith("Diblokir oleh kebijakan Staff {host}: ")


@pytest.mark.parametrize(("field", "typed"), [("ports", "995, 25"), ("denied_hosts", "a..b")])
def test_what_cannot_be_a_port_or_a_name_is_refused_in_the_admin(field: str, typed: str) -> None:
    with pytest.raises(ValidationError) as caught:
        GroupPolicy(**{field: typed}).clean_fields(exclude=["group"])
    assert set(caught.value.message_dict) == {field}


@pytest.mark.django_db
def test_the_form_tells_every_rule_beside_its_field(client: Client) -> None:
    alice = make_user()
    _policy("Staff", alice, denied_hosts="example.org", ports="110", allow_delete=False)
    client.force_login(alice)
    typed = {"host": "pop.example.org", "security": "tls"}
    typed |= {"password": "x", "delete_from_server": "on", "delete_after_days": "7"}
    begun = setups.begin(alice, "siti@example.org", now=timezone.now(), by_hand=True)
    setups.remember(begun, {"protocol": "pop3", "provider": "other"})
    answer = client.post(reverse("account_add_incoming", args=[begun.public_id]), typed)
    page = unescape(answer.content.decode())
    assert answer.status_code == 422
    for said in ("pop.example.org may not", "port 995 may not", "nothing may be deleted"):
        assert f"Blocked by policy Staff: {said}" in page


@pytest.mark.django_db
def test_a_host_newly_denied_stops_the_account_before_any_connection_and_frees_it_again() -> None:
    alice, now = make_user(), timezone.now()
    account = make_account(alice, next_fetch_at=now + timedelta(hours=1))
    staff = _policy("Staff", alice, denied_hosts="example.org")
    assert policy.look_again(now) == 1
    run = run_fetch(account.pk)
    assert run
    assert run.code == HOST
    account.refresh_from_db()
    assert (account.last_code, account.last_facts["rule"]) == (HOST, "Staff")
    assert policy.look_again(now) == 0
    staff.delete()
    assert policy.look_again(now) == 1
    assert ExternalAccount.objects.get().next_fetch_at == now


@pytest.mark.django_db
def test_deleting_at_the_provider_cannot_be_chosen_where_it_is_forbidden(client: Client) -> None:
    alice = make_user()
    account = make_account(alice)
    Plan.objects.update(allow_delete=False)
    client.force_login(alice)
    url = f"/settings/mail-accounts/{account.public_id}/deletion/"
    answer = client.post(url, {"when": "at_once"})
    assert "Blocked by plan Standard: nothing may be deleted" in unescape(answer.content.decode())
    assert IncomingServer.objects.get().delete_after_days is None
    assert client.post(url, {"when": "never"}).status_code == 302


@pytest.mark.django_db
def test_a_policy_saved_in_the_admin_acts_at_once(client: Client) -> None:
    chief = make_user("chief@example.org", is_staff=True, is_superuser=True)
    account = make_account(chief, next_fetch_at=timezone.now() + timedelta(hours=1))
    group = Group.objects.create(name="Staff")
    group.user_set.add(chief)
    client.force_login(chief)
    client.post(
        "/admin/accounts/grouppolicy/add/", {"group": group.pk, "allow_outside": "on"}, follow=True
    )
    assert not GroupPolicy.objects.get().allow_pop3
    account.refresh_from_db()
    assert account.next_fetch_at
    assert account.next_fetch_at <= timezone.now()


@pytest.mark.django_db
def test_a_stop_by_policy_or_by_an_administrator_is_told_once_by_banner_and_mail_in_ones_language(
    client: Client, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    owner, now = make_user(language="id"), timezone.now()
    blocked, stopped = make_account(owner), make_account(owner, address="b@example.org")
    client.force_login(make_user("chief@example.org", is_staff=True, is_superuser=True))
    action = {"action": "stop", "_selected_action": [stopped.pk]}
    client.post("/admin/accounts/externalaccount/", action)
    _policy("Staff", owner, denied_hosts="example.org")
    run_fetch(blocked.pk)
    for minute in range(5):
        notices.review(now + timedelta(minutes=minute))
        notice_mails.send_due(now + timedelta(minutes=minute))
    (mail,) = mailoutbox
    text = str(mail.body)
    assert "Diblokir oleh kebijakan Staff: pop.example.org tidak boleh digunakan." in text
    assert "Pengambilan dihentikan oleh pengelola layanan ini." in text
    assert "/help/errors/policy.host/" in text
    codes = Notice.objects.filter(closed_at=None).values_list("code", flat=True)
    assert set(codes) == {HOST, "account.stopped"}
    client.force_login(owner)
    assert "Staff" in client.get("/mail/all/inbox/").content.decode()


@pytest.mark.django_db
def test_the_relay_of_this_place_sends_for_people_only_where_every_rule_says_so(
    client: Client, settings: Settings
) -> None:
    settings.EMAIL_URL = "smtp://relay.example.org"
    alice = make_user()
    account = make_account(alice)
    Identity.objects.create(owner=alice, account=account, address=account.address)
    client.force_login(alice)
    pages = "/settings/send-mail-as/", f"/settings/mail-accounts/{account.public_id}/outgoing/"

    def refusals() -> list[bool]:
        shown = [unescape(client.get(page).content.decode()) for page in pages]
        assert ("Our server" in shown[0]) is ("Blocked by" not in shown[0])
        return ["this service's own server sends no mail of your accounts" in x for x in shown]

    assert refusals() == [True, True]
    Plan.objects.update(allow_relay=True)
    assert refusals() == [False, False]
    _policy("Staff", alice, allow_relay=False)
    assert refusals() == [True, True]
