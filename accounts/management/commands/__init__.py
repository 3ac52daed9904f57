"""Commands of the accounts app, and what they share: a secret comes in by standard input."""

from __future__ import annotations

import sys

from django.core.management.base import CommandError


def read_password() -> str:
    """Read one line from standard input; end with exit code 2 where there is none."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise CommandError("No password came by standard input.", returncode=2)
    return password
