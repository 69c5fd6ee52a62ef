"""Zeek's words for a session: conn_state, history, proto; and its Community ID. Pure.

``conn_state`` follows Zeek's documentation of conn.log
(https://docs.zeek.org/en/master/scripts/base/protocols/conn/main.zeek.html), told from the
history; ours is a subset: history knows the letters S H A D F R (lower case = responder) and ``^``
(the first packet was a SYN+ACK, so its receiver is the originator), each at its first sight.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import TYPE_CHECKING, NamedTuple

from plugin.addresses import IPV4_PREFIX
from plugin.core.layout import SESSION

if TYPE_CHECKING:
    from collections.abc import Iterator

ICMP, TCP, UDP, ICMPV6, SCTP = 1, 6, 17, 58, 132
_PROTOCOLS = {
    1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 33: "dccp", 41: "ipv6", 47: "gre", 50: "esp",
    51: "ah", 58: "icmp6", 88: "eigrp", 89: "ospf", 103: "pim", 112: "vrrp", 132: "sctp",
    136: "udplite",
}  # fmt: skip
_PORTED = frozenset({TCP, UDP, SCTP})

# A request's type and its reply's: Community ID takes them as the two "ports".
_ICMP4_PAIRS = {0: 8, 8: 0, 9: 10, 10: 9, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17}
_ICMP6_PAIRS = {
    128: 129, 129: 128, 130: 131, 131: 130, 133: 134, 134: 133, 135: 136, 136: 135, 139: 140,
    140: 139, 144: 145, 145: 144,
}  # fmt: skip


class SessionRow(NamedTuple):
    """A session record unpacked, without numpy; ``layout.SESSION`` says what the fields are."""

    id: int
    start: int
    end: int
    orig_ip: bytes
    resp_ip: bytes
    orig_port: int
    resp_port: int
    proto: int
    ip_version: int
    end_reason: int
    icmp_type: int
    icmp_code: int
    history_len: int
    vlan: int
    inner_vlan: int
    reserved: int
    orig_mac: int
    resp_mac: int
    history: bytes
    orig_packets: int
    orig_payload_bytes: int
    orig_ip_bytes: int
    orig_wire_bytes: int
    orig_first: int
    orig_last: int
    orig_iat_min: int
    orig_iat_max: int
    orig_iat_sumsq: float
    orig_len_sumsq: float
    orig_len_min: int
    orig_len_max: int
    orig_window: int
    orig_mss: int
    orig_ttl_min: int
    orig_ttl_max: int
    orig_tcp_flags: int
    orig_tcp_options: int
    resp_packets: int
    resp_payload_bytes: int
    resp_ip_bytes: int
    resp_wire_bytes: int
    resp_first: int
    resp_last: int
    resp_iat_min: int
    resp_iat_max: int
    resp_iat_sumsq: float
    resp_len_sumsq: float
    resp_len_min: int
    resp_len_max: int
    resp_window: int
    resp_mss: int
    resp_ttl_min: int
    resp_ttl_max: int
    resp_tcp_flags: int
    resp_tcp_options: int


def iter_rows(records: memoryview | bytes) -> Iterator[SessionRow]:
    """Unpack session records one by one."""
    return map(SessionRow._make, SESSION.struct.iter_unpack(records))


def history(row: SessionRow) -> str:
    """The history letters, ``""`` if none apply (as for ICMP)."""
    letters: bytes = row.history[: row.history_len]
    return letters.decode("ascii")


def protocol_name(proto: int) -> str:
    """The name of an IP protocol, its number as text if it has none here."""
    return _PROTOCOLS.get(proto, str(proto))


def conn_state(row: SessionRow) -> str:
    """Zeek's conn_state: S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH."""
    if row.proto == TCP:
        return _tcp_state(history(row), bool(row.resp_packets))
    if row.proto == UDP:
        if row.orig_packets and row.resp_packets:
            return "SF"
        return "S0" if row.orig_packets else "SHR"
    return "OTH"


def _tcp_state(letters: str, answered: bool) -> str:
    asked, accepted = "S" in letters, "h" in letters
    if asked and accepted:
        return _established(letters)
    if asked:
        for letter, state in (("r", "REJ"), ("R", "RSTOS0"), ("F", "SH")):
            if letter in letters:
                return state
        return "OTH" if answered else "S0"
    if accepted:
        return "RSTRH" if "r" in letters else "SHR" if "f" in letters else "OTH"
    return "OTH"


def _established(letters: str) -> str:
    for i, letter in enumerate(letters):
        closed = "F" in letters[:i] and "f" in letters[:i]
        if letter in "Rr" and not closed:
            return "RSTO" if letter == "R" else "RSTR"
    if "F" in letters:
        return "SF" if "f" in letters else "S2"
    return "S3" if "f" in letters else "S1"


def community_id(row: SessionRow) -> str:
    """Community ID version 1, seed 0 (https://github.com/corelight/community-id-spec).

    ICMP takes type and code of the session's first packet.
    """
    src, dst = _plain(row.orig_ip), _plain(row.resp_ip)
    sport, dport, one_way = row.orig_port, row.resp_port, False
    if row.proto in {ICMP, ICMPV6}:
        pairs = _ICMP4_PAIRS if row.proto == ICMP else _ICMP6_PAIRS
        sport, one_way = row.icmp_type, row.icmp_type not in pairs
        dport = row.icmp_code if one_way else pairs[sport]
    if not one_way and (src, sport) > (dst, dport):
        src, dst, sport, dport = dst, src, dport, sport
    text = b"\0\0" + src + dst + bytes((row.proto, 0))
    if row.proto in _PORTED or row.proto in {ICMP, ICMPV6}:
        text += struct.pack(">HH", sport, dport)
    digest = hashlib.sha1(text, usedforsecurity=False).digest()
    return "1:" + base64.b64encode(digest).decode("ascii")


def _plain(ip: bytes) -> bytes:
    return ip[12:] if ip[:12] == IPV4_PREFIX else ip
