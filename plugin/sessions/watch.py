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
from plugin.sessions.uses import USES, Uses

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
    ]
)
_ECHO = {1: (8, 0), 58: (128, 129)}
"""Types of echo requests and replies (RFC 792, RFC 4443)."""
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing


class Watch:
    """Takes a capture's packet records; :meth:`seen` is what came of them."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._seconds: list[Rows] = []
        self._arp: list[Rows] = []
        self._using = Uses()
        self._uses: list[Rows] = []

    def take(self, rows: Rows) -> None:
        """Take ``PACKET`` rows; nothing of them is kept but copies."""
        counted = seconds_of(rows)
        if len(counted):
            self._seconds.append(counted)
        arp = arp_of(rows)
        if len(arp):
            self._arp.append(arp)
        uses = self._using.take(rows)
        if len(uses):
            self._uses.append(uses)

    def seen(self) -> Watched:
        """All of it; the same second may stand there in parts."""
        return Watched(
            np.concatenate([np.zeros(0, SECONDS), *self._seconds]),
            np.concatenate([np.zeros(0, ARP), *self._arp]),
            np.concatenate([np.zeros(0, USES), *self._uses]),
        )


class _Columns(NamedTuple):
    """Counts by columns: numpy takes rows of records apart slowly."""

    second: NDArray[np.int64]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    mac: NDArray[np.int32]
    kind: NDArray[np.int32]
    amounts: tuple[NDArray[np.int64], ...]
    """``AMOUNTS``."""


def seconds_of(rows: Rows) -> Rows:
    """Packets a second by device, kind and address, there and back; each combination once.

    The originator is the device and the responder the address; of ``served`` it is the other way
    round.
    """
    compiled = core.seconds(np.ascontiguousarray(rows).data, ports_table())
    if compiled is None:
        return counted_by_numpy(rows)
    return np.frombuffer(compiled, SECONDS)


def counted_by_numpy(rows: Rows) -> Rows:
    """What the compiled core counts, without it."""
    first = (rows["marks"] & MARK_LATER_FRAGMENT) == 0
    to_one = (rows["marks"] & TO_MANY) == 0
    back = rows["direction"] == RESP
    kinds = _kinds(rows, back)
    wanted = first & (kinds >= 0) & ((to_one & (rows["session"] >= 0)) | (kinds == _DHCP))
    at = np.flatnonzero(wanted)
    counts = [_counts(rows, at, kinds[at], back[at])]
    ports = np.where(back[at], rows["src_port"][at], rows["dst_port"][at])
    asked = at[_among(ports, REFLECTORS) & (rows["proto"][at] == UDP)]
    if len(asked):
        served = np.full(len(asked), _SERVED, np.int32)
        counts.append(_counts(rows, asked, served, ~back[asked]))
    return _summed(_joined(counts))


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


def _joined(parts: list[_Columns]) -> _Columns:
    if len(parts) == 1:
        return parts[0]
    second, high, low, mac, kind = (
        np.concatenate([part[number] for part in parts]) for number in range(5)
    )
    amounts = tuple(np.concatenate(some) for some in zip(*(p.amounts for p in parts), strict=True))
    return _Columns(second, high, low, mac, kind, amounts)


def merged(seconds: Rows) -> Rows:
    """``SECONDS`` rows of the same second, device, kind and address as one, in order of time."""
    high, low = seconds["ip"].T
    amounts = tuple(seconds[name] for name in AMOUNTS)
    return _summed(_Columns(seconds["second"], high, low, seconds["mac"], seconds["kind"], amounts))


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
    first = order[begins]
    in_time = np.argsort(counts.second[first], kind="stable")
    first = first[in_time]
    found = np.empty(len(first), SECONDS)
    found["second"], found["mac"], found["kind"] = (
        column[first] for column in (counts.second, counts.mac, counts.kind)
    )
    found["ip"][:, 0], found["ip"][:, 1] = counts.high[first], counts.low[first]
    for name, amount in zip(AMOUNTS, counts.amounts, strict=True):
        found[name] = np.add.reduceat(amount[order], begins)[in_time] if len(begins) else 0
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
