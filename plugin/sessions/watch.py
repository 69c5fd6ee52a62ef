"""What single packets tell that no session record holds: packets a second, and ARP.

A whole capture is watched a chunk at a time, on arrays, so that judging behaviours costs its
reading little. :mod:`plugin.sessions.live` tells the same of a stream. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.core.layout import (
    MARK_BROADCAST,
    MARK_IP_MULTICAST,
    MARK_LATER_FRAGMENT,
    MARK_MULTICAST,
    ORIG,
)
from plugin.records import Watched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.records import Rows

TCP, UDP = 6, 17
SYN, ACK = 2, 16
"""TCP flags."""
KINDS = ("syn", "udp", "icmp")
TO_MANY = MARK_BROADCAST | MARK_MULTICAST | MARK_IP_MULTICAST
"""Marks of packets that open no session here: nobody need answer what goes to many."""
SECOND = 1_000_000_000
SECONDS = np.dtype(
    [("second", "<i8"), ("ip", "<u8", (2,)), ("mac", "<i4"), ("kind", "<i4"), ("packets", "<i8")]
)
"""Packets of a kind (of ``KINDS``) from a device to an address (its two halves) in a second."""
ARP = np.dtype(
    [
        ("time", "<i8"),
        ("src_mac", "<i4"),
        ("arp_sha", "<i4"),
        ("arp_op", "<u2"),
        ("src_ip", "u1", (16,)),
        ("dst_ip", "u1", (16,)),
    ]
)
_ECHO = {(1, 8), (58, 128)}
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing


class Watch:
    """Takes a capture's packet records; :meth:`seen` is what came of them."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._seconds: list[Rows] = []
        self._arp: list[Rows] = []

    def take(self, rows: Rows) -> None:
        """Take ``PACKET`` rows; nothing of them is kept but copies."""
        counted = seconds_of(rows)
        if len(counted):
            self._seconds.append(counted)
        arp = arp_of(rows)
        if len(arp):
            self._arp.append(arp)

    def seen(self) -> Watched:
        """All of it; the same second may stand there in parts."""
        return Watched(
            np.concatenate([np.zeros(0, SECONDS), *self._seconds]),
            np.concatenate([np.zeros(0, ARP), *self._arp]),
        )


class _Columns(NamedTuple):
    """Counts by columns: numpy takes rows of records apart slowly."""

    second: NDArray[np.int64]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    mac: NDArray[np.int32]
    kind: NDArray[np.int32]
    packets: NDArray[np.int64]


def seconds_of(rows: Rows) -> Rows:
    """Packets a second by sender, kind and receiver, of packets in their session's direction."""
    kinds = _kinds(rows)
    wanted = (kinds >= 0) & (rows["direction"] == ORIG)
    wanted &= (rows["marks"] & (TO_MANY | MARK_LATER_FRAGMENT)) == 0
    at = np.flatnonzero(wanted)
    mac = rows["src_mac"][at]
    at, mac = at[mac >= 0], mac[mac >= 0]
    halves = np.ascontiguousarray(rows["dst_ip"][at]).view("<u8")
    second, ones = rows["time"][at] // SECOND, np.ones(len(at), np.int64)
    return _summed(_Columns(second, halves[:, 0], halves[:, 1], mac, kinds[at], ones))


def merged(seconds: Rows) -> Rows:
    """``SECONDS`` rows of the same second, sender, kind and receiver as one, in order of time."""
    high, low = seconds["ip"].T
    columns = (seconds[name] for name in ("mac", "kind", "packets"))
    return _summed(_Columns(seconds["second"], high, low, *columns))


def _summed(counts: _Columns) -> Rows:
    """Counts with the same key as one, as ``SECONDS`` rows in order of time."""
    keys = counts[:-1]
    key = np.zeros(len(counts.second), np.uint64)
    for part in keys:
        key = (key ^ (key >> np.uint64(29)) ^ part.astype(np.uint64)) * _MIX
    order = np.argsort(key, kind="stable")
    new = _changes(order, *keys)
    if int(new.sum()) != int(_changes(order, key).sum()):  # two keys with one hash, in a mess
        order = np.lexsort(keys)
        new = _changes(order, *keys)
    begins = np.flatnonzero(new)
    packets = counts.packets[order]
    sums = np.add.reduceat(packets, begins) if len(begins) else packets
    first = order[begins]
    in_time = np.argsort(counts.second[first], kind="stable")
    first = first[in_time]
    found = np.empty(len(first), SECONDS)
    found["second"], found["mac"], found["kind"] = (
        column[first] for column in (counts.second, counts.mac, counts.kind)
    )
    found["ip"][:, 0], found["ip"][:, 1] = counts.high[first], counts.low[first]
    found["packets"] = sums[in_time]
    return found


def _changes(order: NDArray[np.int64], *columns: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) where any of the columns, put in order, differs from the row before."""
    new = np.zeros(len(order), np.bool_)
    new[:1] = True
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    return new


def arp_of(rows: Rows) -> Rows:
    """ARP packets with a sender."""
    at = np.flatnonzero(rows["arp_op"])
    at = at[(rows["arp_sha"][at] >= 0) & (rows["src_mac"][at] >= 0)]
    found = np.empty(len(at), ARP)
    for name in ARP.names or ():
        found[name] = rows[name][at]
    return found


def _kinds(rows: Rows) -> NDArray[np.int32]:
    """(n,) index into KINDS, -1 for other packets."""
    proto = np.ascontiguousarray(rows["proto"])
    found = np.full(len(proto), -1, np.int32)
    syn = (proto == TCP) & ((rows["tcp_flags"] & (SYN | ACK)) == SYN)
    found[syn], found[proto == UDP] = 0, 1
    for one, kind in _ECHO:
        at = np.flatnonzero(proto == one)
        found[at[rows["icmp_type"][at] == kind]] = 2
    return found
