"""Rows of a file of labels made into labels: addresses, ports, times and verdicts from their cells.

Cells are texts (CSV, Zeek) or numbers (JSON); a cell that is absent is None.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from plugin.addresses import address_bytes
from plugin.flows.label_mapping import AUTO, ISO, SCALES
from plugin.flows.labels import ALWAYS, LabelRows
from plugin.settings.units import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plugin.flows.label_mapping import LabelMapping

Cell = str | int | float | None
T = TypeVar("T")

PROTOCOLS = {"tcp": 6, "udp": 17}
PORT_MAX = 65_535
CACHE_MAX = 1 << 20
"""Texts whose meaning is kept: more than that and it begins anew."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LIMIT = 2**62
"""Times are kept so far from the ends of 64 bits that no slack comes to them."""


class LabelTable:
    """Labels as they come out of a file's rows."""

    def __init__(self, mapping: LabelMapping) -> None:
        """Take rows of one meaning.

        Args:
            mapping: complete: with the names of all columns that are needed.
        """
        self.rows = LabelRows()
        self.normal = self.abnormal = 0
        self.ignored = 0
        """Rows that say neither."""
        self.others = 0
        """Rows about other protocols than TCP and UDP."""
        self._mapping = mapping
        self._addresses: dict[str, bytes] = {}
        self._verdicts: dict[str, int | None] = {}
        self._ports: dict[Cell, int] = {}
        self._protos: dict[Cell, int | None] = {}
        self._time = _reader_of(mapping)
        self._slack = round(mapping.slack * 10**9)

    def add(self, cells: Mapping[str, Cell], verdict: int | None = None) -> None:
        """Take a row.

        Args:
            cells: by the names of :data:`plugin.flows.label_mapping.COLUMNS`.
            verdict: what it says; None: what its label says.

        Raises:
            ValueError: a cell is not what its column holds; the text says which.
        """
        proto = _known(self._protos, _proto, cells["proto"])
        if proto is None:
            self.others += 1
            return
        if verdict is None:
            label = cells.get("label")
            verdict = self._verdict("" if label is None else str(label))
        if verdict is None:
            self.ignored += 1
            return
        ends = (
            self._address(cells["src_ip"]),
            _known(self._ports, _port, cells["src_port"]),
            self._address(cells["dst_ip"]),
            _known(self._ports, _port, cells["dst_port"]),
        )
        self.rows.add(ends, proto, verdict, self._span(cells), both=bool(self._mapping.both))
        self.abnormal += verdict
        self.normal += 1 - verdict

    def _verdict(self, label: str) -> int | None:
        if label not in self._verdicts:
            if len(self._verdicts) >= CACHE_MAX:
                self._verdicts.clear()
            self._verdicts[label] = self._mapping.verdict(label)
        return self._verdicts[label]

    def _address(self, cell: Cell) -> bytes:
        text = "" if cell is None else str(cell).strip()
        found = self._addresses.get(text)
        if found is None:
            try:
                found = address_bytes(text)
            except ValueError:
                raise ValueError(f"{quoted(text)} is no IP address") from None
            if len(self._addresses) >= CACHE_MAX:
                self._addresses.clear()
            self._addresses[text] = found
        return found

    def _span(self, cells: Mapping[str, Cell]) -> tuple[int, int]:
        start = cells.get("start")
        if start is None:
            return ALWAYS
        first = last = self._time(start)
        end, duration = cells.get("end"), cells.get("duration")
        if end is not None:
            last = self._time(end)
        elif duration is not None:
            last += max(0, _scaled(duration, SCALES[self._mapping.duration_unit]))
        if last < first:
            raise ValueError(f"it ends ({quoted(str(end))}) before it begins")
        return first - self._slack, min(last, _LIMIT) + self._slack


def _known(kept: dict[Cell, T], read: Callable[[Cell], T], cell: Cell) -> T:
    """What a cell holds, read once for all cells of the same text."""
    if type(cell) is not str:  # numbers that are equal need not be written alike
        return read(cell)
    if cell in kept:
        return kept[cell]
    if len(kept) >= CACHE_MAX:
        kept.clear()
    kept[cell] = read(cell)
    return kept[cell]


def _reader_of(mapping: LabelMapping) -> Callable[[Cell], int]:
    """What reads a time as ns since 1970."""
    zone = timezone(timedelta(minutes=mapping.zone_minutes))
    format_ = mapping.time_format

    def dated(cell: Cell) -> int:
        text = str(cell).strip()
        try:
            moment = (
                datetime.fromisoformat(text)
                if format_ in {AUTO, ISO}
                else datetime.strptime(text, format_)  # noqa: DTZ007 - the zone is put in below
            )
        except ValueError:
            raise ValueError(f"{quoted(text)} is no time") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return _within((moment - _EPOCH) // _MICROSECOND * 1_000, text)

    if format_ in SCALES:
        return lambda cell: _scaled(cell, SCALES[format_])
    if format_ != AUTO:
        return dated

    def either(cell: Cell) -> int:
        # A number first: what ISO calls a basic date (20170707) nobody writes into a log.
        if not isinstance(cell, str) or cell.strip().replace(".", "", 1).lstrip("-").isdigit():
            return _scaled(cell, SCALES["s"])
        return dated(cell)

    return either


def _scaled(cell: Cell, scale: int) -> int:
    """A number of some unit as whole nanoseconds, exactly where it is text."""
    value = Decimal("nan")
    with suppress(ArithmeticError):
        value = Decimal(str(cell).strip()) * scale
    # Looked at before it is made whole: 1e999999999 would take all memory.
    if not value.is_finite() or abs(value) >= _LIMIT:
        raise ValueError(f"{quoted(str(cell))} is no time")
    return int(value)


def _within(value: int, text: str) -> int:
    """A time that 64 bits of nanoseconds hold: not one of the year 1."""
    if abs(value) >= _LIMIT:
        raise ValueError(f"{quoted(text)} is no time between 1824 and 2116")
    return value


def _proto(cell: Cell) -> int | None:
    text = str(cell).strip().lower()
    number = PROTOCOLS.get(text)
    if number is None:
        text = text.removesuffix(".0")
        number = int(text) if text in {"6", "17"} else None
    return number


def _port(cell: Cell) -> int:
    text = str(cell).strip().removesuffix(".0")
    try:
        number = int(text, 16 if text[:2] in {"0x", "0X"} else 10)
    except ValueError:
        number = -1
    if not 0 <= number <= PORT_MAX:
        raise ValueError(f"{quoted(text)} is no port")
    return number
