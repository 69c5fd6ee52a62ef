"""``halia-host``: what kinds of packets a device has, how large, how often and in which order.

Every packet is of exactly one kind, by EtherType, protocol and well-known port (the far end's if
it has one, else the near end's). Ports and protocols are IANA's. Computes only.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from plugin.core.layout import MARK_BROADCAST, MARK_MULTICAST
from plugin.ml.features.addresses import local
from plugin.ml.features.host_block import SECOND, Block, Column, columns_of, log, sent, sided
from plugin.ml.services import ICMP, ICMPV6, TCP, UDP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.features.host_parts import Part

IGMP = 2
ARP, EAPOL = 0x0806, 0x888E
ETHERTYPE_KINDS = {"arp": ARP, "eapol": EAPOL}
PROTOCOL_KINDS = {"icmp": ICMP, "icmpv6": ICMPV6, "igmp": IGMP}
PORT_KINDS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "dns": ((53,), (53,)),
    "dhcp": ((), (67, 68)),
    "dhcpv6": ((), (546, 547)),
    "ntp": ((), (123,)),
    "mdns": ((), (5353,)),
    "ssdp": ((), (1900,)),
    "llmnr": ((), (5355,)),
    "netbios_name": ((), (137,)),
    "netbios_datagram": ((), (138,)),
    "ws_discovery": ((5357,), (3702,)),
    "snmp": ((), (161, 162)),
    "coap": ((), (5683,)),
    "http": ((80, 8000, 8008, 8080), ()),
    "tls": ((443, 8443), ()),
    "quic": ((), (443,)),
    "mqtt": ((1883, 8883), ()),
    "smb": ((139, 445), ()),
    "kerberos": ((88, 464), (88, 464)),
    "ldap": ((389, 636, 3268, 3269), (389,)),
    "msrpc": ((135, 593), ()),
    "rdp": ((3389,), (3389,)),
    "winrm": ((5985, 5986), ()),
    "ssh": ((22,), ()),
    "telnet": ((23,), ()),
    "ftp": ((20, 21), ()),
    "mail": ((25, 110, 143, 465, 587, 993, 995), ()),
    "printing": ((515, 631, 9100), (631,)),
    "nfs": ((111, 2049), (111, 2049)),
    "rtsp": ((554,), ()),
    "database": ((1433, 1521, 3306, 5432, 6379, 27017), ()),
}
"""Kind -> TCP ports, UDP ports."""
REST = {
    "tcp": "TCP without such a port",
    "udp": "UDP without such a port",
    "other": "anything else",
}
KINDS = (*ETHERTYPE_KINDS, *PROTOCOL_KINDS, *PORT_KINDS, *REST)
N_KINDS = len(KINDS)
_TCP, _UDP, _OTHER = (KINDS.index(name) for name in REST)

FIRST = 12
"""Packets sent whose properties have columns of their own."""
LONGEST = 1500
"""Bytes: what sizes of first packets are divided by (Ethernet's MTU)."""


def meaning(kind: str) -> str:
    """What packets of a kind are, in words."""
    if kind in ETHERTYPE_KINDS:
        return f"EtherType 0x{ETHERTYPE_KINDS[kind]:04x}"
    if kind in PROTOCOL_KINDS:
        return f"IP protocol {PROTOCOL_KINDS[kind]}"
    if kind in REST:
        return REST[kind]
    ends = zip(("TCP", "UDP"), PORT_KINDS[kind], strict=True)
    return " or ".join(f"{name} port {', '.join(map(str, ports))}" for name, ports in ends if ports)


@cache
def _port_table() -> NDArray[np.int64]:
    """(2, 65536) kind of each TCP and each UDP port, -1 = none."""
    table = np.full((2, 65_536), -1, np.int64)
    for name, both in PORT_KINDS.items():
        for row, ports in enumerate(both):
            table[row, list(ports)] = KINDS.index(name)
    return table


def kind_of(part: Part) -> NDArray[np.int64]:
    """(n,) index into KINDS of each packet."""
    proto, ethertype = part["proto"], part["ethertype"]
    is_ip = part["ip_version"] > 0
    found = np.full(len(part), _OTHER, np.int64)
    for name, number in ETHERTYPE_KINDS.items():
        found[~is_ip & (ethertype == number)] = KINDS.index(name)
    for name, number in PROTOCOL_KINDS.items():
        found[is_ip & (proto == number)] = KINDS.index(name)
    table = _port_table()
    for row, (number, rest) in enumerate(((TCP, _TCP), (UDP, _UDP))):
        at = np.flatnonzero(is_ip & (proto == number))
        kinds = table[row, part["peer_port"][at]]
        kinds = np.where(kinds < 0, table[row, part["own_port"][at]], kinds)
        found[at] = np.where(kinds < 0, rest, kinds)
    return found


def size_of(part: Part) -> NDArray[np.int64]:
    """(n,) bytes of the IP packet; of frames without IP 0.

    The IP header's length: padding, VLAN tags and where a frame was recorded do not change it.
    """
    size: NDArray[np.int64] = part["ip_len"].astype(np.int64)
    return size


def _shares(part: Part) -> NDArray[np.float64]:
    return part.shares(part.made("kind", kind_of), N_KINDS)


def _sizes(part: Part) -> NDArray[np.float64]:
    """Mean, least, most and number of IP lengths of each kind: the kinds' rows as rows."""
    kinds = _by_kind(part)
    size = kinds.made("size", size_of)
    values = (
        log(kinds.mean(size)),
        log(kinds.least(size)),
        log(kinds.most(size)),
        log(kinds.each(size).counts),
    )
    return np.concatenate([one.reshape(part.n_rows, N_KINDS) for one in values], axis=1)


def _gaps(part: Part) -> NDArray[np.float64]:
    """Mean logarithm of the gap between a packet and the one before of its kind."""
    kinds = _by_kind(part)
    later, gaps = kinds.steps(kinds["time"])
    seconds = np.log10(1e-3 + np.maximum(gaps, 0) / SECOND) + 3
    mean = np.where(later.counts > 0, later.mean(seconds), 0.0)
    return mean.reshape(part.n_rows, N_KINDS)


def _by_kind(part: Part) -> Part:
    """The same packets with a row for each row and kind."""
    return part.split(part.made("kind", kind_of), N_KINDS)


def _order(part: Part) -> NDArray[np.float64]:
    """1 / the rank of each kind's first packet among the kinds of its row; 0 = no such packet."""
    firsts = part.each(part.made("kind", kind_of))
    found = np.zeros((part.n_rows, N_KINDS))
    found[firsts.row, firsts.made("kind", kind_of)] = 1.0 / (1 + firsts.place)
    return found


_FIRST_COLUMNS = (
    ("size", "1500 bytes", "IP length / 1500"),
    ("tcp", "0 or 1", "1 if it is TCP"),
    ("udp", "0 or 1", "1 if it is UDP"),
    ("arp", "0 or 1", "1 if it is ARP"),
    ("names", "0 or 1", "1 if it is DNS, mDNS, LLMNR or NetBIOS name service"),
    ("dhcp", "0 or 1", "1 if it is DHCP"),
    ("to_many", "0 or 1", "1 if it goes to the link's broadcast or a multicast address"),
    ("external", "0 or 1", "1 if its receiver is outside"),
)
_NAME_KINDS = tuple(KINDS.index(k) for k in ("dns", "mdns", "llmnr", "netbios_name"))


def to_many(part: Part) -> NDArray[np.bool_]:
    """(n,) frames to the link's broadcast or a multicast address."""
    member: NDArray[np.bool_] = (part["marks"] & (MARK_BROADCAST | MARK_MULTICAST)) > 0
    return member


def external(part: Part) -> NDArray[np.bool_]:
    """(n,) IP packets whose far end is outside."""
    member: NDArray[np.bool_] = (part["ip_version"] > 0) & ~local(part["peer_ip"])
    return member


def _first(part: Part) -> NDArray[np.float64]:
    begin = part.only(part.place < FIRST)
    kind, is_ip = begin.made("kind", kind_of), begin["ip_version"] > 0
    values = (
        np.minimum(begin.made("size", size_of) / LONGEST, 1),
        is_ip & (begin["proto"] == TCP),
        is_ip & (begin["proto"] == UDP),
        kind == KINDS.index("arp"),
        np.isin(kind, _NAME_KINDS),
        kind == KINDS.index("dhcp"),
        begin.made("to_many", to_many),
        begin.made("external", external),
    )
    found = np.zeros((part.n_rows, FIRST, len(values)))
    found[begin.row, begin.place] = columns_of(*(np.asarray(one, np.float64) for one in values))
    return found.reshape(part.n_rows, -1)


def _columns(prefix: str, unit: str, text: str) -> list[Column]:
    return [Column(f"{prefix}_{k}", unit, f"{text} {k} packets ({meaning(k)})") for k in KINDS]


BLOCKS: tuple[Block, ...] = (
    *sided("kinds", _columns("kind", "share", "share of"), _shares),
    *sided(
        "kind_sizes",
        [
            column
            for name, text in (
                ("mean_size", "mean IP length (bytes) of"),
                ("least_size", "least IP length (bytes) of"),
                ("most_size", "largest IP length (bytes) of"),
                ("sizes", "different IP lengths of"),
            )
            for column in _columns(name, "log10(1 + n)", text)
        ],
        _sizes,
    ),
    sent(
        "kind_gaps",
        _columns(
            "gap", "3 + log10(0.001 s + seconds)", "mean of the logarithm of the gaps between"
        ),
        _gaps,
    ),
    sent(
        "order",
        _columns("order", "1 / rank", "1 / (rank of the first packet among the firsts) of"),
        _order,
    ),
    sent(
        "first",
        [
            Column(f"packet_{k + 1}_{name}", unit, f"packet {k + 1} of the row: {text}")
            for k in range(FIRST)
            for name, unit, text in _FIRST_COLUMNS
        ],
        _first,
    ),
)
