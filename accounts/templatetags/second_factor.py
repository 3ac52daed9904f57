"""Template filter of the administration: whether a person signs in with a second factor."""

from __future__ import annotations

from allauth.mfa.utils import is_mfa_enabled
from django import template

from accounts.models import User

register = template.Library()


@register.filter
def has_second_factor(person: User) -> bool:
    """Tell whether a person has set up a second factor of any kind."""
    return bool(is_mfa_enabled(person))
