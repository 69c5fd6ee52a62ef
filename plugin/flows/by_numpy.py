"""The loops over flows without the compiled core: the same to the bit, slower.

``flow_table.h`` and ``flow_rows.h`` are the compiled ones. What is done, and why, is told where it
is asked for: ``table``, ``cut`` and ``features``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.core.layout import MARK_LATER_FRAGMENT, MARK_TRUNCATED, PACKET
from plugin.flows.records import KEY, TCP, TUPLE_BYTES, UDP, Flows, no_flows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from plugin.records import Rows

    Array = NDArray[np.float64]
    Whole = NDArray[np.int64]

FLAGS = 8
WINDOWS_MAX = 500
"""Windows of a flow beyond which SAMP_* looks no further: netml's."""
_NANO = 1e9
_EXACT_MAX = 20_000
"""Packets of a flow up to which the squares of its sizes cannot outgrow 64 bits."""
_PACKET = PACKET.dtype()


class Gathered:
    """Packets gathered by flow: ``core.FlowTable`` in numpy."""

    def __init__(self) -> None:
        """Start empty."""
        self._numbers: dict[bytes, int] = {}
        self._keys: list[Rows] = []
        self._columns: list[tuple[NDArray[np.generic], ...]] = []

    def feed(self, packets: Buffer) -> None:
        """Take whole ``PACKET`` records."""
        rows = np.frombuffer(memoryview(packets), _PACKET)
        rows = rows[_have_flows(rows)]
        if not len(rows):
            return
        keys = np.empty(len(rows), KEY)
        for name in KEY.names or ():
            keys[name] = rows[name]
        tuples = np.ascontiguousarray(keys.view(("u1", KEY.itemsize))[:, :TUPLE_BYTES])
        _, first, which = np.unique(
            tuples.view(f"V{TUPLE_BYTES}")[:, 0], return_index=True, return_inverse=True
        )
        numbers = np.empty(len(first), np.int64)
        for place in np.argsort(first):
            known = len(self._numbers)
            at = self._numbers.setdefault(tuples[first[place]].tobytes(), known)
            if at == known:
                self._keys.append(keys[first[place] : first[place] + 1])
            numbers[place] = at
        flags = np.where(rows["proto"] == TCP, rows["tcp_flags"], 0).astype(np.uint8)
        columns = (rows[name].copy() for name in ("time", "wire_len", "ttl"))
        self._columns.append((numbers[which.ravel()], *columns, flags))

    def flows(self, least: int = 1) -> Flows:
        """The packets so far by flow and time; packets of one time in order of arrival.

        Args:
            least: flows of fewer packets are left out.
        """
        if not self._columns:
            return no_flows()
        number, *columns = map(np.concatenate, zip(*self._columns, strict=True))
        order = np.lexsort((columns[0], number))
        counts = np.bincount(number.astype(np.int64), minlength=len(self._keys))
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        time, size, ttl, flags = (column[order] for column in columns)
        whole = Flows(np.concatenate(self._keys), starts, time, size, ttl, flags)
        kept = np.flatnonzero(counts >= least)
        return whole.pieces(kept, starts[:-1][kept], starts[1:][kept])


def parts(
    flows: Flows, limits: Whole, *, grid: bool, least: int, drop: bool
) -> tuple[Whole, Whole, Whole]:
    """Parts of flows: whose each is, the place of its first packet, and that after its last.

    Args:
        flows: at least one.
        limits: (n,) ns, the longest gap of each flow that does not part it.
        grid: count the gap after a cut from the grid, else from the packet.
        least: packets that a part must have.
        drop: leave out the last part of each flow that is parted.
    """
    begins = np.zeros(flows.packets, np.bool_)
    begins[flows.starts[:-1]] = True
    gaps = np.diff(flows.time).view(np.uint64)
    long = np.append(np.False_, gaps > np.repeat(limits, flows.counts())[1:].astype(np.uint64))
    if grid:
        # A grid begins only after a true gap: flows without one are whole.
        places = np.flatnonzero(long & ~begins)
        for one in np.unique(np.searchsorted(flows.starts, places, side="right") - 1):
            first, after = int(flows.starts[one]), int(flows.starts[one + 1])
            cuts = _grid(flows.time[first:after].tolist(), int(limits[one]))
            begins[[first + at for at in cuts]] = True
    else:
        begins |= long
    begin = np.flatnonzero(begins)
    flow = np.searchsorted(flows.starts, begin, side="right") - 1
    end = np.append(begin[1:], flows.packets)
    wanted = end - begin >= least
    if drop:
        final = np.append(flow[1:] != flow[:-1], np.True_)
        wanted &= ~(final & (np.bincount(flow)[flow] > 1))
    return flow[wanted], begin[wanted], end[wanted]


def _grid(times: list[int], limit: int) -> list[int]:
    """Which packets of a flow begin a new part."""
    found, start, before = [], times[0], times[0]
    for number, now in enumerate(times):
        if now - before > limit:
            start += (now - start) // limit * limit if limit else now - start
            found.append(number)
            before = start
        else:
            before = now
    return found


def rows(flows: Flows, feature: str, window: int, *, header: bool, out: Array) -> None:
    """Fill rows of zeros, (n, columns): header fields first, then as many values.

    Args:
        flows: at least one.
        feature: one of ``spec.FEATURES``.
        window: ns, of SAMP_*.
        header: header fields too.
        out: the rows.
    """
    width = (out.shape[1] - FLAGS) // 2 if header else out.shape[1]
    values = out[:, out.shape[1] - width :]
    begin, counts = flows.starts[:-1], flows.counts()
    gaps = np.diff(flows.time).view(np.uint64) / _NANO
    if header:
        for bit in range(FLAGS):
            out[:, bit] = np.add.reduceat((flows.flags >> bit) & 1, begin, dtype=np.int64)
        _laid(flows.ttl, begin, counts, out[:, FLAGS : FLAGS + width])
    if feature == "IAT":
        _laid(gaps, begin, counts - 1, values)
    elif feature == "SIZE":
        _laid(flows.size, begin, counts, values)
    elif feature == "IAT_SIZE":
        _laid(gaps, begin, counts - 1, values[:, 0::2])
        _laid(flows.size, begin, counts - 1, values[:, 1::2])
        final = np.flatnonzero(2 * (counts - 1) < width)
        values[final, 2 * (counts[final] - 1)] = flows.size[flows.starts[1:][final] - 1]
    elif feature == "STATS":
        _statistics(flows, values)
    else:
        _sampled(flows, window, values, count=feature == "SAMP_NUM")


def windows(times: list[int], amounts: list[int], window: int) -> list[int]:
    """Amounts by window of a flow, at most 501 of them."""
    found, current, inside = [], times[0], amounts[0]
    for now, amount in zip(times[1:], amounts[1:], strict=True):
        if now - current <= window:
            inside += amount
            continue
        current += window
        found.append(inside)
        empty = min(int((now - current) // window), WINDOWS_MAX)
        found += [0] * empty
        current += empty * window
        if len(found) > WINDOWS_MAX:
            return found[:WINDOWS_MAX]
        inside = amount
    return [*found, inside]


def _have_flows(rows: Rows) -> NDArray[np.bool_]:
    nowhere = (rows["src_port"] == 0) & (rows["dst_port"] == 0)
    cut_off = nowhere & ((rows["marks"] & MARK_TRUNCATED) != 0)
    whole = ((rows["marks"] & MARK_LATER_FRAGMENT) == 0) & ~cut_off
    found: NDArray[np.bool_] = ((rows["proto"] == TCP) | (rows["proto"] == UDP)) & whole
    return found


def _sampled(flows: Flows, window: int, out: Array, *, count: bool) -> None:
    for number in range(len(flows)):
        begin, end = flows.starts[number], flows.starts[number + 1]
        times, sizes = flows.time[begin:end].tolist(), flows.size[begin:end].tolist()
        found = windows(times, [1] * len(times) if count else sizes, window)[: out.shape[1]]
        out[number, : len(found)] = found


def _statistics(flows: Flows, out: Array) -> None:
    begin, counts = flows.starts[:-1], flows.counts()
    sizes = flows.size.astype(np.int64)
    whose = np.repeat(np.arange(len(flows)), counts)
    ordered = sizes[np.lexsort((sizes, whose))]
    total, duration = np.add.reduceat(sizes, begin), flows.durations()
    # Squares of what sizes are above the least, in whole numbers: the difference cannot cancel out.
    above = ordered - ordered[begin][whose]
    sums, squares = np.add.reduceat(above, begin), np.add.reduceat(above * above, begin)
    spread = (squares * counts - sums * sums).astype(np.float64)
    for number in np.flatnonzero(counts > _EXACT_MAX):
        spread[number] = int(squares[number]) * int(counts[number]) - int(sums[number]) ** 2
    out[:, 0] = duration
    for column, amount in ((1, counts), (2, total)):
        np.divide(amount, duration, out=out[:, column], where=duration > 0)
    out[:, 3], out[:, 4] = total / counts, np.sqrt(spread) / counts
    for column, part in enumerate((0.25, 0.5, 0.75), start=5):
        place = part * (counts - 1)
        below = place.astype(np.int64)
        low = ordered[begin + below].astype(np.float64)
        high = ordered[begin + np.minimum(below + 1, counts - 1)].astype(np.float64)
        out[:, column] = low + (high - low) * (place - below)
    out[:, 8], out[:, 9] = ordered[begin], ordered[flows.starts[1:] - 1]
    out[:, 10], out[:, 11] = counts, total


def _laid(column: NDArray[np.generic], begin: Whole, counts: Whole, out: Array) -> None:
    """The first of each flow's values into its row."""
    shown = np.minimum(counts, out.shape[1])
    whose = np.repeat(np.arange(len(begin)), shown)
    places = np.arange(len(whose)) - np.repeat(np.cumsum(shown) - shown, shown)
    out[whose, places] = column[begin[whose] + places]
