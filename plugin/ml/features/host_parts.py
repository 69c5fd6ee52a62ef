"""A device's packets as ``halia-host`` counts them: one direction, sorted by row.

A :class:`Part` holds packets of many devices at once, so that each share, mean or extreme of all
of them is one numpy call. A *row* is a device, or a device's window of time. The near end of a
packet is the device's (``own_*``), the far end its peer's (``peer_*``). Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.ml.matrix import distinct, starts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing
_FOLD = np.uint64(29)
_ENDS = ("ip", "port", "mac")


class Numbers(NamedTuple):
    """Different keys of packets."""

    leads: NDArray[np.bool_]
    """(n,) which packets are the first of their key in their row."""
    number: NDArray[np.int64]
    """(n,) the key of each packet: which of the leads has it."""


class Part:
    """Some packets: their rows ascend, and within a row they stand in the order of the file."""

    def __init__(
        self, take: Callable[[str], NDArray[Any]], row: NDArray[np.int64], n_rows: int, near: str
    ) -> None:
        """Hold packets.

        Args:
            take: gives a column by its name, (n,) or (n, 16).
            row: (n,) row of each packet, ascending.
            n_rows: rows that there are, those without packets included.
            near: ``src`` if the rows' devices sent the packets, ``dst`` if they received them.
        """
        far = "dst" if near == "src" else "src"
        self.row = row
        self.n_rows = n_rows
        self.near = near
        self.counts: NDArray[np.int64] = np.bincount(row, minlength=n_rows)
        self._take = take
        self._names = {f"own_{end}": f"{near}_{end}" for end in _ENDS}
        self._names |= {f"peer_{end}": f"{far}_{end}" for end in _ENDS}
        self._held: dict[str, NDArray[Any]] = {}

    def __len__(self) -> int:
        """How many packets."""
        return len(self.row)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A field of ``PACKET``, or ``own_ip`` … ``peer_mac``, or what was made by :meth:`made`."""
        name = self._names.get(name, name)
        if name not in self._held:
            self._held[name] = self._take(name)
        return self._held[name]

    def made(self, name: str, make: Callable[[Part], NDArray[Any]]) -> NDArray[Any]:
        """A column that ``make`` computes from the others, once."""
        if name not in self._held:
            self._held[name] = make(self)
        return self._held[name]

    def only(self, member: NDArray[np.bool_]) -> Part:
        """The packets for which ``member``, (n,), holds."""
        chosen = np.flatnonzero(member)
        return Part(lambda name: self[name][chosen], self.row[chosen], self.n_rows, self.near)

    def split(self, bins: NDArray[np.int64], n_bins: int) -> Part:
        """The same packets in n_bins rows for each row, by (n,) ``bins``; order is kept in each."""
        row = self.row * n_bins + bins
        order = np.argsort(row, kind="stable")
        return Part(lambda name: self[name][order], row[order], self.n_rows * n_bins, self.near)

    @property
    def firsts(self) -> NDArray[np.int64]:
        """(n_rows,) where each row begins."""
        return starts_of(self.counts)[:-1]

    @property
    def place(self) -> NDArray[np.int64]:
        """(n,) how many packets of its row stand before each."""
        return np.arange(len(self.row)) - self.firsts[self.row]

    def tally(self, bins: NDArray[np.integer], n_bins: int) -> NDArray[np.float64]:
        """(n_rows, n_bins) packets in each bin."""
        cells = self.row * n_bins + bins
        counted = np.bincount(cells, minlength=self.n_rows * n_bins)
        return counted.reshape(self.n_rows, n_bins).astype(np.float64)

    def shares(self, bins: NDArray[np.integer], n_bins: int) -> NDArray[np.float64]:
        """(n_rows, n_bins) share of the row's packets in each bin; 0 in a row without packets."""
        return self.tally(bins, n_bins) / self._at_least_one()[:, None]

    def fractions(self, *members: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(n_rows, n_members) share of the row's packets for which each holds."""
        found = [np.bincount(self.row[member], minlength=self.n_rows) for member in members]
        return np.stack(found, axis=1) / self._at_least_one()[:, None]

    def total(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """(n_rows,) sum of (n,) values."""
        return np.bincount(self.row, values, self.n_rows).astype(np.float64)

    def mean(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """(n_rows,) mean; 0 in a row without packets."""
        return self.total(values) / self._at_least_one()

    def spread(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """(n_rows,) standard deviation (over n); 0 in a row without packets."""
        away = values - self.mean(values)[self.row]
        return np.sqrt(self.mean(away * away))

    def most(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """(n_rows,) largest; 0 in a row without packets."""
        found = np.zeros(self.n_rows)
        some = self.counts > 0
        if some.any():
            found[some] = np.maximum.reduceat(values, self.firsts[some])
        return found

    def least(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """(n_rows,) smallest; 0 in a row without packets."""
        found = np.zeros(self.n_rows)
        some = self.counts > 0
        if some.any():
            found[some] = np.minimum.reduceat(values, self.firsts[some])
        return found

    def each(self, *keys: NDArray[Any]) -> Part:
        """The first packet of each different key of each row; see :meth:`numbers`."""
        return self.only(self.numbers(*keys).leads)

    def numbers(self, *keys: NDArray[Any]) -> Numbers:
        """Number the different keys of each row, in order of their first packets.

        Args:
            keys: (n,) whole numbers or (n, 16) addresses; together they are the key.
        """
        found = distinct(mixed(self.row, *keys))
        leads = np.zeros(len(self.row), np.bool_)
        leads[found.first] = True
        # The k-th lead of the file is key number k: rows ascend, so keys stand row by row.
        rank = np.cumsum(leads) - 1
        return Numbers(leads, rank[found.first][found.number])

    def steps(self, values: NDArray[np.int64]) -> tuple[Part, NDArray[np.int64]]:
        """Differences to the packet before in the same row: of all packets but a row's first."""
        if not len(values):
            return self, values
        later = np.zeros(len(values), np.bool_)
        later[1:] = self.row[1:] == self.row[:-1]
        differences = np.diff(values, prepend=values[:1])
        return self.only(later), differences[later]

    def _at_least_one(self) -> NDArray[np.int64]:
        return np.maximum(self.counts, 1)


def mixed(*keys: NDArray[Any]) -> NDArray[np.uint64]:
    """(n,) one number for several columns.

    Two different keys get the same number with a chance of 2**-64 each; whoever forges packets so
    that they do makes his own row one address or one port poorer, and nothing else.
    """
    key = np.zeros(len(keys[0]), np.uint64)
    for column in keys:
        if column.ndim == 1:
            halves = [column.astype(np.uint64)]
        else:
            words = np.ascontiguousarray(column).view("<u8")
            halves = [words[:, 0], words[:, 1]]
        for half in halves:
            key = (key ^ (key >> _FOLD) ^ half) * _MIX
    return key ^ (key >> _FOLD)


class Sorted(NamedTuple):
    """Which packets belong to which row."""

    where: NDArray[np.int64]
    """(n,) index of the packet in the file, ascending within a row."""
    row: NDArray[np.int64]
    """(n,) its row, ascending."""


def sorted_by(row: NDArray[np.int64]) -> Sorted:
    """Put packets in order of their rows; those with row -1 are left out."""
    some = np.flatnonzero(row >= 0)
    where = some[np.argsort(row[some], kind="stable")]
    return Sorted(where, row[where])


def part_of(packets: NDArray[np.void], whose: Sorted, rows: tuple[int, int], near: str) -> Part:
    """The packets of some rows; besides ``PACKET``'s fields there is ``index``, in the file.

    Args:
        packets: (n,) records of ``PACKET.dtype()``.
        whose: of :func:`sorted_by`.
        rows: first row, and the one after the last; the first is row 0 of the part.
        near: as for :class:`Part`.
    """
    first, last = np.searchsorted(whose.row, rows).tolist()
    where = whose.where[first:last]

    def take(name: str) -> NDArray[Any]:
        found: NDArray[Any] = where if name == "index" else packets[name][where]
        return found

    return Part(take, whose.row[first:last] - rows[0], rows[1] - rows[0], near)
