"""Pages of lists in both directions, and conversations as one row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ExternalAccount, User
from mailstore import scopes
from mailstore.models import Folder, Message, Role, Thread
from mailstore.paging import ORIGIN, Page, read_page
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def subjects(page: Page) -> list[str]:
    return [message.subject for message in page.messages]


def inbox(user: User, *, before: str = "", after: str = "", grouped: bool = False) -> Page:
    scope = scopes.of_view(user, "inbox")
    return read_page(user, scope, before=before, after=after, grouped=grouped, limit=2)


def make(account: ExternalAccount, subject: str, hours: int, **fields: Any) -> Message:
    return make_message(account, letter(subject), sent_at=NOW - timedelta(hours=hours), **fields)


def accounts_of(owner: User) -> tuple[ExternalAccount, ExternalAccount]:
    return make_account(owner), make_account(owner, address="second@example.org")


def test_pages_of_merged_inboxes_lead_there_and_back_without_gap_or_repeat() -> None:
    owner = make_user()
    accounts = accounts_of(owner)
    for number in range(7):
        # The same moment for all: only their ids order them.
        make_message(accounts[number % 2], letter(str(number)), sent_at=NOW)
    pages = [inbox(owner)]
    while key := pages[-1].older_key:
        pages.append(inbox(owner, before=key))
    assert [subjects(page) for page in pages] == [["6", "5"], ["4", "3"], ["2", "1"], ["0"]]
    assert pages[0].newer_key == ""
    back = [pages[-1]]
    while key := back[-1].newer_key:
        back.append(inbox(owner, after=key))
    assert [subjects(page) for page in back] == [["0"], ["2", "1"], ["4", "3"], ["6", "5"]]


def test_the_oldest_page_is_read_from_the_end() -> None:
    owner = make_user()
    account = make_account(owner)
    for number in range(5):
        make(account, str(number), hours=-number)
    page = inbox(owner, after=ORIGIN)
    assert (subjects(page), page.older_key) == (["1", "0"], "")
    assert page.newer_key


def test_a_conversation_is_one_row_at_its_newest_message_in_the_list() -> None:
    owner = make_user()
    work, home = accounts_of(owner)
    thread = Thread.objects.create(owner=owner)
    make(work, "first", 5, thread=thread)
    make(home, "answer", 3, thread=thread, seen=True, flagged=True)
    make(work, "mine", 2, thread=thread, role=Role.SENT, seen=True)
    make(work, "gone", 1, thread=thread, role=Role.TRASH)
    make(work, "other", 4, seen=True)
    page = inbox(owner, grouped=True)
    assert [(row.message.subject, row.count) for row in page.rows] == [("answer", 3), ("other", 1)]
    row = page.rows[0]
    assert (row.is_unread, row.is_starred) == (True, True)
    assert subjects(inbox(owner)) == ["answer", "other"]


def test_conversations_do_not_come_again_on_later_pages() -> None:
    owner = make_user()
    account = make_account(owner)
    thread = Thread.objects.create(owner=owner)
    for hours in range(8):
        make(account, f"{hours}", hours, **({"thread": thread} if hours % 2 == 0 else {}))
    first = inbox(owner, grouped=True)
    second = inbox(owner, before=first.older_key, grouped=True)
    third = inbox(owner, before=second.older_key, grouped=True)
    assert [subjects(page) for page in (first, second, third)] == [["0", "1"], ["3", "5"], ["7"]]


def test_unread_shows_the_newest_unread_message_of_a_conversation() -> None:
    owner = make_user()
    account = make_account(owner)
    thread = Thread.objects.create(owner=owner)
    make(account, "new", 3, thread=thread)
    make(account, "read", 2, thread=thread, seen=True)
    page = read_page(owner, scopes.of_view(owner, "unread"), grouped=True)
    assert subjects(page) == ["new"]


def test_each_role_has_a_list_over_all_accounts_and_counters_know_how_much_it_holds() -> None:
    owner = make_user()
    for account in accounts_of(owner):
        for role in Role:
            make_message(account, letter(role), role=role)
    for view in ("drafts", "sent", "archive", "junk", "trash"):
        scope = scopes.of_view(owner, view)
        assert subjects(read_page(owner, scope)) == [view, view]
        assert scope.total == 2


def test_the_number_of_queries_is_that_of_one_account_and_one_message() -> None:
    owner = make_user()
    make_message(make_account(owner))

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            inbox(owner, grouped=True)
        return len(captured)

    few = queries()
    for number in range(5):
        make_message(make_account(owner, address=f"{number}@example.org"))
    assert queries() == few == 4


def test_a_merged_list_walks_each_folder_by_its_index() -> None:
    owner = make_user()
    for account in accounts_of(owner):
        make_message(account)
    folders = Folder.objects.filter(role=Role.INBOX)
    walks = scopes.of_view(owner, "inbox").walks(owner)
    assert len(walks) == folders.count() == 2
