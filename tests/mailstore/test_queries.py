"""Lists by key, the views, and whose rows they hold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import State
from mailstore.models import Message, Role
from mailstore.queries import list_messages, open_message, unread_total
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def subjects(messages: list[Message]) -> list[str]:
    return [message.subject for message in messages]


def test_all_inboxes_are_merged_by_date_newest_first() -> None:
    owner = make_user()
    work = make_account(owner, address="work@example.org")
    home = make_account(owner, address="home@example.org")
    for hours, account in ((3, work), (1, home), (2, work)):
        make_message(account, letter(f"{hours} h"), sent_at=NOW - timedelta(hours=hours))
    assert subjects(list_messages(owner, view="inbox").messages) == ["1 h", "2 h", "3 h"]


def test_pages_follow_each_other_without_gap_or_repeat_when_dates_are_equal() -> None:
    owner = make_user()
    account = make_account(owner)
    for number in range(7):
        make_message(account, letter(str(number)), sent_at=NOW)
    seen: list[str] = []
    before = ""
    for _page in range(4):
        page = list_messages(owner, view="inbox", before=before, limit=2)
        seen += subjects(page.messages)
        before = page.next_key
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    assert before == ""


@pytest.mark.parametrize(
    "key", ["x", "!!!!", "MS4y" * 9, "\0", "é", "OTk5OTk5OTk5OTk5OTk5OTk5OTkuMQ"]
)
def test_a_key_that_cannot_be_read_starts_at_the_newest(key: str) -> None:
    owner = make_user()
    make_message(make_account(owner))
    assert len(list_messages(owner, view="inbox", before=key).messages) == 1


def test_the_views_keep_what_their_names_say() -> None:
    owner = make_user()
    account = make_account(owner)
    make_message(account, letter("new"))
    make_message(account, letter("read"), seen=True, flagged=True)
    make_message(account, letter("spam"), role=Role.JUNK, flagged=True)
    shown = {view: set(subjects(list_messages(owner, view=view).messages)) for view in VIEWS}
    assert shown == {"inbox": {"new", "read"}, "unread": {"new"}, "starred": {"read"}}


VIEWS = ("inbox", "unread", "starred")


def test_a_folder_shows_its_own_messages_only() -> None:
    owner = make_user()
    account = make_account(owner)
    make_message(account, letter("here"))
    spam = make_message(account, letter("there"), role=Role.JUNK)
    assert subjects(list_messages(owner, folder=spam.folder).messages) == ["there"]


def test_other_people_and_removed_accounts_are_never_listed_or_opened() -> None:
    owner, other = make_user(), make_user("bob@example.org")
    foreign = make_message(make_account(other))
    gone = make_message(make_account(owner, state=State.REMOVED))
    assert list_messages(owner, view="inbox").messages == []
    assert unread_total(owner) == 0
    for message in (foreign, gone):
        with pytest.raises(Message.DoesNotExist):
            open_message(owner, message.public_id)
