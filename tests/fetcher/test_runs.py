"""Whole visits to a real Dovecot: what is stored, what is left, what is deleted, what is told."""

from __future__ import annotations

import hashlib
import poplib
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ExternalAccount, Plan, Quota, State
from fetcher.models import FetchRun, RemoteUid
from fetcher.outcomes import close_left_open, close_stale_runs
from fetcher.runs import run_fetch
from mailstore.models import Blob, Message, Pack
from mailstore.packs import read_raw
from tests.builders import make_account, make_user
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.servers, pytest.mark.django_db(transaction=True)]
Mailbox = Callable[..., ExternalAccount]


def letter(number: int, body: str = "Selamat pagi.") -> bytes:
    return (
        f"From: Siti <siti@example.org>\r\nTo: box@example.org\r\nSubject: Letter {number}\r\n"
        f"Message-ID: <{number}@example.org>\r\nDate: Mon, 23 Nov 2026 08:{number:02}:00 +0700\r\n"
        f"\r\n{body}\r\n"
    ).encode()


@pytest.fixture
def mailbox(at_dovecot: Dovecot, request: pytest.FixtureRequest) -> Mailbox:
    """Make an account whose server is the real one, with the given messages in it."""
    address = f"{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}@example.org"

    def make(*raws: bytes, password: str = "right", **fields: object) -> ExternalAccount:
        at_dovecot.add_user(address, "right")
        at_dovecot.deliver(address, *raws)
        owner = make_user()
        return make_account(owner, address=address, password=password, **fields)

    return make


def left_at_the_server(dovecot: Dovecot, address: str) -> int:
    client = poplib.POP3("127.0.0.1", dovecot.ports["pop3"])
    client.user(address)
    client.pass_("right")
    count: int = client.stat()[0]
    client.quit()
    return count


def test_what_the_server_offers_is_stored_byte_for_byte_and_once(mailbox: Mailbox) -> None:
    raws = [letter(number) for number in range(3)]
    account = mailbox(*raws)
    run = run_fetch(account.pk)
    assert run is not None
    assert (run.code, run.messages, run.octets) == ("", 3, sum(map(len, raws)))
    assert {read_raw(blob) for blob in Blob.objects.select_related("pack")} == set(raws)
    assert Pack.objects.count() == 1
    newest = Message.objects.order_by("-sent_at")[0]
    assert (newest.subject, newest.seen) == ("Letter 2", False)
    account.refresh_from_db()
    assert account.last_code == ""
    assert account.next_fetch_at is not None
    assert account.next_fetch_at > timezone.now() + timedelta(minutes=4)
    assert Quota.objects.get(owner=account.owner).used_bytes == sum(map(len, raws))

    again = run_fetch(account.pk)
    assert again is not None
    assert again.messages == 0
    assert Message.objects.count() == 3
    assert FetchRun.objects.count() == 1, "an empty poll leaves no run behind"


def test_two_equal_messages_are_two_messages_in_one_blob(mailbox: Mailbox) -> None:
    account = mailbox(letter(1), letter(1))
    run_fetch(account.pk)
    assert Message.objects.count() == 2
    assert Blob.objects.count() == 1


def test_a_deletion_here_fetches_nothing_again(mailbox: Mailbox) -> None:
    account = mailbox(letter(1))
    run_fetch(account.pk)
    Message.objects.all().delete()
    run_fetch(account.pk)
    assert Message.objects.count() == 0
    assert RemoteUid.objects.get().message is None


def test_nothing_is_deleted_at_the_server_unless_asked(mailbox: Mailbox, dovecot: Dovecot) -> None:
    account = mailbox(letter(1), letter(2))
    run_fetch(account.pk)
    assert left_at_the_server(dovecot, account.address) == 2


def test_what_is_stored_is_deleted_at_the_server_when_asked(
    mailbox: Mailbox, dovecot: Dovecot
) -> None:
    account = mailbox(letter(1), letter(2))
    account.incoming.delete_after_days = 0
    account.incoming.save()
    run = run_fetch(account.pk)
    assert run is not None
    assert run.deleted == 2
    assert left_at_the_server(dovecot, account.address) == 0
    assert RemoteUid.objects.filter(deleted_at=None).count() == 0
    assert Message.objects.count() == 2


def test_a_damaged_copy_here_saves_the_one_at_the_server(
    mailbox: Mailbox, dovecot: Dovecot
) -> None:
    account = mailbox(letter(1), letter(2))
    run_fetch(account.pk)
    Blob.objects.filter(pk=Blob.objects.earliest("id").pk).update(offset=7)
    account.incoming.delete_after_days = 0
    account.incoming.save()
    run_fetch(account.pk)
    assert left_at_the_server(dovecot, account.address) == 1


def test_two_refused_passwords_stop_the_account(mailbox: Mailbox) -> None:
    account = mailbox(letter(1), password="wrong")
    first = run_fetch(account.pk)
    assert first is not None
    assert first.code == "auth.failed"
    account.refresh_from_db()
    assert account.state == State.ACTIVE
    run_fetch(account.pk)
    account.refresh_from_db()
    assert account.state == State.NEEDS_SIGN_IN
    assert run_fetch(account.pk) is None, "no third sign-in is tried"


def test_a_full_store_fetches_what_fits_and_says_how_many_wait(
    mailbox: Mailbox, dovecot: Dovecot
) -> None:
    raws = [letter(1, "x" * 900), letter(2)]
    account = mailbox(*raws)
    Quota.objects.filter(owner=account.owner).update(allowed_bytes=len(raws[1]) + 10)
    run = run_fetch(account.pk)
    assert run is not None
    allowed, used = len(raws[1]) + 10, len(raws[1])
    facts = {"waiting": 1, "needs": len(raws[0]), "used": used, "allowed": allowed}
    assert (run.code, run.facts, run.messages) == ("quota.full", facts, 1)
    assert left_at_the_server(dovecot, account.address) == 2
    Quota.objects.filter(owner=account.owner).update(allowed_bytes=10_000)
    run_fetch(account.pk)
    assert Message.objects.count() == 2


def test_a_message_above_the_plan_is_left_and_counted(mailbox: Mailbox) -> None:
    account = mailbox(letter(1, "x" * 5000), letter(2))
    plan = Plan.objects.create(name="small", max_message_bytes=1000)
    account.owner.plan = plan
    account.owner.save()
    run = run_fetch(account.pk)
    assert run is not None
    assert (run.messages, run.facts) == (1, {"too_large": 1, "unkept": 1})


def test_an_open_run_is_the_lock_and_a_lapsed_one_is_freed(mailbox: Mailbox) -> None:
    account = mailbox(letter(1))
    now = timezone.now()
    FetchRun.objects.create(account=account, opened_at=now, lease_until=now + timedelta(minutes=15))
    assert run_fetch(account.pk) is None
    assert close_stale_runs(now=now) == 0
    assert close_stale_runs(now=now + timedelta(minutes=16)) == 1
    assert run_fetch(account.pk) is not None
    assert Message.objects.count() == 1


def test_a_start_frees_every_account_that_was_left_in_a_visit(mailbox: Mailbox) -> None:
    account = mailbox(dispatched_until=timezone.now() + timedelta(minutes=5))
    now = timezone.now()
    lease = now + timedelta(hours=1)
    FetchRun.objects.create(account=account, opened_at=now, lease_until=lease, by_worker=True)
    assert close_left_open(now=now) == 1
    assert list(ExternalAccount.objects.due(now)) == [account]


def test_a_start_leaves_the_visit_of_a_command_to_its_end(mailbox: Mailbox) -> None:
    account = mailbox(*(letter(number) for number in range(3)))
    closed: list[int] = []

    def starting() -> bool:
        closed.append(close_left_open(now=timezone.now()))
        return False

    run = run_fetch(account.pk, stopping=starting)
    assert run is not None
    assert closed
    assert not any(closed)
    assert (run.code, run.messages) == ("", 3)


def test_a_stopping_worker_keeps_what_it_has_and_comes_back_at_once(mailbox: Mailbox) -> None:
    account = mailbox(*(letter(number) for number in range(5)))
    run = run_fetch(account.pk, stopping=lambda: True)
    assert run is not None
    assert run.messages == 1
    account.refresh_from_db()
    assert account.next_fetch_at is not None
    assert account.next_fetch_at <= timezone.now()
    run_fetch(account.pk)
    assert Message.objects.count() == 5
