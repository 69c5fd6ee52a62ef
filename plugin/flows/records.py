"""Flows as columns: who sent to whom, and time, size, TTL and TCP flags of each packet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin import core

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.records import Rows

KEY = np.dtype(
    [
        ("src_ip", "u1", (16,)),
        ("dst_ip", "u1", (16,)),
        ("src_port", "<u2"),
        ("dst_port", "<u2"),
        ("proto", "u1"),
        ("src_mac", "<i4"),
        ("dst_mac", "<i4"),
    ]
)
"""Whose packets a flow has: addresses as in ``PACKET``, MAC indices of its first packet or -1."""
TUPLE_BYTES = 37
"""The bytes of a key that tell flows apart: the first five fields, the 5-tuple."""
TCP, UDP = 6, 17
NANO = 1e9
"""ns a second."""


class Flows(NamedTuple):
    """Flows of at least one packet each; the packets of a flow stand together, in order of time.

    As its length is the number of flows, ``_replace`` and ``_make`` do not work: make it anew.

    Attributes:
        keys: (n,) ``KEY`` rows.
        starts: (n + 1,) int64; flow i has the packets ``starts[i]`` to ``starts[i + 1] - 1``.
        time: (m,) int64, ns since 1970.
        size: (m,) uint32, bytes of the frame on the wire (never captured bytes).
        ttl: (m,) uint8, IPv4 TTL or IPv6 hop limit.
        flags: (m,) uint8, TCP flags as in ``PACKET``; 0 of UDP.
    """

    keys: Rows
    starts: NDArray[np.int64]
    time: NDArray[np.int64]
    size: NDArray[np.uint32]
    ttl: NDArray[np.uint8]
    flags: NDArray[np.uint8]

    def __len__(self) -> int:
        """How many flows (not how many columns)."""
        return len(self.keys)

    @property
    def packets(self) -> int:
        """Packets of all flows together."""
        return len(self.time)

    def counts(self) -> NDArray[np.int64]:
        """Packets a flow, (n,) int64."""
        return np.diff(self.starts)

    def durations(self) -> NDArray[np.float64]:
        """Seconds from a flow's first packet to its last, (n,) float64."""
        if not len(self):
            return np.zeros(0)
        took = self.time[self.starts[1:] - 1] - self.time[self.starts[:-1]]
        # Hostile times may lie so far apart that only unsigned numbers hold the difference.
        return took.view(np.uint64) / NANO

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Flows:
        """Some of the flows, in the order asked for.

        Args:
            which: (n,) booleans, or indices.
        """
        chosen = np.flatnonzero(which) if which.dtype == np.bool_ else which.astype(np.int64)
        return self.pieces(chosen, self.starts[:-1][chosen], self.starts[1:][chosen])

    def pieces(
        self, flow: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]
    ) -> Flows:
        """Parts of flows as flows of their own.

        Args:
            flow: (k,) which flow each is a part of.
            begin: (k,) the place of its first packet.
            end: (k,) the place after its last packet.
        """
        counts = end - begin
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        total = int(starts[-1])
        keys = self.keys[flow]
        if total == self.packets and bool((begin == starts[:-1]).all()):
            return Flows(keys, starts, self.time, self.size, self.ttl, self.flags)
        compiled = core.flow_loops()
        if compiled is not None:
            time, size, ttl, flags = (np.ascontiguousarray(column).data for column in self[2:])
            first, last = np.ascontiguousarray(begin).data, np.ascontiguousarray(end).data
            found = compiled.flow_pieces(first, last, (time, size, ttl, flags))
            return Flows(
                keys,
                np.frombuffer(found[0], np.int64),
                np.frombuffer(found[1], np.int64),
                np.frombuffer(found[2], np.uint32),
                np.frombuffer(found[3], np.uint8),
                np.frombuffer(found[4], np.uint8),
            )
        at = np.arange(total) + np.repeat(begin - starts[:-1], counts)
        return Flows(keys, starts, self.time[at], self.size[at], self.ttl[at], self.flags[at])


def no_flows() -> Flows:
    """Flows of which there are none."""
    return Flows(
        np.zeros(0, KEY),
        np.zeros(1, np.int64),
        np.zeros(0, np.int64),
        np.zeros(0, np.uint32),
        np.zeros(0, np.uint8),
        np.zeros(0, np.uint8),
    )
