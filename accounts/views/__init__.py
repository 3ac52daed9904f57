"""The pages of the accounts app."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class SignedInRequest(HttpRequest):
    """A request that ``login_required`` has let through."""

    user: User
    htmx: HtmxDetails
