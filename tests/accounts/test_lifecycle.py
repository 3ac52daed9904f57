"""Each state knows its events; a row that moved meanwhile is not overwritten."""

from datetime import UTC, datetime

import pytest

from accounts.lifecycle import MOVES, AccountMoved, Event, IllegalTransition, advance
from accounts.models import ExternalAccount, State
from accounts.models.account import GONE
from tests.builders import make_account, make_user

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _in_state(state: State) -> ExternalAccount:
    return make_account(make_user(), state=state, next_fetch_at=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "event"), MOVES)
def test_each_move_of_the_table_is_made_and_kept(state: State, event: Event) -> None:
    account = _in_state(state)
    assert advance(account, event, now=NOW) is MOVES[state, event]
    assert ExternalAccount.objects.get().state == account.state == MOVES[state, event]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "event"), [(s, e) for s in State for e in Event if (s, e) not in MOVES]
)
def test_an_event_without_a_move_is_refused(state: State, event: Event) -> None:
    account = _in_state(state)
    with pytest.raises(IllegalTransition):
        advance(account, event, now=NOW)
    assert ExternalAccount.objects.get().state == state


def test_an_account_that_is_gone_can_only_go_further() -> None:
    assert {move: MOVES[move] for move in MOVES if move[0] in GONE} == {
        (State.ARCHIVED, Event.REMOVED): State.REMOVED
    }


@pytest.mark.django_db
def test_a_row_that_moved_meanwhile_is_left_alone() -> None:
    account = _in_state(State.ACTIVE)
    ExternalAccount.objects.update(state=State.PAUSED)
    with pytest.raises(AccountMoved):
        advance(account, Event.SIGN_IN_REFUSED, now=NOW)
    assert ExternalAccount.objects.get().state == State.PAUSED


@pytest.mark.django_db
def test_an_account_that_becomes_active_is_fetched_at_once_with_a_clean_slate() -> None:
    account = make_account(
        make_user(), state=State.NEEDS_SIGN_IN, next_fetch_at=None, refusals=2, failing_since=NOW
    )
    advance(account, Event.INCOMING_PASSED, now=NOW)
    account.refresh_from_db()
    assert (account.next_fetch_at, account.refusals, account.failing_since) == (NOW, 0, None)


@pytest.mark.django_db
def test_further_columns_are_set_in_the_same_update() -> None:
    account = _in_state(State.ACTIVE)
    advance(account, Event.SIGN_IN_REFUSED, now=NOW, last_code="auth.changed")
    account.refresh_from_db()
    assert (account.last_code, account.next_fetch_at) == ("auth.changed", None)


@pytest.mark.django_db
@pytest.mark.parametrize("event", [Event.ARCHIVED, Event.REMOVED])
def test_a_gone_account_is_no_default(event: Event) -> None:
    account = make_account(make_user(), is_default=True)
    advance(account, event, now=NOW)
    account.refresh_from_db()
    assert not account.is_default
