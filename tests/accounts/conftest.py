"""Whom the pages of the accounts app are shown to."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from tests.builders import make_user


@pytest.fixture
def alice(client: Client, db: None) -> User:
    """Sign Alice in."""
    owner = make_user()
    client.force_login(owner)
    return owner
