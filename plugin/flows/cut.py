"""Flows parted where they pause: at idle time-outs, and at gaps longer than an interval.

SOURCE of the rules: netml 0.7.1 (what its ``PCAP.pcap2flows`` gives), after K. Yang, S. Kpotufe,
N. Feamster, "Feature Extraction for Novelty Detection in Network Traffic", arXiv 2006.16993.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from plugin import core
from plugin.errors import InputError, OptionError
from plugin.flows import by_numpy
from plugin.flows.records import NANO, TCP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.flows.records import Flows

Last: TypeAlias = Literal["keep", "drop"]
"""What becomes of the last part of a flow that was parted; netml drops it."""
LASTS: tuple[Last, ...] = ("keep", "drop")
MIN_PACKETS = 2
"""A flow of one packet has no gap, and so no features; netml's least too."""
QUANTILE = 0.9
LONGEST = 1 << 62
"""ns; longer than any gap that is told from another."""


def interval(flows: Flows, q: float = QUANTILE) -> float:
    """The longest gap that does not part a flow: a quantile of the flows' durations, in seconds.

    Args:
        flows: whole flows.
        q: the quantile, 0 to 1.

    Raises:
        InputError: there are no flows.
        OptionError: ``q`` is no quantile.
    """
    check_quantile(q)
    if not len(flows):
        raise InputError(
            f"no TCP or UDP flow has {MIN_PACKETS} packets, so there is nothing to learn from",
            advice="give a capture with more traffic",
        )
    return float(np.quantile(flows.durations(), q))


def cut(
    flows: Flows, interval: float, min_packets: int = MIN_PACKETS, last: Last = "keep"
) -> Flows:
    """Part flows at gaps longer than the interval.

    After a cut the gap to the next packet is counted from a grid: from the flow's first packet on,
    in whole intervals, to the last one that is not after the packet where the new part begins.

    Args:
        flows: whole flows.
        interval: seconds; 0 parts wherever time passes.
        min_packets: parts of fewer packets are left out.
        last: keep or drop the last part of each flow that was parted.

    Raises:
        OptionError: an argument out of its range.
    """
    if not 0 <= interval < math.inf:
        raise OptionError(f"{interval!r} s is no interval", advice="give 0 or a number above it")
    limits = np.full(len(flows), nanoseconds(interval))
    return _parted(flows, limits, min_packets, last, grid=True)


def cut_idle(
    flows: Flows, timeouts: tuple[float, float], min_packets: int = MIN_PACKETS, last: Last = "keep"
) -> Flows:
    """Part flows where nothing came for longer than a time-out.

    Args:
        flows: all packets of each 5-tuple.
        timeouts: seconds, of TCP and of UDP.
        min_packets: parts of fewer packets are left out.
        last: keep or drop the last part of each flow that was parted.

    Raises:
        OptionError: an argument out of its range.
    """
    check_timeouts(timeouts)
    limits = np.where(flows.keys["proto"] == TCP, *map(nanoseconds, timeouts))
    return _parted(flows, limits, min_packets, last, grid=False)


def nanoseconds(seconds: float) -> int:
    """Whole ns, at most 146 years: with whole numbers ties are ties on every machine."""
    return round(min(seconds * NANO, LONGEST))


def check_quantile(q: float) -> None:
    """Raise OptionError unless it is a quantile above 0."""
    if not 0 < q <= 1:
        raise OptionError(f"{q!r} is no quantile", advice="give a number above 0, at most 1")


def check_timeouts(timeouts: tuple[float, float]) -> None:
    """Raise OptionError unless both are positive."""
    if not all(t > 0 for t in timeouts):
        raise OptionError(
            f"{min(timeouts)!r} s is no idle time-out", advice="give a number above 0"
        )


def check_choice(min_packets: int, last: Last) -> None:
    """Raise OptionError unless both say what to keep."""
    if min_packets < MIN_PACKETS:
        raise OptionError(
            f"flows of {min_packets} packets have no features",
            advice=f"ask for {MIN_PACKETS} packets or more",
        )
    if last not in LASTS:
        raise OptionError(f"{last!r}: the last part is kept or dropped", advice="say keep or drop")


def _parted(
    flows: Flows, limits: NDArray[np.int64], min_packets: int, last: Last, *, grid: bool
) -> Flows:
    check_choice(min_packets, last)
    if not len(flows):
        return flows
    compiled = core.flow_loops()
    drop = last == "drop"
    if compiled is None:
        found = by_numpy.parts(flows, limits, grid=grid, least=min_packets, drop=drop)
        return flows.pieces(*found)
    starts, time = (np.ascontiguousarray(each).data for each in (flows.starts, flows.time))
    columns = compiled.flow_parts(starts, time, limits.data, grid, min_packets, drop)
    flow, begin, end = (np.frombuffer(column, np.int64) for column in columns)
    return flows.pieces(flow, begin, end)
