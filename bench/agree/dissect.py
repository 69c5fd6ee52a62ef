"""What tshark says of every packet, in the words of Halia's packet record.

tshark prints each field at every place where it occurs; which one is meant follows from the
order of the layers (``frame.protocols``): only what stands before or at the outermost IP
header counts, and the layer right behind it.
"""

from __future__ import annotations

import socket
import subprocess
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from bench.agree.fields import TSHARK_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Value = int | bytes
WIRE_LEN_MAX = 65_550
NO_ADDRESS = bytes(16)


_PREFERENCES = (
    "ip.defragment:FALSE",
    "ipv6.defragment:FALSE",
    "tcp.desegment_tcp_streams:FALSE",
    "tcp.relative_sequence_numbers:FALSE",
    "ip.check_checksum:FALSE",
)

_NEXT_HEADER = {
    "ipv6.hopopts": "ipv6.hopopts.nxt",
    "ipv6.dstopts": "ipv6.dstopts.nxt",
    "ipv6.routing": "ipv6.routing.nxt",
    "ipv6.fraghdr": "ipv6.fraghdr.nxt",
    "ah": "ah.next_header",
    "mipv6": "mip6.proto",
    "hip": "hip.proto",
    "shim6": "shim6.nxt",
}
_L4 = {"tcp": 6, "udp": 17, "udplite": 136, "sctp": 132, "dccp": 33, "icmp": 1, "icmpv6": 58}


class Dissected(NamedTuple):
    """One frame as tshark sees it.

    Attributes:
        number: frame number from 1.
        layers: the protocols, outermost first.
        captured: captured bytes.
        said: tshark's own fields, each with all its occurrences.
        expected: what Halia's packet record should hold, by field.
    """

    number: int
    layers: tuple[str, ...]
    captured: int
    said: Mapping[str, str]
    expected: Mapping[str, Value]

    def first(self, field: str) -> str:
        """The first occurrence of a field, or an empty string."""
        return self.said[field].partition(",")[0]

    @property
    def wire(self) -> int:
        """Bytes on the wire, unclipped."""
        return int(self.first("frame.len"))

    @property
    def is_no_packet(self) -> bool:
        """A pcapng custom block: tshark counts it among the frames, it holds no packet."""
        return self.said["frame.cb_pen"] != ""

    @property
    def before_network(self) -> tuple[str, ...]:
        """The layers in front of the outermost IP header (all of them without one)."""
        return self.layers[: _network_place(self.layers)]


def _network_place(layers: tuple[str, ...]) -> int:
    """Index of the outermost IP layer; the number of layers without one."""
    return min(
        (layers.index(name) for name in ("ip", "ipv6") if name in layers), default=len(layers)
    )


@lru_cache(maxsize=1 << 16)
def address(text: str) -> bytes:
    """An address as the record holds it: 16 bytes, IPv4 mapped."""
    if ":" in text:
        return socket.inet_pton(socket.AF_INET6, text)
    return bytes(10) + b"\xff\xff" + socket.inet_pton(socket.AF_INET, text)


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _number(text: str) -> int:
    return int(text, 0) if text else 0


def nanoseconds(text: str) -> int:
    """Tshark's ``frame.time_epoch`` (seconds with nine decimals) as nanoseconds."""
    whole, _, fraction = text.partition(".")
    sign = -1 if whole.startswith("-") else 1
    # Where a record claims more than a second of fraction, more than nine digits are printed.
    return int(whole) * 1_000_000_000 + sign * int(fraction.ljust(9, "0") or 0)


class _Frame:
    """One line of tshark being translated."""

    def __init__(self, line: str) -> None:
        self.said = dict(zip(TSHARK_FIELDS, line.split("|"), strict=True))
        self.layers = tuple(self.said["frame.protocols"].split(":"))
        self.place = _network_place(self.layers)

    def first(self, field: str) -> str:
        return self.said[field].partition(",")[0]

    def number(self, field: str) -> int:
        return _number(self.first(field))

    def link(self) -> dict[str, Value]:
        """Time, length, MAC addresses, VLAN ids."""
        front = self.layers[: self.place]
        source = "eth.src" if "eth" in front else "sll.src.eth"
        src = self.first(source) if "eth" in front or "sll" in front else ""
        dst = self.first("eth.dst") if "eth" in front else ""
        tags = {"vlan": self.said["vlan.id"], "ieee8021ad": self.said["ieee8021ad.id"]}
        left = {name: [t for t in text.split(",") if t] for name, text in tags.items()}
        ids = [int(left[name].pop(0), 0) for name in front if left.get(name)]
        time = self.first("frame.time_epoch")  # a pcapng simple packet has none
        return {
            **({"time": nanoseconds(time)} if time else {}),
            "wire_len": min(self.number("frame.len"), WIRE_LEN_MAX),
            "src_mac": _mac(src),
            "dst_mac": _mac(dst),
            "vlan": ids[0] if ids else -1,
            "inner_vlan": ids[1] if len(ids) > 1 else -1,
        }

    def arp(self) -> dict[str, Value]:
        """ARP's operation and addresses, of a frame whose network layer is ARP."""
        is_arp = "arp" in self.layers[: self.place]
        known = is_arp and self.first("arp.dst.proto_ipv4") != ""

        def hardware(field: str) -> bytes:
            return _mac(self.first(field)) if known else b""

        out: dict[str, Value] = {
            "arp_op": self.number("arp.opcode") if is_arp else 0,
            "arp_sha": hardware("arp.src.hw_mac"),
            "arp_tha": hardware("arp.dst.hw_mac"),
        }
        if known:
            out["src_ip"] = address(self.first("arp.src.proto_ipv4"))
            out["dst_ip"] = address(self.first("arp.dst.proto_ipv4"))
        return out

    def version(self) -> int:
        """4 or 6 when the outermost IP header is whole, else 0."""
        name = self.layers[self.place] if self.place < len(self.layers) else ""
        if name == "ip" and self.first("ip.dst"):
            return 4
        return 6 if name == "ipv6" and self.first("ipv6.dst") else 0

    def ipv4(self) -> dict[str, Value]:
        flags, offset = self.number("ip.flags"), self.number("ip.frag_offset")
        return {
            "src_ip": address(self.first("ip.src")),
            "dst_ip": address(self.first("ip.dst")),
            "proto": self.number("ah.next_header" if self._behind() == "ah" else "ip.proto"),
            "ip_len": self.number("ip.len"),
            "ttl": self.number("ip.ttl"),
            "tos": self.number("ip.dsfield"),
            "ip_id": self.number("ip.id"),
            "frag": (flags & 7) << 13 | offset & 0x1FFF,
            "fragment": int(bool(flags & 1 or offset)),
            "later_fragment": int(bool(offset)),
        }

    def _behind(self) -> str:
        return self.layers[self.place + 1] if self.place + 1 < len(self.layers) else ""

    def ipv6(self) -> dict[str, Value]:
        proto, fragment = self.number("ipv6.nxt"), False
        seen: dict[str, int] = {}
        for name in self.layers[self.place + 1 :]:
            field = _NEXT_HEADER.get(name)
            if field is None:
                break
            occurrences = self.said[field].split(",")
            place = seen[name] = seen.get(name, -1) + 1
            if place >= len(occurrences) or not occurrences[place]:
                break
            proto = _number(occurrences[place])
            fragment |= name == "ipv6.fraghdr"
        offset = self.number("ipv6.fraghdr.offset") if fragment else 0
        more = self.number("ipv6.fraghdr.more") if fragment else 0
        return {
            "src_ip": address(self.first("ipv6.src")),
            "dst_ip": address(self.first("ipv6.dst")),
            "proto": proto,
            "ip_len": self.number("ipv6.plen") + 40,
            "ttl": self.number("ipv6.hlim"),
            "tos": self.number("ipv6.tclass"),
            "ip_id": self.number("ipv6.fraghdr.ident") & 0xFFFF if fragment else 0,
            "frag": offset | more << 13,
            "fragment": int(fragment),
            "later_fragment": int(bool(offset)),
        }

    def transport(self) -> dict[str, Value]:
        """The layer right behind IP and its extension headers, unless in a later fragment."""
        for name in self.layers[self.place + 1 :]:
            if name in _NEXT_HEADER:
                continue
            if name == "tcp":
                return self.tcp()
            if name in ("udp", "udplite"):
                return {
                    "src_port": self.number("udp.srcport"),
                    "dst_port": self.number("udp.dstport"),
                    "payload_len": max(0, self.number("udp.length") - 8),
                }
            if name in ("sctp", "dccp"):
                return {
                    "src_port": self.number(f"{name}.srcport"),
                    "dst_port": self.number(f"{name}.dstport"),
                }
            if name in ("icmp", "icmpv6"):
                return {
                    "icmp_type": self.number(f"{name}.type"),
                    "icmp_code": self.number(f"{name}.code"),
                }
            break
        return {}

    def tcp(self) -> dict[str, Value]:
        return {
            "src_port": self.number("tcp.srcport"),
            "dst_port": self.number("tcp.dstport"),
            "tcp_seq": self.number("tcp.seq_raw"),
            "tcp_ack": self.number("tcp.ack_raw"),
            "tcp_flags": self.number("tcp.flags") & 0xFF,
            "tcp_window": self.number("tcp.window_size_value"),
            "l4_header_len": self.number("tcp.hdr_len"),
            "payload_len": self.number("tcp.len"),
            "tcp_mss": self.number("tcp.options.mss_val"),
            "tcp_wscale": _number(self.first("tcp.options.wscale.shift") or "255"),
            "tcp_tsval": self.number("tcp.options.timestamp.tsval"),
        }


DEFAULTS: dict[str, Value] = {
    "arp_op": 0, "arp_sha": b"", "arp_tha": b"",
    "ip_version": 0, "src_ip": NO_ADDRESS, "dst_ip": NO_ADDRESS, "proto": 0, "ip_len": 0,
    "ttl": 0, "tos": 0, "ip_id": 0, "frag": 0, "fragment": 0, "later_fragment": 0,
    "src_port": 0, "dst_port": 0, "tcp_seq": 0, "tcp_ack": 0, "tcp_flags": 0, "tcp_window": 0,
    "tcp_mss": 0, "tcp_wscale": 255, "tcp_tsval": 0, "icmp_type": 0, "icmp_code": 0,
}  # fmt: skip
"""A packet record of a frame that is nothing known. Fields outside it (``payload_len``,
``l4_header_len``) are compared only where tshark has them."""


def translate(line: str) -> Dissected:
    """One line of tshark's output as an expectation.

    Args:
        line: fields separated by ``|``, occurrences by ``,``.
    """
    frame = _Frame(line)
    expected = {**DEFAULTS, **frame.link(), **frame.arp()}
    version = frame.version()
    expected["ip_version"] = version
    if version:
        expected.update(frame.ipv4() if version == 4 else frame.ipv6())
        if not expected["later_fragment"]:
            expected.update(frame.transport())
    return Dissected(
        frame.number("frame.number"),
        frame.layers,
        frame.number("frame.cap_len"),
        frame.said,
        expected,
    )


def dissect(path: Path) -> Iterator[Dissected]:
    """Run tshark over a capture.

    Args:
        path: the capture.

    Yields:
        One row a frame, in order of the file, as far as tshark can read.
    """
    command = ["tshark", "-n", "-r", str(path), "-T", "fields"]
    for preference in _PREFERENCES:
        command += ["-o", preference]
    for setting in ("occurrence=a", "aggregator=,", "separator=|"):
        command += ["-E", setting]
    for field in TSHARK_FIELDS:
        command += ["-e", field]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace"
    ) as child:
        for line in child.stdout or ():
            yield translate(line.rstrip("\n"))
