"""Writes the accounts that Muara fetches in a benchmark into a new data folder's database.

    python -m bench.people < accounts.json

The input names each account's user at the server; printed is the public id of each account.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

import django
from django.conf import settings

EACH_HAS = 5


def main() -> None:
    """Make people for the accounts named on the standard input."""
    django.setup()
    # Nobody signs in; a thousand slow hashes would only take time.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    sys.stdout.write(json.dumps(_make(json.load(sys.stdin))) + "\n")


def _make(users: Mapping[str, str]) -> dict[str, str]:
    from django.db import transaction  # noqa: PLC0415 - needs Django set up

    from accounts.models import Plan  # noqa: PLC0415
    from bench.boxes import PASSWORD  # noqa: PLC0415
    from tests.builders import make_account, make_user  # noqa: PLC0415

    made = {}
    with transaction.atomic():
        Plan.objects.update(storage_bytes=100 * 1024**3)
        for number, (name, user) in enumerate(users.items()):
            if number % EACH_HAS == 0:
                owner = make_user(f"person{number}@example.org")
            account = make_account(owner, address=f"{name}@example.org", password=PASSWORD)
            account.interval_minutes = 60
            account.save()
            account.incoming.username = user
            account.incoming.save()
            made[name] = str(account.public_id)
    return made


if __name__ == "__main__":
    main()
