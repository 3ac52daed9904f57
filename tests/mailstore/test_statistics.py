"""What the planner knows of the tables is what they hold."""

from __future__ import annotations

import pytest
from django.db import connection

from mailstore.tasks import refresh_statistics
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message

ROWS = "SELECT stat FROM sqlite_stat1 WHERE tbl = 'mailstore_message'"


@pytest.mark.django_db
def test_statistics_follow_the_mail_that_came() -> None:
    account = make_account(make_user())
    make_message(account, letter("first"))
    refresh_statistics()
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL counts by itself")
    for number in range(9):
        make_message(account, letter(f"{number}"))
    refresh_statistics()
    with connection.cursor() as cursor:
        told = [stat.split()[0] for (stat,) in cursor.execute(ROWS).fetchall()]
    assert set(told) == {"10"}
