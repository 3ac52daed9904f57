"""What a check finds: a fault with a stable code, where it is, and how it may be mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

CHUNK = 500
Row = TypeVar("Row", bound=Model)
Mend = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it should be; ``facts`` are ids, sizes and names of columns.

    ``mend`` proves the fault again before it changes anything, and tells whether it is gone. It is
    None where packs and rows do not prove what is right. A note is worth knowing but no fault.
    """

    code: str
    facts: Mapping[str, int | str]
    mend: Mend | None = None
    is_note: bool = False


def by_key(rows: QuerySet[Row], size: int = CHUNK) -> Iterator[list[Row]]:
    """Yield rows in order of their keys, a bounded list at a time, holding no cursor between."""
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk")[:size]):
        yield chunk
        last = chunk[-1].pk


def wrong_rows(
    code: str,
    rows: QuerySet[Row],
    names: Sequence[str] = (),
    mend: Callable[[QuerySet[Row]], object] | None = None,
) -> Iterator[Fault]:
    """Yield a fault for each of the rows, all of which are wrong.

    ``mend`` is handed the row as a query that finds it only while it is wrong, and the fault is
    gone when the query finds it no more.
    """
    kind = rows.model._meta.model_name or ""  # noqa: SLF001 - Django's documented way
    for chunk in by_key(rows):
        for row in chunk:
            facts: dict[str, Any] = {kind: row.pk} | {name: getattr(row, name) for name in names}
            one = rows.filter(pk=row.pk)
            yield Fault(code, facts, partial(_mended, one, mend) if mend else None)


def _mended(row: QuerySet[Row], mend: Callable[[QuerySet[Row]], object]) -> bool:
    if row.exists():
        mend(row)
    return not row.exists()
