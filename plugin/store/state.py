"""The store: a projection of the journal that is read at a restart, and asked by people.

It is brought on by entries, in their order and each once, and remembers the digest of the last:
so it knows when it stands beside another journal. Nothing depends on it but speed: whoever gets a
:class:`~plugin.store.database.StoreError` can go on without, and make it anew later.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sqlalchemy import delete, func, insert, select, update

from plugin.audit.chain import GENESIS
from plugin.registry import from_document
from plugin.store.database import StoreError, connect, place, shown, told
from plugin.store.fold import fold
from plugin.store.tables import (
    ALARMS,
    CAPTURES,
    DEVICES,
    FINDINGS,
    FORMAT,
    LATEST,
    METADATA,
    POSITION,
    VERDICTS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Table

    from plugin.audit.chain import Entry
    from plugin.registry import Device
    from plugin.store.fold import Fold, Row

_AT_ONCE = 500
"""Values in one statement: all databases take so many."""
_SWEEP = 1_000
"""Entries after which old rows are looked for."""


class Retention(NamedTuple):
    """How many rows are kept; the journal has all of them."""

    verdicts: int = 100
    """The last of each device."""
    findings: int = 1_000
    """The last of each device."""
    entries: int = 5_000_000
    """What was made from older entries of the journal goes, but for devices that are there."""


class StoreDiffers(StoreError):  # noqa: N818 - it says what the store does
    """The store was made from another journal, or by another version: make it anew."""


class StoredDevice(NamedTuple):
    """A device that was there."""

    device: Device
    vendor: str | None


class LastVerdict(NamedTuple):
    """What was last said about a device."""

    document: Mapping[str, Any]
    """``configs/schema/verdict-v1.schema.json``."""
    capture: str
    """The name of the capture that was judged."""
    captures: int
    """How many were judged so far."""
    decided: Mapping[str, Any] | None
    """The last verdict that tells the role, be it unknown; None: no capture held enough."""


class Said(NamedTuple):
    """What was published of a device."""

    number: int
    """Of the journal's entry."""
    time: float
    """Seconds since 1970-01-01 UTC."""
    kind: str
    """``verdict`` or ``finding``."""
    mac: str
    capture: str | None
    message_id: str
    document: Mapping[str, Any]
    """``configs/schema/verdict-v1.schema.json``."""


class Store:
    """A store. One thread writes: the one that opened it; any may read. Close it at the end."""

    def __init__(
        self, url: str | Path, *, retention: Retention | None = None, anew: bool = False
    ) -> None:
        """Open a store, made if it is not there.

        Args:
            url: Where: see :func:`plugin.store.database.place`.
            retention: How many rows are kept.
            anew: Drop what is there first.

        Raises:
            StoreDiffers: another version made it.
            StoreError: it cannot be used.
        """
        self._retention = retention or Retention()
        self._url = place(url)
        self._writer = threading.get_ident()
        self.unreadable = 0
        """Entries that made no row because their body is not as it should be."""
        self._engine = connect(self._url)
        try:
            with told(self._url):
                self._last = self._prepare(anew=anew)
        except BaseException:
            self._engine.dispose()
            raise

    def position(self) -> int:
        """The number of the last entry that was taken in; 0 if none was.

        Raises:
            StoreError: it cannot be read.
        """
        with self._reading() as connection:
            return int(connection.scalar(select(POSITION.c.number)) or 0)

    def apply(self, entries: Iterable[Entry]) -> None:
        """Take in entries of the journal: all of them or, when it raises, none.

        Entries that were taken in before are passed over.

        Raises:
            StoreDiffers: some are missing before these, or others were taken in.
            StoreError: it cannot be written.
        """
        if threading.get_ident() != self._writer:
            raise RuntimeError("only the thread that opened the store writes it")
        number, digest = self._last
        fresh: list[Entry] = []
        for entry in entries:
            if entry.number < number:
                continue
            if entry.number == number:
                follows = entry.digest == digest
            else:
                follows = entry.number == number + 1 and entry.previous == digest
                fresh.append(entry)
            if not follows:
                raise self.differs(f"entry {entry.number} does not follow its entry {number}")
            number, digest = entry.number, entry.digest
        if fresh:
            changes = fold(fresh)
            with told(self._url), self._engine.begin() as connection:
                self._advance(connection, number, digest)
                _write(connection, changes)
                self._prune(connection, changes, number)
            self._last = number, digest
            self.unreadable += changes.unreadable

    def devices(self) -> list[StoredDevice]:
        """The devices that are not gone, the one longest not heard of first.

        Raises:
            StoreError: it cannot be read.
        """
        columns = select(DEVICES.c.document, DEVICES.c.vendor).order_by(
            DEVICES.c.last_seen, DEVICES.c.mac
        )
        with self._reading() as connection:
            return [
                StoredDevice(from_document(json.loads(document)), vendor)
                for document, vendor in connection.execute(columns)
            ]

    def judged(self, names: Iterable[str]) -> set[str]:
        """Which captures of these names were judged, or cannot be.

        Raises:
            StoreError: it cannot be read.
        """
        column = CAPTURES.c.capture
        with self._reading() as connection:
            return {
                name
                for some in _batches(names)
                for name in connection.scalars(select(column).where(column.in_(some)))
            }

    def last_verdicts(self) -> dict[str, LastVerdict]:
        """By MAC, what was last said about the devices that are not gone.

        Raises:
            StoreError: it cannot be read.
        """
        t = LATEST.c
        columns = select(t.mac, t.document, t.capture, t.captures, t.decided).join(
            DEVICES, DEVICES.c.mac == t.mac
        )
        with self._reading() as connection:
            return {
                mac: LastVerdict(
                    json.loads(document), capture, captures, decided and json.loads(decided)
                )
                for mac, document, capture, captures, decided in connection.execute(columns)
            }

    def said(self, mac: str, most: int) -> list[Said]:
        """The last verdicts and findings of a device, together, the last first.

        Args:
            mac: The device.
            most: So many of them.

        Raises:
            StoreError: it cannot be read.
        """
        found: list[Said] = []
        with self._reading() as connection:
            for kind, table in (("verdict", VERDICTS), ("finding", FINDINGS)):
                t = table.c
                columns = (
                    select(t.number, t.time, t.mac, t.capture, t.message_id, t.document)
                    .where(t.mac == mac)
                    .order_by(t.number.desc())
                    .limit(most)
                )
                found += (
                    Said(number, time, kind, about, capture, message_id, json.loads(document))
                    for number, time, about, capture, message_id, document in connection.execute(
                        columns
                    )
                )
        return sorted(found, key=lambda one: -one.number)[:most]

    def close(self) -> None:
        """Let go of it."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with told(self._url), self._engine.connect() as connection:
                yield connection
        except (KeyError, TypeError, ValueError) as error:
            raise self.differs("a row of it was changed by another hand") from error

    def _prepare(self, *, anew: bool) -> tuple[int, str]:
        with self._engine.begin() as connection:
            if anew:
                METADATA.drop_all(connection)
            METADATA.create_all(connection)
            found = connection.execute(select(POSITION)).one_or_none()
            if found is None:
                row = {"format": FORMAT, "number": 0, "digest": GENESIS}
                connection.execute(insert(POSITION), row)
                return 0, GENESIS
        if found.format != FORMAT:
            raise self.differs(f"it is of format {found.format}, this is {FORMAT}")
        return found.number, found.digest

    def _advance(self, connection: Connection, number: int, digest: str) -> None:
        """Move on from where we know it to be, which also keeps any other writer out."""
        t = POSITION.c
        before, known = self._last
        done = connection.execute(
            update(POSITION)
            .where(t.number == before, t.digest == known)
            .values(number=number, digest=digest)
        )
        if done.rowcount != 1:
            raise StoreError(
                "another process writes the store", where=shown(self._url), advice="end that one"
            )

    def _prune(self, connection: Connection, changes: Fold, number: int) -> None:
        for table, rows, most in (
            (VERDICTS, changes.verdicts, self._retention.verdicts),
            (FINDINGS, changes.findings, self._retention.findings),
        ):
            for macs in _batches({row["mac"] for row in rows}):
                _keep_last(connection, table, macs, most)
        if number // _SWEEP != self._last[0] // _SWEEP:
            for table in (LATEST, CAPTURES, VERDICTS, FINDINGS, ALARMS):
                old = table.c.number <= number - self._retention.entries
                connection.execute(delete(table).where(old))

    def differs(self, why: str) -> StoreDiffers:
        """The error that says why this store is not the journal's."""
        return StoreDiffers(
            f"the store does not belong to this journal: {why}",
            where=shown(self._url),
            advice="make it anew with 'halia audit project --anew'",
        )


def _write(connection: Connection, changes: Fold) -> None:
    """Rows take the place of those with the same key: deleted and inserted, as all databases do."""
    latest = _counted(connection, changes)
    _replace(connection, DEVICES, changes.devices)
    _replace(connection, LATEST, latest)
    captures = {name: {"capture": name, "number": n} for name, n in changes.captures.items()}
    _replace(connection, CAPTURES, captures)
    for table, rows in (
        (VERDICTS, changes.verdicts),
        (FINDINGS, changes.findings),
        (ALARMS, changes.alarms),
    ):
        if rows:
            connection.execute(insert(table), rows)


_NONE: tuple[int, str | None] = (0, None)


def _counted(connection: Connection, changes: Fold) -> dict[str, Row | None]:
    """The rows of last verdicts, with what was counted before."""
    before: dict[str, tuple[int, str | None]] = {}
    going_on = [mac for mac, last in changes.latest.items() if last and not last.anew]
    for some in _batches(going_on):
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


def _replace(connection: Connection, table: Table, rows: Mapping[str, Row | None]) -> None:
    (key,) = table.primary_key
    for some in _batches(rows):
        connection.execute(delete(table).where(key.in_(some)))
    kept = [row for row in rows.values() if row is not None]
    if kept:
        connection.execute(insert(table), kept)


def _keep_last(connection: Connection, table: Table, macs: Sequence[str], most: int) -> None:
    rank = func.row_number().over(partition_by=table.c.mac, order_by=table.c.number.desc())
    ranked = select(table.c.number, rank.label("rank_")).where(table.c.mac.in_(macs)).subquery()
    old = select(ranked.c.number).where(ranked.c.rank_ > most).subquery()
    connection.execute(delete(table).where(table.c.number.in_(select(old.c.number))))


def _batches(values: Iterable[str]) -> Iterator[list[str]]:
    stream = iter(values)
    while some := list(islice(stream, _AT_ONCE)):
        yield some
