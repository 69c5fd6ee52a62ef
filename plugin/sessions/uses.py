"""Which devices go on using their addresses: a device that ARP has named need not speak it again.

Told is the first IPv4 packet a second of a device from an address that an ARP packet before it
gave to that device. So it costs nothing where no ARP is, and what is told does not depend on how
packets come in pieces. Computes on arrays; memory is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.records import Rows

USES = np.dtype([("time", "<i8"), ("mac", "<i4"), ("ip", "u1", (16,))])
"""A device used an address, as the sender of an IPv4 packet."""
MOST = 20_000
"""Pairs of a device and its address that are remembered; of more, those used last."""
_SECOND = 1_000_000_000
_NEVER = np.iinfo(np.int64).min
_NOBODY = np.uint64(1 << 63)
_TABLE_BITS = np.uint64(48)
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing


class Uses:
    """Takes a stream's packet records, in their order."""

    def __init__(self, most: int = MOST) -> None:
        """Start with no device known.

        Args:
            most: Pairs of a device and its address that are remembered.
        """
        self._most = most
        self._pairs = np.zeros(0, np.uint64)
        """Sorted."""
        self._told = np.zeros(0, np.int64)
        """Of each pair, the second that was told last."""
        self._table = np.zeros(1 << 16, np.bool_)
        """By the hash of a pair: there may be one."""

    def take(self, rows: Rows) -> Rows:
        """Take ``PACKET`` rows; gives ``USES`` rows, in their order."""
        at = np.flatnonzero(rows["arp_op"])
        at = at[rows["arp_sha"][at] >= 0]
        since = self._meet(_pairs(rows["arp_sha"][at], rows["src_ip"][at]), at)
        if not len(self._pairs):
            return np.zeros(0, USES)
        pairs = _pairs(rows["src_mac"], rows["src_ip"])
        some = np.flatnonzero(self._table[_hashes(pairs)])
        place = np.searchsorted(self._pairs, pairs[some])
        place[place == len(self._pairs)] = 0
        found = (self._pairs[place] == pairs[some]) & (since[place] < some)
        found &= rows["arp_op"][some] == 0
        some, place = some[found], place[found].astype(np.uint16)  # which numpy sorts fast
        chosen = some[self._new(place, rows["time"][some] // _SECOND)]
        uses = np.empty(len(chosen), USES)
        for name, column in (("time", "time"), ("mac", "src_mac"), ("ip", "src_ip")):
            uses[name] = rows[column][chosen]
        return uses

    def _meet(self, pairs: NDArray[np.uint64], at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Remember what ARP says; gives for each pair after which row it holds, -1 for all."""
        pairs, first = np.unique(pairs, return_index=True)
        new = ~np.isin(pairs, self._pairs)
        if not new.any():
            return np.full(len(self._pairs), -1)
        met = np.concatenate([self._pairs, pairs[new]])
        told = np.concatenate([self._told, np.full(int(new.sum()), _NEVER)])
        since = np.concatenate([np.full(len(self._pairs), -1), at[first[new]]])
        if len(met) > self._most:  # the new ones, and those used last
            last = np.lexsort((told, since))[-self._most :]
            met, told, since = met[last], told[last], since[last]
        order = np.argsort(met)
        self._pairs, self._told = met[order], told[order]
        self._table[:] = False
        self._table[_hashes(met)] = True
        found: NDArray[np.int64] = since[order]
        return found

    def _new(self, place: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which of some uses are in another second than the pair's use before; in order."""
        order = np.argsort(place, kind="stable")
        place, second = place[order], second[order]
        begins = np.ones(len(place), np.bool_)
        begins[1:] = place[1:] != place[:-1]
        before = np.empty(len(place), np.int64)
        before[1:] = second[:-1]
        before[begins] = self._told[place[begins]]
        self._told[place] = second  # numpy keeps the last of several
        return np.sort(order[second != before])


def _pairs(macs: NDArray[np.int32], ips: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(n,) a device and its IPv4 address as one number; of others one that is no device's."""
    high, low = np.ascontiguousarray(ips).view("<u8").T
    ends = low >> np.uint64(32)
    pairs = (macs.astype(np.int64).view(np.uint64) << np.uint64(32)) | ends
    is_ipv4 = (high == 0) & ((low & np.uint64(0xFFFFFFFF)) == np.uint64(0xFFFF0000))
    found: NDArray[np.uint64] = np.where(is_ipv4, pairs, _NOBODY)
    return found


def _hashes(pairs: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (pairs * _MIX) >> _TABLE_BITS
