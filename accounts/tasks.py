"""What a worker does for the accounts app."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import onboarding


@shared_task
def run_waiting_probes() -> int:
    """Run the server tests that wait."""
    return onboarding.run_waiting_probes(timezone.now())
