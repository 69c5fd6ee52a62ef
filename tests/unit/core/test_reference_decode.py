"""One frame to its fields; each test runs on each core."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from plugin.core import layout as lay
from plugin.core import new_engine
from tests import frames as f
from tests.engines import make, run

if TYPE_CHECKING:
    import numpy as np

pytestmark = pytest.mark.usefixtures("core")


UDP = f.ipv4(f.udp(5000, 53), 17)


def decode(data: bytes, link: int = 1, wire: int = 0) -> np.void:
    frame = f.Frame(f.SECOND, data, wire)
    row: np.void
    (row,) = run(make(type(new_engine())), f.pcap(frame, link=link)).packet_rows()
    return row


@pytest.mark.parametrize(
    ("link", "data"),
    [
        (1, f.ethernet(UDP)),
        (12, UDP),
        (14, UDP),
        (101, UDP),
        (228, UDP),
        (0, struct.pack("<I", 2) + UDP),
        (108, struct.pack(">I", 2) + UDP),
        (9, b"\x00\x21" + UDP),
        (9, b"\x21" + UDP),
        (50, b"\xff\x03\x00\x21" + UDP),
        (50, b"\x0f\x00\x08\x00" + UDP),
        (104, b"\x0f\x00\x08\x00" + UDP),
        (113, struct.pack(">HHH", 0, 1, 6) + f.A + b"\0\0\x08\x00" + UDP),
        (276, b"\x08\x00" + bytes(6) + b"\0\x01\0\x06" + f.A + b"\0\0" + UDP),
        (1, f.ethernet(f.vlan(UDP, 100), 0x8100)),
        (1, f.ethernet(f.vlan(f.vlan(UDP, 7), 100, 0x8100), 0x88A8)),
        (1, f.ethernet(b"\x00\x01\x00\xff\x00\x02\x01\xff" + UDP, 0x8847)),
        (1, f.ethernet(b"\x11\x00\x00\x01\x00\x20\x00\x21" + UDP, 0x8864)),
        (1, f.ethernet(b"\xaa\xaa\x03\x00\x00\x00\x08\x00" + UDP, len(UDP) + 8)),
        (1, f.ethernet(b"\x06\x06\x03" + UDP, len(UDP) + 3)),
        (1, f.ethernet(bytes(4) + f.B + f.A + b"\x08\x00" + UDP, 0x88E7)),
    ],
)
def test_every_link_layer_leads_to_the_same_packet(link: int, data: bytes) -> None:
    row = decode(data, link)
    assert (row["ip_version"], row["proto"], row["src_port"], row["dst_port"]) == (4, 17, 5000, 53)
    assert row["src_ip"].tobytes()[12:] == f.IP_A
    assert row["payload_len"] == 1
    assert row["header_len"] == len(data) - 1
    assert not row["marks"] & lay.MARK_TRUNCATED


def test_tags() -> None:
    row = decode(f.ethernet(f.vlan(f.vlan(UDP, 7), 100, 0x8100), 0x88A8))
    assert (row["vlan"], row["inner_vlan"]) == (100, 7)
    assert row["layers"] == lay.LAYER_VLAN | lay.LAYER_QINQ
    assert decode(f.ethernet(UDP))["vlan"] == lay.NO_VLAN


def test_tcp_fields_and_options() -> None:
    options = b"\x02\x04\x05\xb4\x01\x03\x03\x07\x04\x02\x08\x0a\x00\x00\x00\x09\x00\x00\x00\x00"
    row = decode(f.ethernet(f.ipv4(f.tcp(1, 2, f.SYN, b"abc", options=options, seq=77), 6)))
    assert (row["tcp_mss"], row["tcp_wscale"], row["tcp_tsval"]) == (1460, 7, 9)
    assert (row["tcp_seq"], row["tcp_ack"], row["tcp_window"], row["tcp_flags"]) == (77, 2, 8192, 2)
    assert (row["l4_header_len"], row["payload_len"]) == (40, 3)
    known = lay.OPT_MSS | lay.OPT_WSCALE | lay.OPT_SACK_OK | lay.OPT_TIMESTAMP | lay.OPT_NOP
    assert row["tcp_options"] == known


def test_broadcast_and_multicast() -> None:
    broadcast = decode(f.ethernet(f.ipv4(f.udp(68, 67), 17, dst=b"\xff" * 4), dst=b"\xff" * 6))
    assert broadcast["marks"] == lay.MARK_BROADCAST | lay.MARK_IP_MULTICAST
    multicast = decode(
        f.ethernet(f.ipv4(f.udp(1, 2), 17, dst=b"\xe0\0\0\1"), dst=b"\x01" + bytes(5))
    )
    assert multicast["marks"] == lay.MARK_MULTICAST | lay.MARK_IP_MULTICAST


def test_arp() -> None:
    row = decode(f.ethernet(f.arp(1), 0x0806))
    assert (row["arp_op"], row["ip_version"], row["session"]) == (1, 0, -1)
    assert (row["arp_sha"], row["src_mac"]) == (1, 1)
    assert row["arp_tha"] == 2
    assert row["src_ip"].tobytes()[12:] == f.IP_A
    assert row["dst_ip"].tobytes()[12:] == f.IP_B
    assert row["header_len"] == 42


def test_ipv6_extension_headers_are_passed_over() -> None:
    chain = bytes((60, 0)) + bytes(6) + bytes((51, 0)) + bytes(6)
    chain += bytes((6, 1)) + bytes(10)  # AH counts in 4 bytes, less 2
    row = decode(f.ethernet(f.ipv6(chain + f.tcp(8, 9), 0), 0x86DD))
    assert (row["proto"], row["src_port"], row["layers"]) == (6, 8, lay.LAYER_IPV6_EXT)
    assert row["payload_len"] == 0


def test_ipv6_fragments() -> None:
    first = bytes((17, 0, 0, 1, 0, 1, 2, 3)) + f.udp(5, 6, bytes(8))
    later = bytes((17, 0, 0, 16, 0, 1, 2, 3)) + f.udp(5, 6, bytes(8))
    a = decode(f.ethernet(f.ipv6(first, 44), 0x86DD))
    b = decode(f.ethernet(f.ipv6(later, 44), 0x86DD))
    assert (a["src_port"], a["marks"], a["frag"]) == (5, lay.MARK_FRAGMENT, 0x2000)
    assert (b["src_port"], b["frag"]) == (0, 2)
    assert b["marks"] == lay.MARK_FRAGMENT | lay.MARK_LATER_FRAGMENT


def test_the_links_padding_is_no_header() -> None:
    """An IP length that ends inside the TCP header must not make padding into ports."""
    row = decode(f.ethernet(f.ipv4(f.tcp(7, 8), 6, total=22)))
    assert (row["src_port"], row["payload_len"]) == (0, 0)
    assert row["marks"] & lay.MARK_TRUNCATED


def test_offload_leaves_no_length() -> None:
    row = decode(f.ethernet(f.ipv4(f.tcp(7, 8, payload=b"abcd"), 6, total=0)), wire=30_014)
    assert (row["ip_len"], row["payload_len"]) == (30_000, 29_960)


@pytest.mark.parametrize("size", range(len(f.ethernet(f.ipv4(f.tcp(7, 8), 6)))))
def test_any_cut_is_marked_and_invents_nothing(size: int) -> None:
    data = f.ethernet(f.ipv4(f.tcp(7, 8), 6))
    row = decode(data[:size], wire=len(data))
    assert row["marks"] & lay.MARK_TRUNCATED
    assert row["header_len"] <= size
    assert row["src_port"] in {0, 7}


def test_tunnels_are_not_entered() -> None:
    gre = b"\x00\x00\x08\x00" + f.ipv4(f.tcp(1, 2), 6)
    row = decode(f.ethernet(f.ipv4(gre, 47)))
    assert (row["proto"], row["src_port"]) == (47, 0)


def test_link_types_that_are_not_decoded_are_counted() -> None:
    row = decode(UDP, link=127)
    assert (row["ip_version"], row["wire_len"]) == (0, len(UDP))


def test_cisco_keep_alive_is_no_arp() -> None:
    assert decode(b"\x8f\x00\x80\x35" + f.arp(1), link=104)["arp_op"] == 0
