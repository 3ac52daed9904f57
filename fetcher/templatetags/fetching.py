"""Template tags of fetching: how an account was served, and what had waited for it."""

from __future__ import annotations

from django import template
from django.utils import timezone

from accounts.models import ExternalAccount
from fetcher import backlog, service

register = template.Library()


@register.simple_tag
def service_level(account: ExternalAccount) -> service.Level | None:
    """Return the share of visits in time over 30 days, or None before the first visit."""
    return service.level_of(account, today=timezone.localdate())


@register.simple_tag
def waited_words(account: ExternalAccount) -> str:
    """Say how many messages had waited while an account was stopped, just after it goes on."""
    return backlog.words_of(account, now=timezone.now())
