"""Many accounts at once: a verdict for every row, no file kept, and no scanner of ports."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from ipaddress import ip_network
from pathlib import Path
from tempfile import gettempdir

import pytest
import trustme
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts import importing, tasks
from accounts.importing import ROWS_AN_HOUR, begin_import, verdicts
from accounts.models import Batch, ExternalAccount, Plan, Probe, State, User
from tests.builders import make_account, make_user
from tests.servers import certificates
from tests.servers.dovecot import Dovecot
from tests.servers.scripted import Pop3Server
from wire.guard import Guard

pytestmark = pytest.mark.django_db
SECRET = "dua belas kata sandi"
ROW = {"host": "pop.example.org", "password": SECRET}


def _send(client: Client, table: str) -> str:
    """Send a table as the page does, and return what is shown then."""
    file = SimpleUploadedFile("accounts.csv", table.encode(), "text/csv")
    answer = client.post(reverse("accounts_import"), {"table": file}, follow=True)
    return unescape(answer.content.decode())


def _problems(owner: User, *rows: dict[str, str]) -> list[str]:
    batch = begin_import(owner, rows, now=timezone.now())
    return [" ".join(map(": ".join, verdict.problems)) for verdict in verdicts(batch)]


@pytest.mark.servers
def test_each_row_gets_its_own_verdict_from_a_real_server(
    client: Client,
    alice: User,
    dovecot: Dovecot,
    authority_file: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    ends = (pair.split("=") for pair in dovecot.connect_to.split(","))
    ways = [(name.rsplit(":", 1), real.rsplit(":", 1)) for name, real in ends]
    settings.GUARD = Guard(
        (ip_network("127.0.0.0/8"),),
        {(name[0], int(name[1])): (real[0], int(real[1])) for name, real in ways},
    )
    dovecot.add_user("satu@example.org", SECRET)
    page = _send(
        client,
        "address,server,port,password\n"
        f"satu@example.org,pop.example.org,995,{SECRET}\n"
        "dua@example.org,pop.example.org,995,wrong\n"
        f"tiga@example.org,pop.example.org,1234,{SECRET}\n",
    )
    assert "2 rows are being tested." in page
    assert "<strong>Port:</strong> For POP3, only ports" in " ".join(page.split())
    assert SECRET not in page
    tasks.run_waiting_probes()
    batch = Batch.objects.get()
    assert [verdict.tone for verdict in verdicts(batch)] == ["ok", "danger", "danger"]
    assert ExternalAccount.objects.get().address == "satu@example.org"
    page = unescape(client.get(reverse("import_verdicts", args=[batch.public_id])).content.decode())
    assert "pop.example.org did not accept this user name and password." in page
    assert "hx-get" not in page
    assert not Probe.objects.get(row=1).sealed_password


TEMPORARY = {
    "in use": "-ERR [IN-USE] Do you have another POP session running?",
    "too soon": "-ERR [LOGIN-DELAY] minimum time between mail checks violation",
    "away": "-ERR [SYS/TEMP] Temporary system problem. Please try again later.",
    "passwords are over": "-ERR [AUTH] Basic authentication is disabled.",
}


@pytest.mark.parametrize("kind", TEMPORARY)
def test_a_row_that_was_not_added_promises_nothing_and_says_how_to_go_on(
    client: Client,
    alice: User,
    authority: trustme.CA,
    authority_file: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    says = TEMPORARY[kind]
    with Pop3Server(context=certificates.good(authority)) as server:
        for command in ("PASS", "AUTH"):
            server.behave(command, lambda talk, _argument: talk.say(says))
        settings.GUARD = server.guard
        _send(client, f"address,server,password\na@b.example,{server.name},{SECRET}\n")
        tasks.run_waiting_probes()
    verdict = verdicts(Batch.objects.get(owner=alice))[0]
    place = reverse("import_verdicts", args=[Batch.objects.get().public_id])
    page = unescape(client.get(place).content.decode())
    assert verdict.tone == "danger"
    assert "by ourselves" not in page
    assert "o mail" not in page, "nothing was there that could be lost"
    if kind == "passwords are over":
        assert "on the page “Add account”, by signing in there." in page
        assert f'href="{reverse("account_add")}"' in page
    else:
        assert "Try again in a few minutes" in page


def test_a_bad_row_says_which_column_and_why(alice: User) -> None:
    make_account(alice, address="have@example.org")
    Plan.objects.update(allow_imap=False)
    good = ROW | {"address": "new@example.org"}
    told = _problems(
        alice,
        good | {"address": "nobody"},
        good | {"address": "have@example.org"},
        good | {"host": "a..b"},
        {"address": "lost@example.org"},
        good | {"address": "imap@example.org", "protocol": "imap"},
        good | {"address": "jmap@example.org", "protocol": "jmap"},
        good | {"address": "bad@example.org", "security": "plain"},
        good | {"address": "HAVE@example.org"},
    )
    assert told == [
        "Email address: This is no email address.",
        ": You have already added this address. Open its card in your mail accounts to change it.",
        "Incoming server: This is no server name.",
        "Incoming server: This field is required. Password: This field is required.",
        ": Blocked by plan Standard: no IMAP. Ask an administrator of this service to allow it.",
        "Account type: Only POP3 and IMAP are known.",
        "Encryption: Blocked by plan Standard: no unencrypted connections. "
        "Choose SSL/TLS or STARTTLS, or ask an administrator to allow it.",
        "Email address: This address stands in the table twice.",
    ]
    assert not Probe.objects.exists()


def test_the_server_of_a_known_provider_is_filled_in(alice: User) -> None:
    assert _problems(alice, {"address": "siti@yahoo.com", "password": SECRET}) == [""]
    probe = Probe.objects.get()
    assert (probe.host, probe.port, probe.username) == (
        *("pop.mail.yahoo.com", 995),
        "siti@yahoo.com",
    )
    assert SECRET.encode() not in bytes(probe.sealed_password or b"")


def test_rows_are_limited_by_person_by_host_and_by_mailbox(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Plan.objects.update(max_accounts=1000)
    bob, now = make_user("bob@example.org"), timezone.now()
    rows = [ROW | {"address": f"a{number}@example.org"} for number in range(ROWS_AN_HOUR)]
    assert _problems(alice, *rows) == [""] * ROWS_AN_HOUR
    assert "last of 50 tests" in _problems(alice, ROW | {"address": "more@example.org"})[0]
    same = [ROW | {"address": f"b{number}@example.org", "username": "boss"} for number in range(3)]
    assert ["last of 2 tests" in told for told in _problems(bob, *same)] == [False, False, True]
    monkeypatch.setattr(importing, "ROWS_AN_HOUR_AND_HOST", 52)
    assert "tested very often" in _problems(bob, ROW | {"address": "c@example.org"})[0]
    Probe.objects.update(created_at=now - timedelta(minutes=61))
    assert _problems(alice, ROW | {"address": "more@example.org"}) == [""]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("address\na@b.example\n", "The first line must name the columns"),
        (
            'address,password\na@b.example,x\nb@b.example,"x\n',
            "Row 2 (line 3 of the file) has a quote",
        ),
        ('address,password\na@b.example,"x"y\n', "Row 1 (line 2 of the file) has a quote"),
        ('address,"password\na@b.example,x\n', "The first line must name the columns"),
        ("address,password\n", "There is no row below the names of the columns."),
        ("address,password\n" + "a@b.example,x\n" * 51, "There are more than 50 rows."),
        ("address,password\n" + "x" * 200_001, "This file is too large for 50 rows."),
    ],
)
def test_what_is_no_table_is_told_and_nothing_is_kept(
    client: Client, alice: User, table: str, said: str
) -> None:
    assert said in _send(client, table)
    assert not Batch.objects.exists()
    assert alice.is_active


def test_a_table_never_touches_the_disk(client: Client, alice: User) -> None:
    before = set(Path(gettempdir()).glob("*.upload*"))
    huge = SimpleUploadedFile("a.csv", b"address,password\n" + b"x" * 3_000_000, "text/csv")
    answer = client.post(reverse("accounts_import"), {"table": huge})
    assert answer.status_code == 422
    assert "Choose a file of at most 200 KB." in answer.content.decode()
    assert set(Path(gettempdir()).glob("*.upload*")) == before
    assert alice.is_active


def test_a_form_from_elsewhere_is_refused_and_verdicts_are_ones_own(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    file = SimpleUploadedFile("a.csv", b"address,password\na@b.example,x\n")
    assert strict.post(reverse("accounts_import"), {"table": file}).status_code == 403
    batch = Batch.objects.create(owner=alice, created_at=timezone.now())
    other = Client()
    other.force_login(make_user("bob@example.org"))
    assert other.get(reverse("import_verdicts", args=[batch.public_id])).status_code == 404


def test_an_administrator_prepares_an_account_that_its_owner_finishes(client: Client) -> None:
    owner = make_user("owner@example.org")
    client.force_login(make_user("chief@example.org", is_staff=True, is_superuser=True))
    typed = {"owner": owner.pk, "address": "work@example.org", "protocol": "pop3"}
    typed |= {"host": "10.0.0.1", "security": "plain"}
    page = client.post("/admin/accounts/externalaccount/add/", typed).content.decode()
    assert "Blocked by plan Standard: no unencrypted connections." in unescape(page)
    assert not ExternalAccount.objects.exists()
    typed |= {"host": "pop.example.org", "security": "tls"}
    assert client.post("/admin/accounts/externalaccount/add/", typed).status_code == 302
    account = ExternalAccount.objects.get()
    assert (account.state, account.owner, account.next_fetch_at) == (State.PREPARED, owner, None)
    assert account.incoming.port == 995
    assert not account.credentials.exists()
    again = client.post("/admin/accounts/externalaccount/add/", typed).content.decode()
    assert "already added this address" in again
    assert client.get(f"/admin/accounts/externalaccount/{account.pk}/change/").status_code == 200

    client.force_login(owner)
    cards = " ".join(client.get(reverse("account_cards")).content.decode().split())
    finish = reverse("account_connection", args=[account.public_id])
    assert f'href="{finish}">Finish adding</a>' in cards
    assert 'value="pop.example.org"' in client.get(finish).content.decode()
    client.post(finish, {"host": "pop.example.org", "security": "tls", "password": SECRET})
    assert Probe.objects.get().account == account
