from __future__ import annotations

import dpkt
from hypothesis import given
from hypothesis import strategies as st

from plugin.lab import packets

A, B = bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2))
CONTENT = st.binary(max_size=1400)


@given(CONTENT)
def test_a_checksum_in_its_place_makes_the_sum_zero(content: bytes) -> None:
    assert packets.checksum(packets.ipv4(A, B, 17, content)[:20]) == 0
    request = packets.echo_request(7, 9, content)
    assert packets.checksum(request) == 0
    datagram = packets.udp(A, B, (5, 9), content)
    pseudo = A + B + bytes((0, 17)) + len(datagram).to_bytes(2)
    assert packets.checksum(pseudo + datagram) == 0


def test_a_datagram_is_read_as_it_was_meant() -> None:
    packet = dpkt.ip.IP(packets.ipv4(A, B, packets.UDP, packets.udp(A, B, (5, 9), b"abc"), 77))
    assert (packet.src, packet.dst, packet.len, packet.id) == (A, B, 31, 77)
    assert (packet.udp.sport, packet.udp.dport, packet.udp.data) == (5, 9, b"abc")


def test_a_syn_is_one() -> None:
    segment = packets.tcp_syn(A, B, (4000, 80), 1 << 33 | 5)
    found = dpkt.tcp.TCP(segment)
    assert (found.flags, found.sport, found.dport, found.seq) == (dpkt.tcp.TH_SYN, 4000, 80, 5)
    assert dpkt.tcp.parse_opts(found.opts) == [(dpkt.tcp.TCP_OPT_MSS, (1460).to_bytes(2))]
    assert packets.checksum(A + B + bytes((0, 6, 0, len(segment))) + segment) == 0


def test_a_frame_is_not_too_short() -> None:
    assert len(packets.frame(b"a" * 6, b"b" * 6, 0x0800, b"x")) == 60
    assert len(packets.frame(b"a" * 6, b"b" * 6, 0x0800, bytes(100))) == 114
