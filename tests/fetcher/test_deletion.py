"""What is deleted at the server: what the preview says, never more, and only what is stored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.models import ExternalAccount, IncomingServer
from fetcher import deletion
from fetcher.models import RemoteFolder, RemoteUid
from fetcher.runs import run_fetch
from mailstore.models import Message
from tests.builders import make_account, make_user
from tests.fetcher.mailboxes import hold, letters, stored, visit
from tests.servers.scripted import Pop3Server, says_then_leaves

pytestmark = pytest.mark.django_db(transaction=True)
pipelined = pytest.mark.parametrize("kind", ["pipelined", "without UIDL"])


def days_pass(days: int) -> None:
    """Let everything have happened so many days earlier."""
    ago = timedelta(days=days)
    RemoteUid.objects.update(stored_at=F("stored_at") - ago)
    RemoteFolder.objects.update(
        oldest_stored_at=F("oldest_stored_at") - ago, listed_at=F("listed_at") - ago
    )


def delete_after(account: ExternalAccount, days: int | None) -> None:
    IncomingServer.objects.filter(account=account).update(delete_after_days=days)


def uids_of(server: Pop3Server, numbers: set[int]) -> set[bytes]:
    return {server.messages[number - 1] for number in numbers}


@pipelined
def test_what_is_deleted_is_what_the_preview_says_and_when_it_says(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    visit(account)
    days_pass(3)
    hold(server, "bcdef")
    visit(account)
    Message.objects.filter(subject="c").delete()
    told = deletion.preview(account, days=5, now=timezone.now())
    assert (told.count, told.due, told.kept) == (4, 0, 1)
    assert told.octets == sum(Message.objects.exclude(subject="a").values_list("size", flat=True))
    plan = {
        row.message.subject: row.stored_at + timedelta(days=5)
        for row in deletion.doomed(account)
        if row.message
    }
    assert set(plan) == set("bdef")
    delete_after(account, 5)
    account.refresh_from_db()
    for passed in (0, 2, 3):
        days_pass(passed)
        plan = {subject: at - timedelta(days=passed) for subject, at in plan.items()}
        server.deleted.clear()
        visit(account)
        gone = {raw.split(b"<")[1][:1].decode() for raw in uids_of(server, server.deleted)}
        assert gone == {subject for subject, at in plan.items() if at <= timezone.now()}
        plan = {subject: at for subject, at in plan.items() if subject not in gone}
        hold(server, "".join(name for name in "bcdef" if name == "c" or name in plan))
    assert not plan
    assert stored() == letters("abdef")
    assert deletion.preview(account, days=5, now=timezone.now()).count == 0


@pipelined
def test_a_lost_answer_to_the_end_is_noticed_and_the_deletion_repeated(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    delete_after(account, 0)
    server.behave("QUIT", says_then_leaves(b""))
    lost = run_fetch(account.pk)
    assert lost is not None
    assert (lost.code, lost.deleted) == ("conn.lost", 0)
    assert server.deleted == set()
    assert RemoteUid.objects.filter(deleted_at=None).count() == 3
    del server.behaviours["QUIT"]
    assert visit(account).deleted == 3
    assert server.deleted == {1, 2, 3}
    assert stored() == letters("abc")


@pipelined
def test_a_server_that_agreed_and_deleted_nothing_is_asked_again(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "ab")
    delete_after(account, 0)
    visit(account)
    server.deleted.clear()
    assert visit(account).deleted == 2
    assert server.deleted == {1, 2}
    assert stored() == letters("ab")


@pytest.mark.parametrize("kind", ["pipelined"])
def test_of_two_equal_messages_the_one_still_waiting_is_not_taken_for_the_deleted_one(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "aa")
    server.uids = ["one", "two"]
    delete_after(account, 0)
    ExternalAccount.objects.update(max_per_cycle=1)
    visit(account)
    assert server.deleted == {2}
    server.messages, server.uids = server.messages[:1], ["one"]
    visit(account)
    assert stored() == letters("aa")


def test_the_page_shows_what_would_go_before_anything_is_saved(client: Client) -> None:
    account = make_account(make_user())
    client.force_login(account.owner)
    page = f"/settings/mail-accounts/{account.public_id}/deletion/"
    assert b"Nothing is deleted at your provider." in client.get(page).content
    shown = client.get(page, {"when": "later", "days": "14"})
    assert b"There is nothing to delete at your provider now." in shown.content
    assert b"Safe to delete" not in shown.content
    assert b"Save this choice" in shown.content
    # Beside the button that saves nothing else can be chosen, which it would not save.
    assert b"14 days after it was stored here" in shown.content
    assert b'type="radio"' not in shown.content
    assert not IncomingServer.objects.exclude(delete_after_days=None).exists()
    assert client.post(page, {"when": "later", "days": "14"}).status_code == 302
    assert IncomingServer.objects.get().delete_after_days == 14
    assert b"Save this choice" not in client.get(page).content
    assert client.post(page, {"when": "later"}).status_code == 422
    client.post(page, {"when": "never"})
    assert IncomingServer.objects.get().delete_after_days is None


@pytest.mark.parametrize("kind", ["pipelined"])
def test_the_page_lists_each_message_with_its_day(
    server: Pop3Server, account: ExternalAccount, client: Client
) -> None:
    hold(server, "".join(chr(97 + number % 26) for number in range(3)))
    visit(account)
    client.force_login(account.owner)
    page = f"/settings/mail-accounts/{account.public_id}/deletion/?when=at_once"
    shown = client.get(page).content.decode()
    assert "Safe to delete: 3 stored and checked" in shown
    assert "3 of them go at the next check." in shown
    assert all(f"<td>{name}</td>" in shown for name in "abc")


@pytest.mark.parametrize(
    "nonsense", ["when=at_once&days=-5", "when=later", "when=later&days=x", "when=later&days=4000"]
)
def test_a_preview_of_nonsense_asks_again_in_one_sentence(client: Client, nonsense: str) -> None:
    account = make_account(make_user())
    client.force_login(account.owner)
    page = f"/settings/mail-accounts/{account.public_id}/deletion/"
    answer = client.get(f"{page}?{nonsense}")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert text.count("Give a whole number from 1 to 3,650.") == 1
    assert text.count('class="error"') == 1
    assert "error-summary" not in text
    assert "Show what would go" in text
    indonesian = client.get(f"{page}?{nonsense}", headers={"Accept-Language": "id"})
    assert "dari 1 sampai 3.650" in indonesian.content.decode()
    assert "Choose one of these." in client.get(f"{page}?when=often").content.decode()
    assert client.post(page, {"when": "later"}).status_code == 422
