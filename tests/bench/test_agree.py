from __future__ import annotations

from typing import Any

import pytest

from bench.agree import captures, lines_of
from bench.agree.compare import Tally, compare_packet
from bench.agree.dissect import DEFAULTS, Dissected, address, nanoseconds, translate
from bench.agree.fields import TSHARK_FIELDS
from bench.agree.reasons import REASONS, Difference
from plugin.core.layout import MARK_TRUNCATED

TYPE = {
    "frame.number": "4",
    "frame.time_epoch": "1700000000.000000123",
    "frame.len": "70000",
    "frame.cap_len": "60",
    "frame.protocols": "eth:ethertype:ip:tcp",
    "eth.src": "02:00:00:00:00:0a",
    "eth.dst": "02:00:00:00:00:0b",
    "ip.src": "10.0.0.1",
    "ip.dst": "10.0.0.2",
    "ip.proto": "6",
    "ip.len": "60",
    "ip.hdr_len": "20",
    "ip.ttl": "64",
    "ip.flags": "0x02",
    "tcp.srcport": "1000",
    "tcp.dstport": "80",
    "tcp.seq_raw": "7",
    "tcp.ack_raw": "8",
    "tcp.flags": "0x0112",
    "tcp.window_size_value": "512",
    "tcp.hdr_len": "20",
    "tcp.len": "20",
}


def line(**changes: str) -> str:
    """A line of tshark's: fields with ``__`` for the dot."""
    said = TYPE | {name.replace("__", "."): value for name, value in changes.items()}
    assert set(said) <= set(TSHARK_FIELDS)
    return "|".join(said.get(field, "") for field in TSHARK_FIELDS)


def test_a_line_becomes_a_record() -> None:
    found = translate(line()).expected
    assert found["time"] == 1_700_000_000_000_000_123
    assert found["wire_len"] == 65_550
    assert found["src_mac"] == bytes.fromhex("02000000000a")
    assert found["src_ip"] == address("10.0.0.1") == bytes(10) + b"\xff\xff\x0a\0\0\1"
    assert (found["proto"], found["src_port"], found["dst_port"]) == (6, 1000, 80)
    assert (found["tcp_flags"], found["tcp_window"], found["payload_len"]) == (0x12, 512, 20)
    assert found["frag"] == 0x4000
    assert found["vlan"] == -1


def test_only_the_outermost_ip_header_counts() -> None:
    tunnel = translate(
        line(
            frame__protocols="eth:ethertype:ip:gre:ip:tcp",
            ip__src="10.0.0.1,1.1.1.1",
            ip__proto="47,6",
        )
    ).expected
    assert (tunnel["proto"], tunnel["src_port"]) == (47, 0)
    assert tunnel["src_ip"] == address("10.0.0.1")


def test_addresses_of_an_inner_frame_are_not_the_frames() -> None:
    found = translate(line(frame__protocols="raw:ip:udp:vxlan:eth:ethertype:ip:tcp")).expected
    assert found["src_mac"] == b""


def test_tags_are_taken_in_order() -> None:
    protocols = "eth:ethertype:ieee8021ad:ethertype:vlan:ethertype:ip:tcp"
    found = translate(line(frame__protocols=protocols, vlan__id="5", ieee8021ad__id="9")).expected
    assert (found["vlan"], found["inner_vlan"]) == (9, 5)


def test_a_later_fragment_has_no_ports() -> None:
    found = translate(line(ip__frag_offset="185")).expected
    assert (found["later_fragment"], found["src_port"], found["frag"]) == (1, 0, 0x4000 | 185)


def test_extension_headers_are_followed() -> None:
    found = translate(
        line(
            frame__protocols="eth:ethertype:ipv6:ipv6.hopopts:ipv6.fraghdr:udp",
            ipv6__src="::1",
            ipv6__dst="::2",
            ipv6__nxt="0",
            ipv6__plen="100",
            ipv6__hopopts__nxt="44",
            ipv6__fraghdr__nxt="17",
            ipv6__fraghdr__more="1",
            ipv6__fraghdr__ident="0x00012345",
            udp__srcport="9",
            udp__length="84",
        )
    ).expected
    assert (found["ip_version"], found["proto"], found["ip_len"]) == (6, 17, 140)
    assert (found["frag"], found["ip_id"], found["src_port"]) == (0x2000, 0x2345, 9)


def test_arp_is_no_ip() -> None:
    found = translate(
        line(
            frame__protocols="eth:ethertype:arp",
            arp__opcode="2",
            arp__src__hw_mac="02:00:00:00:00:0a",
            arp__src__proto_ipv4="10.0.0.1",
            arp__dst__proto_ipv4="10.0.0.2",
        )
    ).expected
    assert (found["arp_op"], found["ip_version"], found["proto"]) == (2, 0, 0)
    assert found["src_ip"] == address("10.0.0.1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.5", 1_500_000_000), ("0.000000001", 1), ("7", 7_000_000_000), ("1.1000000000", 2 * 10**9)],
)
def test_times_are_exact(text: str, expected: int) -> None:
    assert nanoseconds(text) == expected


def test_a_custom_block_is_no_packet() -> None:
    assert translate(line(frame__cb_pen="32473")).is_no_packet
    assert not translate(line()).is_no_packet


def ours(theirs: Dissected, **changes: Any) -> dict[str, Any]:
    """A packet record that agrees, with some changes."""
    more = {"marks": 0, "header_len": 54, "payload_len": 0, "l4_header_len": 0}
    return {**DEFAULTS, **more, **theirs.expected, **changes}


def tallied(theirs: Dissected, **changes: Any) -> Tally:
    from pathlib import Path

    tally = Tally()
    compare_packet(tally, Path("x.pcap"), theirs, ours(theirs, **changes))
    return tally


def test_agreement_leaves_nothing() -> None:
    tally = tallied(translate(line()))
    assert (tally.packets, tally.explained, tally.unexplained) == (1, {}, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"src_port": 1}, {"vlan": 5}, {"ip_version": 0}, {"time": 0}, {"payload_len": 19},
        {"proto": 17}, {"tcp_seq": 0}, {"src_mac": b""}, {"arp_op": 1}, {"ip_len": 0},
        {"src_port": 1, "marks": MARK_TRUNCATED}, {"ttl": 0, "header_len": 0},
    ],
)  # fmt: skip
def test_a_wrong_field_of_a_plain_packet_has_no_excuse(changes: dict[str, Any]) -> None:
    tally = tallied(translate(line()), **changes)
    (row,) = tally.unexplained
    assert (row.frame, row.field) == (4, next(iter(changes)))


EXCUSED: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "UDP length": (
        {"frame__protocols": "eth:ethertype:ip:udp", "ip__proto": "17", "udp__length": "500"},
        {"payload_len": 32},
    ),
    "beyond frame": ({"frame__len": "50", "tcp__len": "9"}, {"payload_len": 20}),
    "TCP cut": (
        {"tcp__seq_raw": "", "tcp__ack_raw": "", "tcp__window_size_value": ""},
        {"tcp_seq": 7, "marks": MARK_TRUNCATED},
    ),
    "protocol 62": (
        {
            "frame__protocols": "eth:ethertype:ipv6:mipv6",
            "ipv6__src": "::1",
            "ipv6__dst": "::2",
            "ipv6__nxt": "62",
            "mip6__proto": "59",
        },
        {"proto": 62},
    ),
    "link type": (
        {"frame__protocols": "fddi:llc:ip:tcp"},
        {"ip_version": 0, "header_len": 0},
    ),
    "pseudowire": (
        {"frame__protocols": "eth:ethertype:mpls:pwethheuristic:pwethcw:eth:ethertype:ip:tcp"},
        {"ip_version": 0},
    ),
}


@pytest.mark.parametrize("name", EXCUSED)
def test_a_known_reason_is_named(name: str) -> None:
    said, changes = EXCUSED[name]
    tally = tallied(translate(line(**said)), **changes)
    assert tally.unexplained == []
    assert list(tally.explained) == [name]


@pytest.mark.parametrize(
    ("text", "ours_ns", "excused"),
    [
        ("-1953631157.1404616000", 1953635450562680000, True),  # as tshark prints a fuzzed file
        ("-1953631157.1404616000", 1953635450562681000, False),
        ("5.000000000", 5_000_000_001, False),
    ],
)
def test_only_a_wrapped_time_is_excused(text: str, ours_ns: int, *, excused: bool) -> None:
    tally = tallied(translate(line(frame__time_epoch=text)), time=ours_ns)
    assert list(tally.explained) == (["time"] if excused else [])


def test_a_payload_that_is_neither_is_not_excused() -> None:
    said, _ = EXCUSED["UDP length"]
    assert len(tallied(translate(line(**said)), payload_len=33).unexplained) == 1


def test_a_link_type_is_no_excuse_for_a_made_up_record() -> None:
    said, _ = EXCUSED["link type"]
    assert len(tallied(translate(line(**said)), ip_version=6, header_len=14).unexplained) == 1


def test_reasons_have_names_of_their_own_and_say_why() -> None:
    assert len({reason.name for reason in REASONS}) == len(REASONS)
    assert all(len(reason.why) > 20 for reason in REASONS)


def test_no_reason_explains_a_plain_packet() -> None:
    theirs = translate(line(frame__len="74"))
    record = ours(theirs)
    for field, value in theirs.expected.items():
        difference = Difference(field, value, value, theirs, record)
        assert [r.name for r in REASONS if r.holds(difference)] == []


def test_captures_are_found_in_folders(tmp_path: Any) -> None:
    for name in ("b.pcap", "a.pcapng", "c.csv"):
        (tmp_path / name).touch()
    assert [path.name for path in captures([tmp_path])] == ["a.pcapng", "b.pcap"]


def test_the_outcome_names_reasons_and_differences() -> None:
    tally = tallied(translate(line()), src_port=1)
    tally.explain("UDP length", "y.pcap frame 1")
    text = "\n".join(lines_of(tally, 5))
    assert "unexplained 1" in text
    assert "x.pcap frame 4 src_port: tshark 1000, core 1" in text
    assert "UDP length" in text
