"""What single packets tell that no session record holds: packets a second, and ARP.

A whole capture is watched a chunk at a time, on arrays, so that judging behaviours costs its
reading little. :mod:`plugin.sessions.live` tells the same of a stream. Computes only.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin import core
from plugin.core.layout import (
    MARK_BROADCAST,
    MARK_IP_MULTICAST,
    MARK_LATER_FRAGMENT,
    MARK_MULTICAST,
    RESP,
)
from plugin.records import Watched
from plugin.sessions.uses import MOST, USES, Uses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.records import Rows

TCP, UDP = 6, 17
SYN, ACK = 2, 16
"""TCP flags."""
KINDS = ("syn", "udp", "icmp", "dns", "dhcp", "load", "served", "unasked")
"""Kinds of packets that are counted; :class:`plugin.traffic.Counted` says what each is."""
_SYN, _UDP, _ICMP, _DNS, _DHCP, _LOAD, _SERVED, _UNASKED = range(len(KINDS))
REFLECTORS = (
    17, 19, 53, 69, 111, 123, 137, 161, 389, 427, 500, 520, 623, 1434, 1900, 3283, 3702, 5093, 5353,
    5683, 10001, 11211, 27015, 27960, 37810,
)  # fmt: skip
"""UDP ports of services that are known to be abused as amplifiers: those of CISA's alert TA14-017A
(Rossow, Amplification Hell, NDSS 2014), and of the vectors that were found since."""
_TUNNELS = (4500,)
"""IKE behind NAT (RFC 3947) is abused too, but ordinary VPN traffic shares its port: only what
nobody asked for is counted."""
_DNS_PORT = 53
_DHCP_PORTS = ((68, 67), (546, 547))
"""From a client to a server or relay (RFC 2131, RFC 8415)."""
TO_MANY = MARK_BROADCAST | MARK_MULTICAST | MARK_IP_MULTICAST
"""Marks of packets that open no session here: nobody need answer what goes to many."""
SECOND = 1_000_000_000
AMOUNTS = ("packets", "payload", "back_packets", "back_payload")
SECONDS = np.dtype(
    [("second", "<i8"), ("ip", "<u8", (2,)), ("mac", "<i4"), ("kind", "<i4")]
    + [(name, "<i8") for name in AMOUNTS]
)
"""Packets of a kind (of ``KINDS``) between a device and an address (its two halves) in a second."""
ARP = np.dtype(
    [
        ("time", "<i8"),
        ("src_mac", "<i4"),
        ("arp_sha", "<i4"),
        ("arp_op", "<u2"),
        ("src_ip", "u1", (16,)),
        ("dst_ip", "u1", (16,)),
    ],
    align=True,
)
_ECHO = {1: (8, 0), 58: (128, 129)}
"""Types of echo requests and replies (RFC 792, RFC 4443)."""
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing


class Watching:
    """Takes a stream's packet records, a chunk at a time."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._compiled = core.new_watch(ports_table(), MOST)
        self._using = Uses()

    def take(self, rows: Rows) -> Watched:
        """Take ``PACKET`` rows; what they tell.

        Packets a second are told by device, kind and address, there and back, each combination
        once, in order of first sight. The originator is the device and the responder the address;
        of ``served`` it is the other way round.
        """
        if self._compiled is None:
            return Watched(counted_by_numpy(rows), arp_of(rows), self._using.take(rows))
        told = self._compiled.feed(np.ascontiguousarray(rows).data)
        return Watched(*map(np.frombuffer, told, (SECONDS, ARP, USES)))


class Watch:
    """Takes a capture's packet records; :meth:`seen` is what came of them."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._watching = Watching()
        self._parts: list[Watched] = []

    def take(self, rows: Rows) -> None:
        """Take ``PACKET`` rows; nothing of them is kept but copies."""
        self._parts.append(self._watching.take(rows))

    def seen(self) -> Watched:
        """All of it; the same second may stand there in parts."""
        columns = zip(*self._parts, strict=True) if self._parts else ((), (), ())
        # Bytes are joined at once; numpy joins records field by field.
        joined = (b"".join(part.tobytes() for part in column) for column in columns)
        return Watched(*map(np.frombuffer, joined, (SECONDS, ARP, USES)))


class _Columns(NamedTuple):
    """Counts by columns: numpy takes rows of records apart slowly."""

    second: NDArray[np.int64]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    mac: NDArray[np.int32]
    kind: NDArray[np.int32]
    amounts: tuple[NDArray[np.int64], ...]
    """``AMOUNTS``."""


def counted_by_numpy(rows: Rows) -> Rows:
    """What the compiled core counts, without it."""
    first = (rows["marks"] & MARK_LATER_FRAGMENT) == 0
    to_one = (rows["marks"] & TO_MANY) == 0
    back = rows["direction"] == RESP
    kinds = _kinds(rows, back)
    wanted = first & (kinds >= 0) & ((to_one & (rows["session"] >= 0)) | (kinds == _DHCP))
    at = np.flatnonzero(wanted)
    ports = np.where(back[at], rows["src_port"][at], rows["dst_port"][at])
    asked = at[_among(ports, REFLECTORS) & (rows["proto"][at] == UDP)]
    order = np.argsort(np.concatenate([at, asked]), kind="stable")
    served = np.full(len(asked), _SERVED, np.int32)
    some = np.concatenate([at, asked])[order]
    kinds = np.concatenate([kinds[at], served])[order]
    turned = np.concatenate([back[at], ~back[asked]])[order]
    return _summed(_counts(rows, some, kinds, turned))


@cache
def ports_table() -> bytes:
    """Of all ports, what the compiled core needs to know."""
    found = bytearray(1 << 16)
    for port in REFLECTORS:
        found[port] = 1
    for port in _TUNNELS:
        found[port] = 2
    return bytes(found)


def _counts(
    rows: Rows, at: NDArray[np.int64], kinds: NDArray[np.int32], back: NDArray[np.bool_]
) -> _Columns:
    """One count a packet."""
    mac = np.where(back, rows["dst_mac"][at], rows["src_mac"][at])
    known = mac >= 0
    at, kinds, back, mac = at[known], kinds[known], back[known], mac[known]
    ip = np.where(back[:, None], rows["src_ip"][at], rows["dst_ip"][at])
    halves = np.ascontiguousarray(ip).view("<u8")
    ones, payload = (~back).astype(np.int64), rows["payload_len"][at].astype(np.int64)
    amounts = (ones, ones * payload, 1 - ones, (1 - ones) * payload)
    second = rows["time"][at] // SECOND
    return _Columns(second, halves[:, 0], halves[:, 1], mac.astype(np.int32), kinds, amounts)


def merged(seconds: Rows) -> Rows:
    """``SECONDS`` rows of the same second, device, kind and address as one.

    In order of time; those of one second in order of first sight.
    """
    high, low = seconds["ip"].T
    amounts = tuple(seconds[name] for name in AMOUNTS)
    columns = (seconds["second"], high, low, seconds["mac"], seconds["kind"])
    whole = _summed(_Columns(*columns, amounts))
    ordered: Rows = whole[np.argsort(whole["second"], kind="stable")]
    return ordered


def _summed(counts: _Columns) -> Rows:
    """Counts with the same key as one, as ``SECONDS`` rows in order of first sight."""
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
    in_sight = np.argsort(order[begins])
    first = order[begins][in_sight]
    found = np.empty(len(first), SECONDS)
    found["second"], found["mac"], found["kind"] = (
        column[first] for column in (counts.second, counts.mac, counts.kind)
    )
    found["ip"][:, 0], found["ip"][:, 1] = counts.high[first], counts.low[first]
    for name, amount in zip(AMOUNTS, counts.amounts, strict=True):
        found[name] = np.add.reduceat(amount[order], begins)[in_sight] if len(begins) else 0
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


def _kinds(rows: Rows, back: NDArray[np.bool_]) -> NDArray[np.int32]:
    """(n,) index into KINDS, -1 for packets that are not counted."""
    proto = np.ascontiguousarray(rows["proto"])
    found = np.full(len(proto), -1, np.int32)
    at = np.flatnonzero(proto == TCP)
    syn = ((rows["tcp_flags"][at] & (SYN | ACK)) == SYN) & ~back[at]
    found[at[rows["payload_len"][at] > 0]] = _LOAD
    found[at[syn]] = _SYN
    at = np.flatnonzero(proto == UDP)
    source, target = rows["src_port"][at], rows["dst_port"][at]
    found[at] = np.where(np.where(back[at], source, target) == _DNS_PORT, _DNS, _UDP)
    answers = _among(source, (*REFLECTORS, *_TUNNELS)) & ~_among(target, (*REFLECTORS, *_TUNNELS))
    found[at[answers & ~back[at]]] = _UNASKED
    for client, server in _DHCP_PORTS:
        found[at[(source == client) & (target == server)]] = _DHCP
    for one, (request, reply) in _ECHO.items():
        at = np.flatnonzero(proto == one)
        kind = rows["icmp_type"][at]
        found[at[(kind == request) | ((kind == reply) & back[at])]] = _ICMP
    return found


def _among(ports: NDArray[np.generic], some: tuple[int, ...]) -> NDArray[np.bool_]:
    """(n,) which ports are among some."""
    table = np.zeros(1 << 16, np.bool_)
    table[list(some)] = True
    found: NDArray[np.bool_] = table[ports]
    return found
