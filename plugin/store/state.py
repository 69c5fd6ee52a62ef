"""The store: a projection of the journal that is read at a restart, and asked by people.

It is brought on by entries, in their order and each once, and remembers the digest of the last:
so it knows when it stands beside another journal. Nothing depends on it but speed: whoever gets a
:class:`~plugin.store.database.StoreError` can go on without, and make it anew later.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sqlalchemy import delete, func, insert, select, update

from plugin.audit.chain import GENESIS
from plugin.registry import from_document
from plugin.store.database import StoreError, connect, place, shown, told
from plugin.store.fold import OVER, fold
from plugin.store.tables import (
    ALARMS,
    CAPS,
    CAPTURES,
    CASES,
    DECISIONS,
    DEVICES,
    FINDINGS,
    FORMAT,
    LATEST,
    METADATA,
    POSITION,
    VERDICTS,
)
from plugin.store.write import batches, keep_last, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Connection

    from plugin.audit.chain import Entry
    from plugin.registry import Device
    from plugin.store.fold import Fold

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


class Decided(NamedTuple):
    """A step of a case."""

    number: int
    """Of the journal's entry."""
    time: float
    """Seconds since 1970-01-01 UTC."""
    actor: str
    body: Mapping[str, Any]
    """``case`` as it was after it, ``before``, ``why``."""


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
                write(connection, changes)
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
                for some in batches(names)
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

    def cases(self, *, since: float = 0.0) -> list[Mapping[str, Any]]:
        """The cases that are not over, those since a time that matter still, and the last of all.

        Returns:
            The document of each as it was last (``body.case`` in the journal), by number.

        Raises:
            StoreError: it cannot be read.
        """
        t = CASES.c
        last = select(func.max(t.case_number)).scalar_subquery()
        late = select(DECISIONS.c.number).where(DECISIONS.c.time >= since)
        columns = (
            select(t.document)
            .where((t.state != OVER) | (t.matters & t.number.in_(late)) | (t.case_number == last))
            .order_by(t.case_number)
        )
        with self._reading() as connection:
            return [json.loads(document) for document in connection.scalars(columns)]

    def frozen(self) -> str | None:
        """Why no rule isolates anybody until somebody allows it again; None: rules may.

        Raises:
            StoreError: it cannot be read.
        """
        columns = select(CAPS.c.frozen).order_by(CAPS.c.number.desc()).limit(1)
        with self._reading() as connection:
            found: str | None = connection.scalar(columns)
        return found

    def decisions(self, mac: str, most: int) -> list[Decided]:
        """The last steps of a device's cases, the last first.

        Raises:
            StoreError: it cannot be read.
        """
        t = DECISIONS.c
        columns = (
            select(t.number, t.time, t.actor, t.document)
            .where(t.mac == mac)
            .order_by(t.number.desc())
            .limit(most)
        )
        with self._reading() as connection:
            return [
                Decided(number, time, actor, json.loads(document))
                for number, time, actor, document in connection.execute(columns)
            ]

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
            for macs in batches({row["mac"] for row in rows}):
                keep_last(connection, table, macs, most)
        if number // _SWEEP != self._last[0] // _SWEEP:
            for table in (LATEST, CAPTURES, VERDICTS, FINDINGS, ALARMS, DECISIONS):
                old = table.c.number <= number - self._retention.entries
                connection.execute(delete(table).where(old))
            old = CASES.c.number <= number - self._retention.entries
            last = connection.scalar(select(func.max(CASES.c.case_number)))  # numbers go on
            done = (CASES.c.state == OVER) & (CASES.c.case_number != last)
            connection.execute(delete(CASES).where(old & done))

    def differs(self, why: str) -> StoreDiffers:
        """The error that says why this store is not the journal's."""
        return StoreDiffers(
            f"the store does not belong to this journal: {why}",
            where=shown(self._url),
            advice="make it anew with 'halia audit project --anew'",
        )
