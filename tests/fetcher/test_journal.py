"""The journal: it adds up with what the server saw, is its owner's alone, and is 90 days long."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import ExternalAccount, Plan, Quota, User
from fetcher import exports, journal
from fetcher.models import DayCount, FetchRun, RemoteFolder, SetAside
from fetcher.runs import run_fetch
from tests.builders import make_account, make_user
from tests.fetcher.offers import LETTERS, Offer
from tests.servers.dovecot import Dovecot

NOW = timezone.now()
PAGES = ("journal", "journal_csv", "journal_jsonl")
SECRET = "rahasia sekali"


@pytest.fixture
def alice(client: Client) -> User:
    """Sign Alice in."""
    owner = make_user()
    client.force_login(owner)
    return owner


def make_run(account: ExternalAccount, age: timedelta = timedelta(0), **fields: Any) -> FetchRun:
    opened_at = NOW - age
    times = {"opened_at": opened_at, "closed_at": opened_at + timedelta(seconds=75)}
    return FetchRun.objects.create(account=account, lease_until=opened_at, **(times | fields))


def page_of(client: Client, account: ExternalAccount, query: str = "") -> str:
    address = reverse("journal", args=[account.public_id])
    text = client.get(f"{address}{query}").content.decode()
    return re.sub(r"\s+", " ", text).replace("\xa0", " ")


def exported(client: Client, account: ExternalAccount, kind: str) -> str:
    answer = client.get(reverse(f"journal_{kind}", args=[account.public_id]))
    assert "attachment" in answer["Content-Disposition"]
    return b"".join(answer).decode()


def make_set_aside(account: ExternalAccount, **fields: Any) -> SetAside:
    """Leave a message at the provider."""
    folder, _ = RemoteFolder.objects.get_or_create(account=account, name="INBOX")
    row = {"uid": "uid-a", "code": "conn.lost", "size": 60_000, "tries": 5}
    times = {"first_at": NOW - timedelta(days=2), "last_at": NOW}
    return SetAside.objects.create(account=account, remote_folder=folder, **row | times | fields)


def log_of(dovecot: Dovecot) -> str:
    return (dovecot.folder / "dovecot.log").read_text()


def seen_by(dovecot: Dovecot, user: str, *, sessions: int, since: int) -> dict[str, int]:
    """Add up what the server wrote down of a user's sessions, once it has written of so many."""
    found = re.compile(
        rf"pop3\({re.escape(user)}\).*retr=(\d+)/(\d+), del=(\d+)/\d+",
    )
    deadline = time.monotonic() + 20
    while True:
        lines = found.findall(log_of(dovecot)[since:])
        if len(lines) >= sessions:
            names = ("retr", "octets", "dele")
            return {
                name: sum(int(line[place]) for line in lines) for place, name in enumerate(names)
            }
        assert time.monotonic() < deadline, lines
        time.sleep(0.1)


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_batches")
def test_every_message_fetched_and_deleted_is_accounted_for(
    offer: Callable[..., Offer], at_dovecot: Dovecot
) -> None:
    box = offer(0)
    account, letters = box.account, len(LETTERS) - 1
    # The last is equal to the first: such a one may be known already, and then is not fetched.
    max(box.mailbox.glob("new/*")).unlink()
    account.owner.plan = Plan.objects.create(
        name="Small", max_message_bytes=max(map(len, LETTERS)) - 1
    )
    account.owner.save()
    before = len(log_of(at_dovecot))
    Quota.objects.filter(owner=account.owner).update(allowed_bytes=150_000)
    ExternalAccount.objects.update(max_per_cycle=12)
    for _ in range(3):
        run_fetch(account.pk)
    Quota.objects.filter(owner=account.owner).update(allowed_bytes=None)
    for _ in range(3):
        run_fetch(account.pk)
    every = [json.loads(line) for line in exports.as_json_lines(account, now=timezone.now())]
    lines = [line for line in every if line["kind"] == "visit"]
    seen = seen_by(at_dovecot, account.address, sessions=6, since=before)
    for line in lines:
        assert line["planned"] == line["messages"] + line["unkept"] + line["left"]
    assert sum(line["messages"] for line in lines) == letters - 1
    assert sum(line["messages"] + line["unkept"] for line in lines) == seen["retr"]
    assert sum(line["deleted"] for line in lines) == seen["dele"] == letters - 1
    assert max(line["too_large"] for line in lines) == 1
    assert len(list(box.mailbox.glob("[nc]??/*"))) == 1, "the one that is too large"


@pytest.mark.django_db
def test_each_visit_says_when_how_long_how_much_and_what_was_left(
    client: Client, alice: User
) -> None:
    account = make_account(alice)
    early = {"unkept": 12, "cut_off": 12}
    make_run(account, planned=1240, messages=1203, octets=5 * 1024**2, deleted=2, facts=early)
    facts = {"too_large": 1, "skipped": 2, "later": 800, "unkept": 2}
    make_run(account, timedelta(days=1), planned=12, messages=10, facts=facts)
    failed = {"host": "pop.example.org", "port": 995, "detail": "-ERR <b>not</b> now"}
    make_run(account, timedelta(days=2), code="conn.timeout", facts=failed)
    make_run(account, -timedelta(minutes=5), closed_at=None)
    page = page_of(client, account)
    for words in (
        "1 min 15 s",
        "1,203 messages fetched, 5.0 MB.",
        "2 deleted at the provider.",
        "It ended early: 37 messages were left to the next visit.",
        "800 messages were left to the next visit, as your limit asks.",
        "1 message is larger than allowed here",
        "2 messages could not be fetched this time.",
        "pop.example.org did not answer on port 995 in time.",
        "-ERR &lt;b&gt;not&lt;/b&gt; now",
        "under way",
    ):
        assert words in page, words
    assert page.count('<ol class="journal">') == 3
    with translation.override("id"):
        page = client.get(
            reverse("journal", args=[account.public_id]), headers={"Accept-Language": "id"}
        ).content.decode()
    assert "Jurnal pengambilan" in page


@pytest.mark.django_db
def test_a_visit_that_brought_nothing_says_only_what_else_it_was(
    client: Client, alice: User
) -> None:
    account = make_account(alice)
    make_run(account, code="quota.full", facts={"waiting": 3})
    make_run(account, timedelta(hours=1), facts={"recognised": 7})
    make_run(account, timedelta(hours=2), facts={"unkept": 1})
    page = page_of(client, account)
    assert "messages fetched" not in page
    assert "3 messages wait at the provider." in page
    assert "7 messages had new ids at the provider" in page
    assert page.count("Nothing new was fetched.") == 1


@pytest.mark.django_db
def test_pages_follow_each_other_by_key(client: Client, alice: User) -> None:
    account = make_account(alice)
    runs = journal.PAGE + 3
    for number in range(runs):
        make_run(account, timedelta(minutes=number), messages=number + 1)
    first = page_of(client, account)
    key = re.findall(r'href="(\?before=\d+)"', first)[0]
    second = page_of(client, account, key)
    times = re.compile(r'<time datetime="([^"]+)"')
    assert len(set(times.findall(first)) | set(times.findall(second))) == runs
    assert len(times.findall(second)) == 3
    assert 'href="?before=' not in second
    assert times.findall(page_of(client, account, "?before=nonsense")) == times.findall(first)
    assert times.findall(page_of(client, account, f"?before={'9' * 40}")) == times.findall(first)


@pytest.mark.django_db
@pytest.mark.parametrize("name", PAGES)
def test_a_journal_is_its_owners_alone(client: Client, name: str) -> None:
    account = make_account(make_user())
    make_run(account, messages=1)
    address = reverse(name, args=[account.public_id])
    assert client.get(address)["Location"].startswith("/auth/login/")
    client.force_login(make_user("admin@example.org", is_staff=True, is_superuser=True))
    assert client.get(address).status_code == 404


@pytest.mark.django_db
def test_exports_hold_every_visit_and_no_secret(client: Client, alice: User) -> None:
    account = make_account(alice, password=SECRET)
    other = make_account(alice, address="other@example.org")
    make_run(other, messages=99)
    make_run(account, planned=3, messages=3, octets=1234, deleted=1)
    facts = {"host": "pop.example.org", "detail": "=HYPERLINK(1)", "password": SECRET, "skipped": 4}
    make_run(account, timedelta(hours=1), code="conn.lost", facts=facts)
    make_run(account, timedelta(days=91), messages=7)
    lines = [json.loads(line) for line in exported(client, account, "jsonl").splitlines()]
    rows = list(csv.DictReader(io.StringIO(exported(client, account, "csv"))))
    assert [line["messages"] for line in lines] == [3, 0]
    assert [row["messages"] for row in rows] == ["3", "0"]
    assert (rows[0]["bytes"], rows[0]["seconds"], rows[0]["deleted"]) == ("1234", "75.0", "1")
    assert (rows[1]["code"], rows[1]["skipped"]) == ("conn.lost", "4")
    assert rows[1]["detail"] == "'=HYPERLINK(1)", "no formula"
    assert datetime.fromisoformat(lines[0]["opened_at"]).utcoffset() == timedelta(0)
    assert SECRET not in json.dumps(lines) + json.dumps(rows)
    assert set(lines[0]) < set(rows[0])


@pytest.mark.django_db
def test_exports_hold_the_counts_of_days_and_what_was_set_aside(
    client: Client, alice: User
) -> None:
    account = make_account(alice)
    make_run(account, messages=3)
    counts = {"visits": 288, "idle": 280, "timely": 287, "missed": 1}
    DayCount.objects.create(account=account, day=NOW.date(), **counts)
    make_set_aside(account, said="=1+1", number=7)
    lines = [json.loads(line) for line in exported(client, account, "jsonl").splitlines()]
    rows = list(csv.DictReader(io.StringIO(exported(client, account, "csv"))))
    assert [line["kind"] for line in lines] == ["visit", "day", "set_aside"]
    assert [row["kind"] for row in rows] == ["visit", "day", "set_aside"]
    assert lines[1] == {"kind": "day", "day": f"{NOW:%Y-%m-%d}"} | counts
    assert (lines[2]["id"], lines[2]["number"], lines[2]["detail"]) == ("uid-a", 7, "=1+1")
    assert (lines[2]["bytes"], lines[2]["tries"], lines[2]["code"]) == (60_000, 5, "conn.lost")
    assert rows[2]["detail"] == "'=1+1"
    assert rows[1]["visits"] == "288"


@pytest.mark.django_db
def test_what_was_set_aside_is_listed_with_its_reason_and_tried_again(
    client: Client, alice: User
) -> None:
    account = make_account(alice)
    row = make_set_aside(account, said="-ERR <b>no</b>", number=1204)
    make_set_aside(account, uid="large", code="message.toolarge")
    ExternalAccount.objects.update(last_facts={"waiting": 312})
    page = page_of(client, account)
    for words in (
        "58.6 KB",
        "312 messages wait for room in your storage.",
        "number 1,204",
        "<dd> uid-a </dd>",
        "5 times, first on",
        "The server said",
        "-ERR &lt;b&gt;no&lt;/b&gt;",
        "by itself, once larger messages are allowed",
    ):
        assert words in page, words
    assert page.count("> Try again <") == 1
    assert "Set aside" not in page_of(client, account, "?before=1"), "only on the first page"
    again = reverse("try_again", args=[account.public_id])
    answer = client.post(again, {"id": [row.pk, "x", "999999"]})
    assert answer["Location"] == f"{reverse('journal', args=[account.public_id])}#left"
    row.refresh_from_db()
    assert row.is_wanted
    assert "Will be tried again" in page_of(client, account)
    client.force_login(make_user("bob@example.org"))
    assert client.post(again, {"id": [row.pk]}).status_code == 404


@pytest.mark.django_db
def test_what_is_older_than_90_days_is_pruned_in_small_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal, "PRUNED_AT_ONCE", 4)
    account = make_account(make_user())
    for days in range(100, 80, -1):
        make_run(account, timedelta(days=days), messages=days)
    open_run = make_run(make_account(make_user("b@example.org")), timedelta(days=99))
    FetchRun.objects.filter(pk=open_run.pk).update(closed_at=None)
    assert journal.prune(now=NOW) == 10
    assert journal.prune(now=NOW) == 0
    kept = FetchRun.objects.exclude(pk=open_run.pk).values_list("messages", flat=True)
    assert sorted(kept) == list(range(81, 91))
    assert FetchRun.objects.filter(pk=open_run.pk).exists()


@pytest.mark.django_db
def test_an_empty_journal_says_so_and_days_are_the_readers(client: Client, alice: User) -> None:
    account = make_account(alice)
    assert "Nothing to tell yet" in page_of(client, account)
    User.objects.update(time_zone="Asia/Jakarta")
    late = datetime(NOW.year, NOW.month, NOW.day, 20, tzinfo=UTC) - timedelta(days=3)
    make_run(account, NOW - late, messages=1)
    page = page_of(client, account)
    assert "03:00:00" in page
    assert f"{(late + timedelta(hours=7)).date():%A, %-d %B %Y}" in page
