"""The pages: what they show, what they keep, whom they refuse."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from html import unescape
from ipaddress import ip_network
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts import onboarding, probe_runs, roster, setups
from accounts.forms.connection import ConnectionForm
from accounts.models import (
    Authorization,
    Batch,
    ExternalAccount,
    Identity,
    Plan,
    Probe,
    Setup,
    State,
    User,
)
from accounts.models.account import Color
from accounts.models.probe import ProbeState, Step
from accounts.policy import Policy
from accounts.urls import urlpatterns
from tests.accounts.oauth import make_app
from tests.accounts.test_onboarding import SECRET, WANTED
from tests.builders import make_account, make_user
from wire.guard import Guard

TYPED = {
    "name": "Kantor Siti",
    "host": "POP.example.org.",
    "security": "tls",
    "port": "",
    "username": "",
    "password": SECRET,
    "delete_after_days": "7",
}


def _setup(owner: User) -> Setup:
    begun = setups.begin(owner, "siti@example.org", now=timezone.now(), by_hand=True)
    setups.remember(begun, {"protocol": "pop3", "provider": "other"})
    return begun


def _page(setup: Setup) -> str:
    return reverse("account_add_incoming", args=[setup.public_id])


def _failed(owner: User, **columns: Any) -> Probe:
    probe = onboarding.begin_probe(owner, WANTED, now=timezone.now(), setup=_setup(owner))
    told = {"code": "auth.failed", "step": "sign_in", "detail": "-ERR [AUTH] no <b>entry</b>"}
    facts = {"host": "pop.example.org", "port": 995}
    Probe.objects.filter(pk=probe.pk).update(
        state=ProbeState.FAILED, facts=facts, **(told | columns)
    )
    return Probe.objects.get(pk=probe.pk)


def _addresses(account: ExternalAccount, probe: Probe) -> list[str]:
    identity = Identity.objects.create(
        owner=account.owner, account=account, address="other@example.org"
    )
    trip = Authorization.objects.create(
        owner=account.owner, app=make_app(), address="a@example.org", expires_at=timezone.now()
    )
    batch = Batch.objects.create(owner=account.owner, created_at=timezone.now())
    assert probe.setup
    ids = {
        "batch": batch.public_id,
        "account": account.public_id,
        "probe": probe.public_id,
        "setup": probe.setup.public_id,
        "identity": identity.public_id,
        "trip": trip.public_id,
    }
    found = []
    for pattern in urlpatterns:
        names = re.findall(r"<uuid:(\w+)>", str(pattern.pattern))
        found.append(reverse(str(pattern.name), kwargs={name: ids[name] for name in names}))
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_whoever_is_not_signed_in_is_sent_to_sign_in(client: Client, method: str) -> None:
    owner = make_user()
    for address in _addresses(make_account(owner), _failed(owner)):
        answer = getattr(client, method)(address)
        assert answer["Location"].startswith("/auth/login/?next=/settings/"), address


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing_and_changes_nothing(client: Client, method: str) -> None:
    owner = make_user()
    account, probe = make_account(owner, is_default=True), _failed(owner)
    client.force_login(make_user("bob@example.org", is_staff=True, is_superuser=True))
    addresses = _addresses(account, probe)
    tables = (ExternalAccount, Probe, Setup, Identity)
    before = [list(table.objects.values()) for table in tables]
    for address in addresses:
        if re.search("[0-9a-f-]{36}", address):
            answer = getattr(client, method)(address, {"typed": account.address} | TYPED)
            assert answer.status_code in {404, 405}, address
    assert [list(table.objects.values()) for table in tables] == before


@pytest.mark.django_db
def test_nothing_changes_by_get(client: Client, alice: User) -> None:
    account = make_account(alice)
    before = ExternalAccount.objects.values().get()
    for address in _addresses(account, _failed(alice)):
        client.get(address)
    assert ExternalAccount.objects.values().get() == before


@pytest.mark.django_db
def test_a_posted_form_begins_a_test_and_leads_to_its_page(client: Client, alice: User) -> None:
    answer = client.post(_page(_setup(alice)), TYPED)
    probe = Probe.objects.get(owner=alice)
    assert answer["Location"] == reverse("probe", args=[probe.public_id])
    assert (probe.host, probe.port, probe.username) == ("pop.example.org", 995, "siti@example.org")
    assert probe.delete_after_days is None
    assert not ExternalAccount.objects.exists()


@pytest.mark.django_db
def test_deleting_at_the_provider_is_off_unless_ticked(client: Client, alice: User) -> None:
    page = client.get(_page(_setup(alice))).content.decode()
    assert re.search(r'name="delete_from_server"[^>]*>', page)
    assert "checked" not in page
    client.post(
        _page(_setup(alice)), TYPED | {"delete_from_server": "on", "delete_after_days": "0"}
    )
    assert Probe.objects.get(owner=alice).delete_after_days == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("port", "111"), ("port", "110"), ("port", "-1"), ("port", "9" * 30)),
        *(("security", "plain"), ("security", "none"), ("from_address", "nobody")),
        *(("host", "pop example.org"), ("host", "a/b"), ("host", "x" * 300), ("host", "a..b")),
        *(("username", "siti\nQUIT"), ("password", "a\r\nDELE 1"), ("password", "")),
        *(("name", "a\x00b"), ("delete_after_days", "5"), ("reply_to", "a@b@c")),
    ],
)
def test_what_cannot_be_right_is_refused_beside_its_field(
    client: Client, alice: User, field: str, value: str
) -> None:
    answer = client.post(_page(_setup(alice)), TYPED | {field: value})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert re.search(r"<title>\s*Error:", page)
    assert f'href="#id_{field}"' in page
    assert SECRET not in page
    assert not Probe.objects.exists()


@pytest.mark.django_db
def test_starttls_takes_port_110_by_itself(client: Client, alice: User) -> None:
    client.post(_page(_setup(alice)), TYPED | {"security": "starttls"})
    assert Probe.objects.get(owner=alice).port == 110


@pytest.mark.django_db
def test_plain_is_offered_with_a_warning_where_the_plan_allows_it(
    client: Client, alice: User
) -> None:
    assert 'value="plain"' not in client.get(_page(_setup(alice))).content.decode()
    Plan.objects.update(allow_plain=True)
    assert "anybody on the way can read" in client.get(_page(_setup(alice))).content.decode()
    client.post(_page(_setup(alice)), TYPED | {"security": "plain"})
    assert Probe.objects.get(owner=alice).security == "plain"


@pytest.mark.django_db
def test_plain_posted_by_hand_is_refused_by_the_plan_beside_every_other_error(
    client: Client, alice: User
) -> None:
    answer = client.post(
        _page(_setup(alice)), TYPED | {"security": "plain", "port": "111", "host": "10.0.0.1"}
    )
    page = unescape(answer.content.decode())
    assert answer.status_code == 422
    assert "Blocked by plan Standard: no unencrypted connections. Choose SSL/TLS" in page
    assert "ask an administrator to allow it" in page
    assert "only ports 110 and 995 are allowed" in page
    assert "Its address belongs to a private network" in page
    assert "Select a valid choice" not in page
    assert 'value="plain"' not in page
    assert not Probe.objects.exists()


@pytest.mark.django_db
def test_a_private_address_that_was_allowed_may_be_typed(
    client: Client, alice: User, settings: Settings
) -> None:
    typed = TYPED | {"host": "10.0.0.1"}
    page = _page(_setup(alice))
    assert client.post(page, typed).status_code == 422
    settings.GUARD = Guard(allow_networks=(ip_network("10.0.0.0/8"),))
    client.post(page, typed)
    assert Probe.objects.get(owner=alice).host == "10.0.0.1"


@pytest.mark.django_db
def test_fields_that_are_not_asked_for_are_not_taken(client: Client, alice: User) -> None:
    bob = make_user("bob@example.org")
    more = {"owner": bob.pk, "state": "passed", "attempts": 9, "account": 1, "protocol": "imap"}
    client.post(_page(_setup(alice)), TYPED | more)
    probe = Probe.objects.get()
    assert (probe.owner, probe.state, probe.attempts, probe.account, probe.protocol) == (
        *(alice, ProbeState.WAITING, 0, None),
        "pop3",
    )
    account = make_account(alice)
    page = client.get(reverse("account_settings", args=[account.public_id])).content.decode()
    assert page.count("<option") == len(Color)
    look = {"name": "Work", "badge": "WK", "color": "teal", "interval_minutes": 10}
    forbidden = {"owner": bob.pk, "state": "removed", "is_default": "on", "refusals": 1}
    for page in ("account_settings", "account_fetching"):
        client.post(reverse(page, args=[account.public_id]), look | forbidden)
    account.refresh_from_db()
    assert (account.name, account.interval_minutes) == ("Work", 10)
    assert (account.owner, account.state, account.is_default) == (alice, State.ACTIVE, False)
    assert account.refusals == 0
    rights = {"is_staff": "on", "is_superuser": "on", "email": "x@example.org", "plan": 1}
    answer = client.post("/settings/notifications/", {"notify": "all"} | rights)
    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.is_staff, alice.is_superuser, alice.email) == (False, False, "alice@example.org")


@pytest.mark.django_db
def test_too_many_tests_are_told_on_the_form(client: Client, alice: User) -> None:
    for _ in range(10):
        onboarding.begin_probe(alice, WANTED, now=timezone.now())
    answer = client.post(_page(_setup(alice)), TYPED)
    assert answer.status_code == 422
    assert "last of 10 tests" in answer.content.decode()


@pytest.mark.django_db
def test_the_page_of_a_test_follows_it_with_and_without_scripts(
    client: Client, alice: User
) -> None:
    probe = onboarding.begin_probe(alice, WANTED, now=timezone.now())
    address = reverse("probe", args=[probe.public_id])
    page = client.get(address).content.decode()
    assert re.search(r'<noscript>\s*<meta http-equiv="refresh"', page)
    assert 'hx-trigger="every 1s"' in page
    Probe.objects.update(state=ProbeState.RUNNING, step=Step.TLS)
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert re.findall(r'data-mark="(\w+)"', part) == ["ok", "ok", "trying", *["ahead"] * 4]


@pytest.mark.django_db
def test_a_failed_test_says_what_whose_side_and_what_next(client: Client, alice: User) -> None:
    probe = _failed(alice)
    page = client.get(reverse("probe", args=[probe.public_id])).content.decode()
    assert "pop.example.org did not accept this user name and password." in page
    assert "Something to check on your side" in page
    assert "no &lt;b&gt;entry&lt;/b&gt;" in page
    assert re.search(r"<title>\s*Error:", page)
    assert "hx-trigger" not in page
    assert SECRET not in page


@pytest.mark.django_db
def test_the_title_of_a_test_that_fails_while_it_is_watched_tells_so(
    client: Client, alice: User
) -> None:
    failed = _failed(alice)
    page = reverse("probe", args=[failed.public_id])
    for part in ({}, {"HX-Request": "true"}):
        shown = client.get(page, headers=part).content.decode()
        title = shown.partition("<title>")[2].partition("</title>")[0]
        assert title.strip() == "Error: Testing the server - Muara"


@pytest.mark.django_db
def test_settings_are_changed_without_typing_the_password_again(
    client: Client, alice: User
) -> None:
    probe = _failed(alice, code="conn.dns", host="pop.exmple.org")
    assert probe.setup
    address = _page(probe.setup)
    page = client.get(address).content.decode()
    assert SECRET not in page
    answer = client.post(address, TYPED | {"password": ""})
    follow = Probe.objects.get(state=ProbeState.WAITING)
    assert answer["Location"] == reverse("probe", args=[follow.public_id])
    assert onboarding.wanted_again(follow) == WANTED


@pytest.mark.django_db
def test_a_password_of_somebody_elses_test_is_not_taken(client: Client, alice: User) -> None:
    probe = _failed(make_user("bob@example.org"))
    assert probe.setup
    assert client.post(_page(probe.setup), TYPED | {"password": ""}).status_code == 404
    assert client.post(_page(_setup(alice)), TYPED | {"password": ""}).status_code == 422
    assert not Probe.objects.filter(owner=alice).exists()


@pytest.mark.django_db
def test_try_again_needs_no_typing_while_the_password_is_kept(client: Client, alice: User) -> None:
    probe = _failed(alice)
    again = reverse("probe_again", args=[probe.public_id])
    client.post(again)
    assert Probe.objects.filter(state=ProbeState.WAITING).count() == 1
    probe_runs.forget_old_probes(timezone.now() + timedelta(minutes=16))
    answer = client.post(again)
    assert probe.setup
    assert answer["Location"] == _page(probe.setup)
    assert "enter the password once more" in client.get(answer["Location"]).content.decode()


@pytest.mark.django_db
def test_a_passed_test_leads_to_the_inbox(client: Client, alice: User) -> None:
    probe = _failed(alice)
    account = make_account(alice)
    done = {"state": ProbeState.PASSED, "code": "", "account": account, "sealed_password": None}
    Probe.objects.update(**done, facts={"messages": 18402, "octets": 2 * 1024**3})
    page = client.get(reverse("probe", args=[probe.public_id])).content.decode()
    assert "18,402 messages, about 2.0\xa0GB; you have" in page
    assert reverse("mail_folder", args=[account.public_id, "inbox"]) in page


@pytest.mark.django_db
def test_a_new_password_for_an_account_is_tested_first(client: Client, alice: User) -> None:
    account = make_account(alice, state=State.NEEDS_SIGN_IN, next_fetch_at=None)
    address = reverse("account_connection", args=[account.public_id])
    page = client.get(address).content.decode()
    assert f'value="{account.address}"' in page
    typed = {"host": "pop.example.org", "security": "tls", "password": SECRET}
    client.post(address, typed)
    probe = Probe.objects.get()
    assert (probe.account, probe.address) == (account, account.address)
    account.refresh_from_db()
    assert account.state == State.NEEDS_SIGN_IN


@pytest.mark.django_db
def test_a_kept_password_is_never_sent_to_a_new_server(client: Client, alice: User) -> None:
    account = make_account(alice)
    typed = {"host": "pop.evil.example", "security": "tls", "password": ""}
    answer = client.post(reverse("account_connection", args=[account.public_id]), typed)
    assert answer.status_code == 422
    assert not Probe.objects.exists()


@pytest.mark.django_db
def test_what_never_was_is_not_found(client: Client, alice: User) -> None:
    for name in ("probe", "account_settings", "account_add_type"):
        assert client.get(reverse(name, args=[uuid.uuid4()])).status_code == 404


@pytest.mark.django_db
def test_administration_shows_no_secret_and_changes_no_account(client: Client) -> None:
    client.force_login(make_user(is_staff=True, is_superuser=True))
    owner = make_user("bob@example.org")
    account = make_account(owner, password=SECRET)
    sealed = bytes(account.credentials.get().sealed).hex()
    for address in (
        *("user/", f"user/{owner.pk}/change/", "plan/", "plan/1/change/", "quota/"),
        *("externalaccount/", f"externalaccount/{account.pk}/change/"),
    ):
        answer = client.get(f"/admin/accounts/{address}")
        assert answer.status_code == 200, address
        page = answer.content.decode()
        assert SECRET not in page
        assert sealed not in page
        assert owner.password not in page
    change = client.post(f"/admin/accounts/externalaccount/{account.pk}/change/", {"name": "x"})
    assert change.status_code == 403
    assert client.get("/admin/accounts/credential/").status_code == 404


@pytest.mark.django_db
def test_a_new_password_leaves_the_choice_of_deleting_alone(alice: User, client: Client) -> None:
    account = make_account(alice)
    account.incoming.delete_after_days = 5
    account.incoming.save()
    page = client.get(f"/settings/mail-accounts/{account.public_id}/connection/").content.decode()
    assert "delete_from_server" not in page
    form = ConnectionForm(TYPED | {"delete_from_server": "on"}, policy=Policy(()))
    assert form.is_valid(), form.errors
    roster.renew(account, form.wanted(account.address, account.name), now=timezone.now())
    account.incoming.refresh_from_db()
    assert (account.incoming.host, account.incoming.delete_after_days) == ("pop.example.org", 5)
