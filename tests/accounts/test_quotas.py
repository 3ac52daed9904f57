"""Storage is taken in one step, so that no number of workers together exceeds it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connections, transaction

from accounts import quotas
from accounts.models import Plan, Quota, User
from tests.builders import make_user


def _allow(user: User, allowed: int) -> None:
    Quota.objects.filter(owner=user).update(allowed_bytes=allowed)


@pytest.mark.django_db
def test_a_message_that_just_fits_is_taken_and_the_next_byte_is_not() -> None:
    alice = make_user()
    _allow(alice, 100)
    quotas.take(alice.pk, 100)
    with pytest.raises(quotas.QuotaExceeded) as caught:
        quotas.take(alice.pk, 1)
    assert caught.value.code == "quota.full"
    assert caught.value.facts == {"used": 100, "allowed": 100}
    assert Quota.objects.get(owner=alice).used_bytes == 100


@pytest.mark.django_db
def test_the_limit_is_the_rows_then_the_persons_plan_then_the_default_plan() -> None:
    alice = make_user()
    default = Plan.objects.get(is_default=True)
    assert quotas.usage(alice.pk).allowed == default.storage_bytes
    alice.plan = Plan.objects.create(name="Small", storage_bytes=50)
    alice.save()
    assert quotas.usage(alice.pk).allowed == 50
    _allow(alice, 7)
    assert quotas.room_left(alice.pk) == 7


@pytest.mark.django_db
def test_without_any_plan_the_built_in_storage_holds() -> None:
    alice = make_user()
    Plan.objects.all().delete()
    assert quotas.usage(alice.pk).allowed == quotas.plan_of(alice).storage_bytes


@pytest.mark.django_db
def test_the_row_is_made_on_first_need() -> None:
    bob = User.objects.create_user("bob@example.org")
    quotas.take(bob.pk, 10)
    assert quotas.usage(bob.pk).used == 10


@pytest.mark.django_db
def test_a_lowered_limit_leaves_no_room_and_takes_nothing() -> None:
    alice = make_user()
    quotas.take(alice.pk, 100)
    _allow(alice, 40)
    assert quotas.room_left(alice.pk) == 0
    with pytest.raises(quotas.QuotaExceeded):
        quotas.take(alice.pk, 1)


@pytest.mark.django_db
def test_given_back_bytes_can_be_taken_again_but_never_more_than_were_taken() -> None:
    alice = make_user()
    quotas.take(alice.pk, 60)
    quotas.give_back(alice.pk, 60)
    assert quotas.usage(alice.pk).used == 0
    with pytest.raises(IntegrityError), transaction.atomic():
        quotas.give_back(alice.pk, 1)


@pytest.mark.django_db
def test_each_move_is_seen_by_open_pages() -> None:
    alice = make_user()
    assert quotas.change_number(alice.pk) == 0
    quotas.take(alice.pk, 1)
    quotas.give_back(alice.pk, 1)
    quotas.touch(alice.pk)
    assert quotas.change_number(alice.pk) == 3


@pytest.mark.django_db
def test_the_change_number_of_nobody_is_zero_and_the_first_touch_counts() -> None:
    bob = User.objects.create_user("bob@example.org")
    assert quotas.change_number(bob.pk) == 0
    quotas.touch(bob.pk)
    assert quotas.change_number(bob.pk) == 1


@pytest.mark.django_db(transaction=True)
def test_eight_threads_together_never_exceed_the_limit() -> None:
    alice = make_user()
    _allow(alice, 1000)

    def take_many(_: int) -> int:
        taken = 0
        for _attempt in range(20):
            try:
                quotas.take(alice.pk, 30)
                taken += 30
            except quotas.QuotaExceeded:
                pass
        connections.close_all()
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(take_many, range(8)))
    assert taken == Quota.objects.get(owner=alice).used_bytes == 990
