"""Which messages make one conversation."""

from __future__ import annotations

import pytest

from accounts.models import ExternalAccount, User
from mailstore.models import Message, Thread, ThreadLink
from mailstore.parsing import ParsedMessage
from mailstore.threads import find_threads
from tests.builders import make_account, make_user
from tests.mailstore.rows import make_message

pytestmark = pytest.mark.django_db


def said(message_id: str = "", *references: str, subject: str = "") -> ParsedMessage:
    return ParsedMessage(message_id=message_id, references=references, subject=subject)


def ids(owner: User, *messages: ParsedMessage) -> list[int]:
    return find_threads(owner.pk, messages)


def test_answers_join_whatever_the_order_they_come_in() -> None:
    owner = make_user()
    answer, first, other = ids(owner, said("b", "a"), said("a"), said("x"))
    assert answer == first != other
    assert ids(owner, said("c", "a", "b")) == [first]


def test_two_answers_to_a_message_we_never_had_belong_together() -> None:
    owner = make_user()
    assert len(set(ids(owner, said("b", "lost"), said("c", "lost")))) == 1
    assert ids(owner, said("d", "lost")) == ids(owner, said("e", "b"))


def test_an_equal_subject_joins_nothing() -> None:
    one, two = ids(make_user(), said("a", subject="Re: hi"), said("b", subject="Re: hi"))
    assert one != two


def test_messages_without_ids_stand_alone() -> None:
    assert len(set(ids(make_user(), said(), said(), said()))) == 3


def test_conversations_of_two_people_never_join() -> None:
    alice, bob = make_user(), make_user("bob@example.org")
    assert ids(alice, said("a")) != ids(bob, said("b", "a"))
    assert set(ThreadLink.objects.filter(owner=bob).values_list("thread__owner", flat=True)) == {
        bob.pk
    }


def store(account: ExternalAccount, message: ParsedMessage) -> Message:
    (thread_id,) = find_threads(account.owner_id, [message])
    return make_message(account, thread_id=thread_id)


def test_a_message_that_links_two_conversations_makes_them_one() -> None:
    account = make_account(make_user())
    first, second = store(account, said("a")), store(account, said("b"))
    assert first.thread_id != second.thread_id
    link = store(account, said("c", "a", "b"))
    assert set(Message.objects.values_list("thread", flat=True)) == {link.thread_id}
    assert set(ThreadLink.objects.values_list("thread", flat=True)) == {first.thread_id}
    assert not Thread.objects.filter(pk=second.thread_id).exists()


def test_a_long_chain_in_one_batch_is_one_conversation() -> None:
    chain = [said(str(number), str(number - 1)) for number in range(200)]
    assert len(set(ids(make_user(), *chain, *reversed(chain)))) == 1


def test_a_conversation_that_a_merge_takes_over_is_no_home_for_another() -> None:
    owner = make_user()
    ids(owner, said("a"))
    (taken,) = ids(owner, said("n"))
    pair = [said("b", "a", "n"), said("o")]
    merged, apart = find_threads(owner.pk, pair, [taken, taken])
    assert apart not in {merged, taken}
