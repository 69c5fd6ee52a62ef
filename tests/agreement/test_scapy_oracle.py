"""The third oracle: packets that scapy makes, field by field as scapy itself reads them."""

from __future__ import annotations

import ipaddress
import logging
import random
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from plugin.core.layout import (
    MARK_BROADCAST,
    MARK_FRAGMENT,
    MARK_LATER_FRAGMENT,
    MARK_MULTICAST,
    ORIG,
    RESP,
)
from plugin.offline.read import from_scapy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from plugin.records import Capture

logging.getLogger("scapy").setLevel(logging.CRITICAL)  # it warns of missing routes at import
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    scapy: Any = pytest.importorskip("scapy.all", reason="scapy is not installed")

pytestmark = pytest.mark.usefixtures("core")

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
V4 = {"src": "10.1.2.3", "dst": "192.0.2.9"}
V6 = {"src": "2001:db8::1", "dst": "fe80::2"}
START = 1_700_000_000


def ether(**more: Any) -> Any:
    return scapy.Ether(src=A, dst=B, **more)


def ip(**more: Any) -> Any:
    return scapy.IP(**(V4 | more))


def ip6(**more: Any) -> Any:
    return scapy.IPv6(**(V6 | more))


TCP_OPTIONS = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (77, 0)), ("NOP", None), ("WScale", 7)]
HOP = scapy.IPv6ExtHdrHopByHop(options=[scapy.RouterAlert()])
INNER = scapy.Ether(src=B, dst=A) / scapy.IP(src="1.1.1.1", dst="2.2.2.2") / scapy.TCP(dport=5)

CASES: dict[str, Any] = {
    "tcp": ether() / ip(ttl=7, tos=0xB8, id=4660) / scapy.TCP(sport=1025, dport=80) / b"hello",
    "tcp options": ether() / ip() / scapy.TCP(flags="S", window=5840, options=TCP_OPTIONS),
    "tcp flags": ether() / ip() / scapy.TCP(flags="FPUEC", seq=1 << 31, ack=2**32 - 1) / b"x",
    "tcp padded": ether() / ip() / scapy.TCP(dport=1) / scapy.Padding(bytes(6)),
    "udp": ether() / ip(flags="DF") / scapy.UDP(sport=53, dport=5353) / bytes(300),
    "udp empty": ether() / ip() / scapy.UDP(sport=9, dport=9),
    "sctp": ether() / ip() / scapy.SCTP(sport=36412, dport=2905) / scapy.SCTPChunkInit(),
    "icmp": ether() / ip() / scapy.ICMP(type=3, code=4) / scapy.IPerror(**V4) / scapy.UDPerror(),
    "icmp echo": ether() / ip() / scapy.ICMP(id=5, seq=6) / b"ping",
    "ip options": ether() / ip(options=[scapy.IPOption_Router_Alert()]) / scapy.UDP(dport=7) / b"a",
    "most ip options": ether() / ip(options=[scapy.IPOption(b"\x01" * 40)]) / scapy.TCP(dport=7),
    "igmp": ether() / ip(proto=2, dst="224.0.0.22", ttl=1) / b"\x16\x00\x00\x00\xe0\x00\x00\x05",
    "first fragment": ether() / ip(flags="MF", id=9) / scapy.UDP(sport=7, dport=8) / bytes(64),
    "later fragment": ether() / ip(frag=185, proto=17, id=9) / bytes(64),
    "tcp6": ether() / ip6(hlim=3, tc=0x2E, fl=99) / scapy.TCP(dport=22) / b"abc",
    "udp6": ether() / ip6() / scapy.UDP(sport=546, dport=547) / bytes(9),
    "icmpv6": ether() / ip6() / scapy.ICMPv6ND_NS(tgt="fe80::2"),
    "hop by hop": ether() / ip6() / HOP / scapy.ICMPv6MLReport2(),
    "routing": ether() / ip6() / scapy.IPv6ExtHdrRouting(addresses=["::3"]) / scapy.TCP(dport=3),
    "all extensions": ether()
    / ip6()
    / HOP
    / scapy.IPv6ExtHdrDestOpt(options=[scapy.PadN(optdata=bytes(4))])
    / scapy.IPv6ExtHdrRouting(addresses=["::3", "::4"])
    / scapy.IPv6ExtHdrFragment(m=1, id=0x12345)
    / scapy.UDP(sport=1, dport=2)
    / bytes(24),
    "later fragment 6": ether() / ip6() / scapy.IPv6ExtHdrFragment(offset=3, nh=17) / bytes(8),
    "vlan": ether() / scapy.Dot1Q(vlan=42, prio=5) / ip() / scapy.TCP(dport=443),
    "qinq": ether() / scapy.Dot1AD(vlan=100) / scapy.Dot1Q(vlan=200) / ip() / scapy.UDP() / b"q",
    "two tags": ether() / scapy.Dot1Q(vlan=1) / scapy.Dot1Q(vlan=4094) / ip6() / scapy.UDP(),
    "arp": ether() / scapy.ARP(op=2, hwsrc=A, hwdst=B, psrc="10.0.0.1", pdst="10.0.0.2"),
    "arp who-has": scapy.Ether(src=A, dst="ff:ff:ff:ff:ff:ff") / scapy.ARP(pdst="10.0.0.3"),
    "vlan arp": ether() / scapy.Dot1Q(vlan=3) / scapy.ARP(hwsrc=A, psrc="10.0.0.1"),
    "pppoe": ether() / scapy.PPPoE(sessionid=5) / scapy.PPP(proto=0x21) / ip() / scapy.TCP(dport=2),
    "pppoe 6": ether() / scapy.PPPoE() / scapy.PPP(proto=0x57) / ip6() / scapy.UDP() / b"6",
    "snap": scapy.Dot3(src=A, dst=B) / scapy.LLC() / scapy.SNAP(code=0x800) / ip() / scapy.TCP(),
    "stp": scapy.Dot3(src=A, dst="01:80:c2:00:00:00") / scapy.LLC() / scapy.STP(),
    "gre": ether() / ip() / scapy.GRE() / scapy.IP(src="1.1.1.1", dst="2.2.2.2") / scapy.TCP(),
    "vxlan": ether() / ip() / scapy.UDP(dport=4789) / scapy.VXLAN(vni=7) / INNER,
    "ip in ip": ether() / ip() / scapy.IP(src="1.1.1.1", dst="2.2.2.2") / scapy.UDP(dport=9),
    "6 in 4": ether() / ip() / scapy.IPv6(src="::9", dst="::8") / scapy.TCP(dport=6),
    "4 in 6": ether() / ip6() / scapy.IP(src="1.1.1.1", dst="2.2.2.2") / scapy.UDP(dport=9),
    "esp": ether() / ip() / scapy.ESP(spi=5, seq=1, data=bytes(30)),
    "unknown type": ether(type=0x9999) / bytes(50),
    "multicast": scapy.Ether(src=A, dst="01:00:5e:00:00:fb") / ip(dst="224.0.0.251") / scapy.UDP(),
}
EXTENSIONS = (
    scapy.IPv6ExtHdrHopByHop,
    scapy.IPv6ExtHdrDestOpt,
    scapy.IPv6ExtHdrRouting,
    scapy.IPv6ExtHdrFragment,
)
NO_ADDRESS = bytes(16)


def mapped(text: str) -> bytes:
    """An address as 16 bytes, IPv4 as ``::ffff:a.b.c.d``."""
    found = ipaddress.ip_address(text)
    return found.packed if found.version == 6 else bytes(10) + b"\xff\xff" + found.packed


def layers(packet: Any) -> Iterator[Any]:
    """The layers of a packet, outermost first."""
    while not isinstance(packet, scapy.NoPayload):
        yield packet
        packet = packet.payload


def said_of_l4(l4: Any, rest: int) -> dict[str, Any]:
    """What scapy says of L4; ``rest`` bytes are IP's payload from there on."""
    if isinstance(l4, scapy.TCP):
        options = {o[0]: o[1] for o in l4.options if o[0] != "NOP"}
        return {
            "src_port": l4.sport,
            "dst_port": l4.dport,
            "tcp_seq": l4.seq,
            "tcp_ack": l4.ack,
            "tcp_flags": int(l4.flags),
            "tcp_window": l4.window,
            "tcp_mss": options.get("MSS", 0),
            "tcp_wscale": options.get("WScale", 255),
            "tcp_tsval": options.get("Timestamp", (0, 0))[0],
            "l4_header_len": l4.dataofs * 4,
            "payload_len": rest - l4.dataofs * 4,
        }
    if isinstance(l4, scapy.UDP):
        ports = {"src_port": l4.sport, "dst_port": l4.dport}
        return ports | {"l4_header_len": 8, "payload_len": l4.len - 8}
    if isinstance(l4, scapy.SCTP):
        ports = {"src_port": l4.sport, "dst_port": l4.dport}
        return ports | {"l4_header_len": 12, "payload_len": rest - 12}
    kind = bytes(l4)[:2] if rest else b""
    is_icmp = isinstance(l4, scapy.ICMP) or "ICMPv6" in type(l4).__name__
    return {"icmp_type": kind[0], "icmp_code": kind[1]} if is_icmp else {"payload_len": rest}


def said_of_ipv4(header: Any) -> dict[str, Any]:
    """What scapy says of an IPv4 packet."""
    later = header.frag > 0
    rest = header.len - header.ihl * 4
    return {
        "ip_version": 4,
        "src_ip": mapped(header.src),
        "dst_ip": mapped(header.dst),
        "ip_len": header.len,
        "ttl": header.ttl,
        "tos": header.tos,
        "ip_id": header.id,
        "frag": int(header.flags) << 13 | header.frag,
        "proto": header.proto,
        "fragment": later or header.flags.MF,
        "later": later,
        **({"payload_len": rest} if later else said_of_l4(header.payload, rest)),
    }


def said_of_ipv6(header: Any) -> dict[str, Any]:
    """What scapy says of an IPv6 packet, extension headers included."""
    behind, proto, rest = header.payload, header.nh, header.plen
    fragment: Any = None
    while isinstance(behind, EXTENSIONS):
        fragment = behind if isinstance(behind, scapy.IPv6ExtHdrFragment) else fragment
        proto = behind.nh
        rest -= len(behind) - len(behind.payload)
        behind = behind.payload
    later = fragment is not None and fragment.offset > 0
    return {
        "ip_version": 6,
        "src_ip": mapped(header.src),
        "dst_ip": mapped(header.dst),
        "ip_len": header.plen + 40,
        "ttl": header.hlim,
        "tos": header.tc,
        "ip_id": 0 if fragment is None else fragment.id & 0xFFFF,
        "frag": 0 if fragment is None else fragment.offset | fragment.m << 13,
        "proto": proto,
        "fragment": fragment is not None,
        "later": later,
        **({"payload_len": rest} if later else said_of_l4(behind, rest)),
    }


def said_of(packet: Any) -> dict[str, Any]:
    """What scapy says of a frame, in the packet record's words.

    The frame is built and read again first, so that every length is filled in.
    """
    octets = bytes(packet)
    packet = type(packet)(octets)
    said: dict[str, Any] = dict.fromkeys(
        ("ip_version", "src_port", "dst_port", "arp_op", "icmp_type", "tcp_flags", "proto"), 0
    )
    said |= {"src_ip": NO_ADDRESS, "dst_ip": NO_ADDRESS, "fragment": False, "later": False}
    said |= {"src_mac": packet.src, "dst_mac": packet.dst, "wire_len": len(octets)}
    tags = []
    for layer in layers(packet):
        if isinstance(layer, scapy.Dot1Q | scapy.Dot1AD):
            tags.append(layer.vlan)
        elif isinstance(layer, scapy.ARP):
            said |= {"arp_op": layer.op, "arp_sha": layer.hwsrc, "arp_tha": layer.hwdst}
            said |= {"src_ip": mapped(layer.psrc), "dst_ip": mapped(layer.pdst)}
        elif isinstance(layer, scapy.IP | scapy.IPv6):
            is_v4 = isinstance(layer, scapy.IP)
            said |= said_of_ipv4(layer) if is_v4 else said_of_ipv6(layer)
            break
    tags += [-1, -1]
    return said | {"vlan": tags[0], "inner_vlan": tags[1]}


def decoded(capture: Capture, row: int = 0) -> dict[str, Any]:
    """A packet record in the same words."""
    assert capture.packets is not None
    record = capture.packets[row]
    assert record.dtype.names is not None
    out: dict[str, Any] = {name: record[name].tolist() for name in record.dtype.names}
    for name in ("src_ip", "dst_ip"):
        out[name] = record[name].tobytes()
    for name in ("src_mac", "dst_mac", "arp_sha", "arp_tha"):
        index = out[name]
        out[name] = capture.macs["mac"][index].tobytes().hex(":") if index >= 0 else None
    out["fragment"] = bool(out["marks"] & MARK_FRAGMENT)
    out["later"] = bool(out["marks"] & MARK_LATER_FRAGMENT)
    return out


def differing(said: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Fields on which the two differ: (scapy's, ours)."""
    return {name: (value, found[name]) for name, value in said.items() if found[name] != value}


@pytest.mark.parametrize("name", CASES)
def test_a_packet_is_read_as_scapy_reads_it(name: str) -> None:
    capture = from_scapy([CASES[name]])
    assert differing(said_of(CASES[name]), decoded(capture)) == {}


def test_mpls_labels_are_passed_over() -> None:
    labels = bytes.fromhex("0001003f") + bytes.fromhex("0002013f")
    inner = ip(ttl=9) / scapy.TCP(sport=5, dport=6) / b"m"
    found = decoded(from_scapy([ether(type=0x8847) / labels / inner]))
    expected = said_of_ipv4(scapy.IP(bytes(inner)))
    assert differing(expected, found) == {}


@pytest.mark.parametrize("seed", range(20))
def test_random_headers_are_read_as_scapy_reads_them(seed: int) -> None:
    rng = random.Random(seed)
    packets = []
    for _ in range(25):
        network = (
            ip(ttl=rng.randrange(256), tos=rng.randrange(256), id=rng.randrange(65536))
            if rng.random() < 0.5
            else ip6(hlim=rng.randrange(256), tc=rng.randrange(256))
        )
        ports = {"sport": rng.randrange(65536), "dport": rng.randrange(65536)}
        transport = (
            scapy.TCP(flags=rng.randrange(256), window=rng.randrange(65536), **ports)
            if rng.random() < 0.5
            else scapy.UDP(**ports)
        )
        link = ether()
        for _ in range(rng.randrange(3)):
            link /= scapy.Dot1Q(vlan=rng.randrange(4096))
        packets.append(link / network / transport / rng.randbytes(rng.randrange(1400)))
    capture = from_scapy(packets)
    for row, packet in enumerate(packets):
        assert differing(said_of(packet), decoded(capture, row)) == {}, packet


@pytest.mark.parametrize(
    ("destination", "mark"),
    [("ff:ff:ff:ff:ff:ff", MARK_BROADCAST), ("01:80:c2:00:00:0e", MARK_MULTICAST), (B, 0)],
)
def test_the_destination_tells_broadcast_from_multicast(destination: str, mark: int) -> None:
    frame = scapy.Ether(src=A, dst=destination) / ip() / scapy.UDP()
    marks = decoded(from_scapy([frame]))["marks"]
    assert marks & (MARK_BROADCAST | MARK_MULTICAST) == mark


def test_raw_ip_needs_no_link_header() -> None:
    capture = from_scapy([ip() / scapy.TCP(sport=3, dport=4) / b"raw"])
    expected = said_of_ipv4(scapy.IP(bytes(ip() / scapy.TCP(sport=3, dport=4) / b"raw")))
    found = decoded(capture)
    assert differing(expected, found) == {}
    assert found["src_mac"] is None


def test_linux_cooked_captures_have_a_sender_only() -> None:
    head = scapy.CookedLinux(
        pkttype=0,
        lladdrtype=1,
        lladdrlen=6,
        src=bytes.fromhex(A.replace(":", "")) + bytes(2),
        proto=0x800,
    )
    found = decoded(from_scapy([head / ip() / scapy.UDP(sport=1, dport=2)]))
    assert (found["src_mac"], found["dst_mac"], found["dst_port"]) == (A, None, 2)


def test_times_are_kept_to_the_nanosecond() -> None:
    packets = [ether() / ip() / scapy.UDP() for _ in range(3)]
    times = [START * 10**9 + nanos for nanos in (1, 999_999_999, 1_000_000_007)]
    for packet, time in zip(packets, times, strict=True):
        packet.time = scapy.EDecimal(time) / 10**9
    capture = from_scapy(packets)
    assert [decoded(capture, row)["time"] for row in range(3)] == times


def exchange(flags: str) -> list[Any]:
    """TCP packets, small letters from the responder: s S+A, a A, f F+A, r R, S SYN ..."""
    meaning = {"s": "SA", "a": "A", "f": "FA", "r": "R"}
    out = []
    for place, letter in enumerate(flags):
        sent = meaning.get(letter.lower(), letter) if letter != "S" else "S"
        forth, back = {"sport": 4000, "dport": 80}, {"sport": 80, "dport": 4000}
        reply = letter.islower()
        packet = (
            scapy.Ether(src=B, dst=A) / scapy.IP(src=V4["dst"], dst=V4["src"])
            if reply
            else ether() / ip()
        ) / scapy.TCP(flags=sent, **(back if reply else forth))
        packet.time = START + place
        out.append(packet)
    return out


def test_a_handshake_has_an_originator_and_a_responder() -> None:
    capture = from_scapy(exchange("SsAfF"))
    (session,) = capture.sessions
    assert (session["orig_port"], session["resp_port"]) == (4000, 80)
    assert (session["orig_packets"], session["resp_packets"]) == (3, 2)
    assert session["orig_ip"].tobytes() == mapped(V4["src"])
    directions = [decoded(capture, row)["direction"] for row in range(5)]
    assert directions == [ORIG, RESP, ORIG, RESP, ORIG]


def test_who_answers_first_is_the_responder() -> None:
    (session,) = from_scapy(exchange("sA")).sessions
    assert (session["orig_port"], session["resp_port"]) == (4000, 80)


@pytest.mark.parametrize(("flags", "sessions"), [("SsAfFS", 2), ("SrS", 2), ("SsAS", 1)])
def test_a_new_syn_opens_a_new_session_only_after_a_close(flags: str, sessions: int) -> None:
    assert len(from_scapy(exchange(flags)).sessions) == sessions
