"""Changes into tables, in statements that all databases take."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import delete, func, insert, select

from plugin.store.tables import (
    ALARMS,
    CAPS,
    CAPTURES,
    CASES,
    DECISIONS,
    DEVICES,
    FINDINGS,
    LATEST,
    VERDICTS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Table

    from plugin.store.fold import Fold, Row

T = TypeVar("T")
_AT_ONCE = 500
"""Values in one statement: all databases take so many."""


def write(connection: Connection, changes: Fold) -> None:
    """Rows take the place of those with the same key: deleted and inserted, as all databases do."""
    latest = _counted(connection, changes)
    _replace(connection, DEVICES, changes.devices)
    _replace(connection, LATEST, latest)
    captures = {name: {"capture": name, "number": n} for name, n in changes.captures.items()}
    _replace(connection, CAPTURES, captures)
    _replace(connection, CASES, changes.cases)
    for table, rows in (
        (VERDICTS, changes.verdicts),
        (FINDINGS, changes.findings),
        (ALARMS, changes.alarms),
        (DECISIONS, changes.decisions),
        (CAPS, changes.caps),
    ):
        if rows:
            connection.execute(insert(table), rows)


_NONE: tuple[int, str | None] = (0, None)


def _counted(connection: Connection, changes: Fold) -> dict[str, Row | None]:
    """The rows of last verdicts, with what was counted before."""
    before: dict[str, tuple[int, str | None]] = {}
    going_on = [mac for mac, last in changes.latest.items() if last and not last.anew]
    for some in batches(going_on):
        rows = connection.execute(
            select(LATEST.c.mac, LATEST.c.captures, LATEST.c.decided).where(LATEST.c.mac.in_(some))
        )
        before.update((mac, (captures, decided)) for mac, captures, decided in rows)
    return {
        mac: last
        and {
            "mac": mac,
            "capture": last.capture,
            "captures": before.get(mac, _NONE)[0] + last.more,
            "decided": last.decided or before.get(mac, _NONE)[1],
            "document": last.document,
            "number": last.number,
        }
        for mac, last in changes.latest.items()
    }


def _replace(connection: Connection, table: Table, rows: Mapping[Any, Row | None]) -> None:
    (key,) = table.primary_key
    for some in batches(rows):
        connection.execute(delete(table).where(key.in_(some)))
    kept = [row for row in rows.values() if row is not None]
    if kept:
        connection.execute(insert(table), kept)


def keep_last(connection: Connection, table: Table, macs: Sequence[str], most: int) -> None:
    """Delete all but the last rows of each of some devices."""
    rank = func.row_number().over(partition_by=table.c.mac, order_by=table.c.number.desc())
    ranked = select(table.c.number, rank.label("rank_")).where(table.c.mac.in_(macs)).subquery()
    old = select(ranked.c.number).where(ranked.c.rank_ > most).subquery()
    connection.execute(delete(table).where(table.c.number.in_(select(old.c.number))))


def batches(values: Iterable[T]) -> Iterator[list[T]]:
    """As many values at a time as one statement takes."""
    stream = iter(values)
    while some := list(islice(stream, _AT_ONCE)):
        yield some
