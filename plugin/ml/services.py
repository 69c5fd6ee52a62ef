"""Which service ports have a column of their own, and where all other ports go.

A list, not a rule: ports from IANA's registry that enterprise hosts, printers and smart-home
devices were seen to serve or use, and those above 1023 without which a printer (9100), a domain
controller (3268, 5985) or a hub (1883, 8883) could not be told. Every other port falls into a
bin by range: system 1-1023, registered 1024-49151, dynamic 49152-65535 (RFC 6335), and port 0
(fragments, protocols without ports) into ``none``. This file computes only.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
"""IP protocol numbers."""

TCP_SERVICES: tuple[int, ...] = (
    20, 21, 22, 23, 25, 37, 43, 49, 53, 79, 80, 81, 88, 102, 110, 111, 113, 119, 135, 139, 143,
    179, 389, 443, 445, 464, 465, 502, 513, 514, 515, 548, 554, 587, 593, 631, 636, 853, 873, 989,
    990, 993, 995, 1080, 1433, 1521, 1723, 1883, 1935, 2000, 2049, 3128, 3260, 3268, 3269, 3306,
    3389, 4443, 5000, 5060, 5061, 5222, 5223, 5228, 5357, 5432, 5672, 5900, 5985, 5986, 6379, 6667,
    7000, 8000, 8008, 8009, 8080, 8081, 8086, 8443, 8530, 8883, 8888, 9000, 9090, 9100, 9200, 9389,
    9418, 9443, 9999, 10000, 20000, 27017, 44818, 47808,
)  # fmt: skip
"""TCP ports with a column of their own."""

UDP_SERVICES: tuple[int, ...] = (
    53, 67, 68, 69, 88, 111, 123, 137, 138, 161, 162, 389, 427, 443, 464, 500, 514, 520, 546, 547,
    631, 1194, 1812, 1813, 1900, 2049, 3289, 3389, 3478, 3702, 4500, 5004, 5060, 5351, 5353, 5355,
    5683, 9999, 10001, 47808, 51820, 56700,
)  # fmt: skip
"""UDP ports with a column of their own."""

TRACED = ((33_434, 33_523), (44_444, 44_507))
"""UDP ports that traceroute (thirty hops, three probes each) and tracepath (64 ports in turn) count
through: they measure a path, and want to be refused at its end."""

RANGES: tuple[str, ...] = ("none", "system", "registered", "dynamic")
"""Bins of the ports without a column, in the order of their offsets."""

OTHERS: tuple[str, ...] = ("icmp", "icmpv6", "other")
"""Protocols without a port column; IP protocols 1, 58 and all the rest."""

TOKENS: tuple[str, ...] = (
    *(f"tcp_{port}" for port in TCP_SERVICES),
    *(f"tcp_{name}" for name in RANGES),
    *(f"udp_{port}" for port in UDP_SERVICES),
    *(f"udp_{name}" for name in RANGES),
    *OTHERS,
)
"""What a session can be a use of: exactly one of these."""

PLACES: tuple[str, ...] = ("serves", "uses")
SHARES: tuple[str, ...] = (
    "serves",
    "serves_external",
    "uses",
    "uses_external",
    "uses_multicast",
    "refused",
    "silent",
    "called_refused",
    "called_silent",
)
"""Columns after the services; shares of all sessions of the device."""


def column_names() -> tuple[str, ...]:
    """``serves_tcp_20 ... uses_other`` and then the shares."""
    services = tuple(f"{place}_{token}" for place in PLACES for token in TOKENS)
    return (*services, *(f"share_{name}" for name in SHARES))


class PortTables(NamedTuple):
    """Lookup tables by port number, one for TCP and one for UDP."""

    tcp: NDArray[np.int32]
    """(65536,) index into TOKENS."""
    udp: NDArray[np.int32]
    """(65536,) index into TOKENS."""
    rank: NDArray[np.uint8]
    """(2, 65536) TCP and UDP: 0 own column, 1 system, 2 registered, 3 dynamic, 4 port 0."""


@cache
def port_tables() -> PortTables:
    """The tables; 650 KB, made once a process."""
    tcp = _table(0, TCP_SERVICES)
    udp = _table(len(TCP_SERVICES) + len(RANGES), UDP_SERVICES)
    return PortTables(tcp, udp, np.stack([_ranks(TCP_SERVICES), _ranks(UDP_SERVICES)]))


def _table(first: int, services: tuple[int, ...]) -> NDArray[np.int32]:
    bins = first + len(services)
    table = np.empty(65_536, np.int32)
    table[0] = bins
    table[1:1024] = bins + 1
    table[1024:49_152] = bins + 2
    table[49_152:] = bins + 3
    table[list(services)] = np.arange(first, bins, dtype=np.int32)
    return table


def _ranks(services: tuple[int, ...]) -> NDArray[np.uint8]:
    rank = np.empty(65_536, np.uint8)
    rank[0] = 4
    rank[1:1024] = 1
    rank[1024:49_152] = 2
    rank[49_152:] = 3
    rank[list(services)] = 0
    return rank
