"""Mail that Muara sends while no relay is configured: printed, and kept under ``var/outbox``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend


class OutboxBackend(EmailBackend):
    """Keep each mail in a file and print it, so that a first sign-up can be finished."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Print what a person needs from each mail, then write it whole."""
        for message in email_messages:
            print(  # noqa: T201 - the terminal is where a first user looks for the code
                f"\n--- mail to {', '.join(message.to)}: {message.subject}\n{message.body}\n---",
                file=sys.stderr,
                flush=True,
            )
        return super().send_messages(email_messages)
