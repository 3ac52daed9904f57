"""What deleting here means at the providers: nothing, and what accounts delete there anyway."""

from __future__ import annotations

from accounts.models import ExternalAccount, User


def deletions(user: User) -> list[tuple[str, int]]:
    """Return the accounts that delete mail at their provider, and how many days after storing it.

    Nothing else is ever deleted there, whatever becomes of a message here.
    """
    own = ExternalAccount.objects.for_user(user)
    rows = own.values_list("name", "incoming__delete_after_days")
    return [(name, days) for name, days in rows if days is not None]
