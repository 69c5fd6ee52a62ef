from __future__ import annotations

import struct

import pytest

from bench.link import network_bytes
from bench.rule import Found, SessionRule, found_in

S = 1_000_000_000
SYN, ACK, FIN, RST = 2, 16, 1, 4
A, B = (b"\x0a\x00\x00\x01", 1000), (b"\x0a\x00\x00\x02", 80)


def there(proto: int = 6, flags: int = ACK) -> Found:
    return Found(4, proto, A, B, flags)


def back(proto: int = 6, flags: int = ACK) -> Found:
    return Found(4, proto, B, A, flags)


def numbers(*packets: tuple[int, Found | None]) -> list[int]:
    """Session numbers of (time in ns, packet)."""
    rule = SessionRule()
    return [rule.packet(time, found) for time, found in packets]


def test_both_directions_are_one_session_and_other_packets_none() -> None:
    assert numbers((0, there()), (1, back()), (2, None)) == [0, 0, -1]


@pytest.mark.parametrize(("proto", "idle"), [(6, 300), (17, 60), (1, 60), (58, 60), (47, 60)])
def test_a_session_is_over_after_more_than_the_idle_time(proto: int, idle: int) -> None:
    assert numbers((0, there(proto)), (idle * S, back(proto))) == [0, 0]
    assert numbers((0, there(proto)), (idle * S + 1, back(proto))) == [0, 1]


def test_a_session_is_over_after_more_than_an_hour() -> None:
    steps = [(k * 200 * S, there()) for k in range(19)]
    assert set(numbers(*steps, (3600 * S, there()))) == {0}
    assert numbers(*steps, (3600 * S + 1, there()))[-1] == 1


@pytest.mark.parametrize(
    ("flags", "opens"),
    [((FIN, FIN), True), ((RST, 0), True), ((FIN, 0), False), ((0, 0), False)],
)
def test_a_syn_opens_a_new_session_after_a_close(flags: tuple[int, int], *, opens: bool) -> None:
    packets = [
        (0, there(flags=SYN)),
        (1, there(flags=ACK | flags[0])),
        (2, back(flags=ACK | flags[1])),
        (3, there(flags=SYN)),
    ]
    assert numbers(*packets)[-1] == int(opens)


def test_a_syn_ack_opens_none() -> None:
    assert numbers((0, there(flags=RST)), (1, back(flags=SYN | ACK))) == [0, 0]


def test_the_clock_may_step_back_a_minute_but_not_more() -> None:
    late = 1000 * S
    assert numbers((late, there()), (late - 60 * S, there())) == [0, 0]
    assert numbers((late, there()), (late - 60 * S - 1, there())) == [0, 1]


def test_other_packets_move_the_clock_too() -> None:
    assert numbers((0, there(17)), (61 * S, None), (60 * S, there(17))) == [0, -1, 1]


def test_an_old_packet_counts_at_the_clock() -> None:
    # It comes at clock 100 s whatever its own time says, so 155 s is not idle for a minute.
    packets = [(50 * S, there(17)), (100 * S, None), (60 * S, there(17)), (155 * S, there(17))]
    assert numbers(*packets) == [0, -1, 0, 0]


ETHER = bytes(12)


def ipv4(
    payload: bytes,
    *,
    proto: int = 17,
    frag: int = 0,
    options: bytes = b"",
    length: int | None = None,
) -> bytes:
    total = 20 + len(options) + len(payload) if length is None else length
    first = 0x45 + len(options) // 4
    head = struct.pack(">BBHHHBBH", first, 0, total, 1, frag, 64, proto, 0)
    return head + A[0] + B[0] + options + payload


def ipv6(following: int, payload: bytes) -> bytes:
    head = struct.pack(">IHBB", 6 << 28, len(payload), following, 64)
    return head + bytes(15) + b"\1" + bytes(15) + b"\2" + payload


UDP = struct.pack(">HHHH", 1000, 80, 8, 0)
TCP = struct.pack(">HHIIBBHHH", 1000, 80, 1, 2, 0x50, SYN, 9, 0, 0)
PLAIN = b"\x08\x00" + ipv4(UDP)
PORTS_17 = (17, 1000, 80, 0)

FRAMES: dict[str, tuple[bytes, tuple[int, int, int, int]]] = {
    "udp": (PLAIN, PORTS_17),
    "tcp": (b"\x08\x00" + ipv4(TCP, proto=6), (6, 1000, 80, SYN)),
    "tcp header cut behind the flags": (b"\x08\x00" + ipv4(TCP[:14], proto=6), (6, 1000, 80, SYN)),
    "tcp header cut behind the ports": (b"\x08\x00" + ipv4(TCP[:4], proto=6), (6, 1000, 80, 0)),
    "ports cut": (b"\x08\x00" + ipv4(TCP[:3], proto=6), (6, 0, 0, 0)),
    "sctp": (b"\x08\x00" + ipv4(UDP + bytes(8), proto=132), (132, 1000, 80, 0)),
    "udp-lite": (b"\x08\x00" + ipv4(UDP, proto=136), (136, 1000, 80, 0)),
    "dccp": (b"\x08\x00" + ipv4(UDP + bytes(8), proto=33), (33, 1000, 80, 0)),
    "gre is not entered": (b"\x08\x00" + ipv4(b"\0\0\x08\0" + ipv4(UDP), proto=47), (47, 0, 0, 0)),
    "ip in ip is not entered": (b"\x08\x00" + ipv4(ipv4(UDP), proto=4), (4, 0, 0, 0)),
    "later fragment": (b"\x08\x00" + ipv4(UDP, frag=9), (17, 0, 0, 0)),
    "first fragment": (b"\x08\x00" + ipv4(UDP, frag=0x2000), PORTS_17),
    "options": (b"\x08\x00" + ipv4(UDP, options=bytes(8)), PORTS_17),
    "length 0 of an offload": (b"\x08\x00" + ipv4(UDP, length=0), PORTS_17),
    "length below the header": (b"\x08\x00" + ipv4(UDP, length=10), (17, 0, 0, 0)),
    "vlan": (b"\x81\x00\x00\x05" + PLAIN, PORTS_17),
    "three tags": (b"\x88\xa8\x00\x05" + b"\x81\x00\x00\x06" * 2 + PLAIN, PORTS_17),
    "mpls": (b"\x88\x47\x00\x01\x00\x3f\x00\x02\x01\x3f" + ipv4(UDP), PORTS_17),
    "pppoe": (b"\x88\x64\x11\x00\x00\x01\x00\x20\x00\x21" + ipv4(UDP), PORTS_17),
    "snap": (b"\x00\x30\xaa\xaa\x03\x00\x00\x00" + PLAIN, PORTS_17),
    "ipv6": (b"\x86\xdd" + ipv6(17, UDP), PORTS_17),
    "hop by hop": (b"\x86\xdd" + ipv6(0, b"\x11\0" + bytes(6) + UDP), PORTS_17),
    "ah in ipv6": (b"\x86\xdd" + ipv6(51, b"\x11\x04" + bytes(22) + UDP), PORTS_17),
    "ah in ipv4": (b"\x08\x00" + ipv4(b"\x11\x04" + bytes(22) + UDP, proto=51), PORTS_17),
    "first fragment 6": (b"\x86\xdd" + ipv6(44, b"\x11\0\0\1" + bytes(4) + UDP), PORTS_17),
    "later fragment 6": (b"\x86\xdd" + ipv6(44, b"\x11\0\0\x11" + bytes(4) + UDP), (17, 0, 0, 0)),
    "esp": (b"\x86\xdd" + ipv6(50, bytes(30)), (50, 0, 0, 0)),
    "mobility": (b"\x86\xdd" + ipv6(135, b"\x3b\0" + bytes(6)), (59, 0, 0, 0)),
    "chain cut": (b"\x86\xdd" + ipv6(0, b"\x11\0"), (0, 0, 0, 0)),
}


@pytest.mark.parametrize("name", FRAMES)
def test_what_is_found_in_a_frame(name: str) -> None:
    octets, expected = FRAMES[name]
    found = found_in(1, ETHER + octets)
    assert found is not None
    assert (found.proto, found.src[1], found.dst[1], found.flags) == expected


@pytest.mark.parametrize(
    "octets",
    [
        b"\x08\x06" + bytes(28),
        b"\x08\x00" + ipv4(UDP)[:19],
        b"\x08\x00\x44" + ipv4(UDP)[1:],
        b"\x08\x00" + ipv6(17, UDP),
        b"\x86\xdd" + ipv4(UDP) + bytes(20),
        b"\x86\xdd" + ipv6(17, UDP)[:39],
        b"\x00\x26\x42\x42\x03" + bytes(40),
        b"\x81\x00\x00",
        b"",
    ],
)
def test_frames_without_a_whole_ip_header_have_no_session(octets: bytes) -> None:
    assert found_in(1, ETHER + octets) is None


@pytest.mark.parametrize(
    ("linktype", "head"),
    [
        (101, b""),
        (228, b""),
        (0, b"\2\0\0\0"),
        (108, b"\0\0\0\2"),
        (113, bytes(14) + b"\x08\x00"),
        (276, b"\x08\x00" + bytes(18)),
        (104, b"\x0f\x00\x08\x00"),
        (9, b"\xff\x03\x00\x21"),
        (9, b"\x21"),
        (9, b"\x0f\x00\x08\x00"),
    ],
)
def test_other_links_lead_to_ip_too(linktype: int, head: bytes) -> None:
    found = network_bytes(linktype, head + ipv4(UDP))
    assert found is not None
    assert (found.version, found.octets) == (4, ipv4(UDP))


def test_an_unknown_link_leads_nowhere() -> None:
    assert network_bytes(147, ipv4(UDP)) is None
