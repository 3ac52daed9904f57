"""Gets damaged bytes again from the provider and puts them back under the rows that name them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Container, Iterator, Mapping, Sequence

from accounts import quotas
from accounts.models import ExternalAccount, State
from accounts.vault import SealBroken
from fetcher.memory import Memory
from fetcher.models import RemoteUid
from fetcher.planning import BATCH_BYTES
from fetcher.sessions import Headings, find_all, open_session
from mailstore.mending import put_back
from mailstore.models import Blob
from wire.errors import MailError
from wire.pop3 import RemoteItem
from wire.session import MailSession


def refetch(blob_ids: Collection[int]) -> Iterator[tuple[int, int, str]]:
    """Visit the active accounts that have damaged blobs.

    Yield account id, how many blobs are whole again, and the code of what went wrong, if anything.
    Nothing is deleted, here or there, and no message or remote id changes: the digest alone decides
    whether what the provider has is what was lost.
    """
    damaged = Blob.objects.filter(pk__in=list(blob_ids)).values_list("owner_id", "sha256")
    wanted = set(damaged)
    uids = RemoteUid.objects.filter(
        account__state=State.ACTIVE, sha256__in={digest for _, digest in wanted}
    ).select_related("account__owner", "account__incoming")
    by_account: dict[ExternalAccount, dict[str, str]] = {}
    for uid in uids:
        if (uid.account.owner_id, uid.sha256) in wanted:
            by_account.setdefault(uid.account, {})[uid.sha256] = uid.uid
    for account, names in by_account.items():
        yield account.pk, *_visit(account, names)


def _visit(account: ExternalAccount, names: Mapping[str, str]) -> tuple[int, str]:
    """Get what has one of these names again; ``names`` by digest."""
    limits, wanted = quotas.plan_of(account.owner), set(names.values())
    try:
        with open_session(account, Memory(), max_message_bytes=limits.max_message_bytes) as session:
            named = find_all(session, Headings(session))
            items = [one.item for one in named if one.uid in wanted]
            count = _retrieve(session, account.owner_id, items, names)
            session.finish()
    except MailError as error:
        return 0, error.code
    except SealBroken:
        return 0, "auth.sealed"
    return count, ""


def _retrieve(
    session: MailSession, owner_id: int, items: Sequence[RemoteItem], digests: Container[str]
) -> int:
    batch: dict[str, bytes] = {}
    count = 0
    for _, raw in session.retrieve(items):
        if not isinstance(raw, MailError):
            digest = hashlib.sha256(raw).hexdigest()
            batch |= {digest: raw} if digest in digests else {}
        if sum(map(len, batch.values())) >= BATCH_BYTES:
            count += put_back(owner_id, batch)
            batch = {}
    return count + put_back(owner_id, batch)
