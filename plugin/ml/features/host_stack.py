"""``halia-host``: what the device's IP and TCP put into headers. Computes only.

TTL classes, IP identification, TCP windows, options and port ranges tell operating systems apart
(the idea of passive fingerprinting: Zalewski, "Silence on the Wire", 2005). They are also what a
laboratory's one set of hosts is most easily learned by: ablate ``ttl``, ``ip``, ``tcp``, ``syn``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.core.layout import MARK_FRAGMENT
from plugin.ml.features.host_block import (
    Block,
    Column,
    binned,
    columns_of,
    log,
    sent,
    shares_of,
    sided,
)
from plugin.ml.features.host_kinds import to_many
from plugin.ml.features.host_shapes import flows_of, is_ip
from plugin.ml.services import TCP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.features.host_parts import Part

TTLS = (33, 65, 129)
"""Bounds of the initial values 32, 64, 128 and 255, less what routers took."""
MANY_TTLS = (2, 5, 33, 65, 129, 255)
"""Multicast packets keep the value their protocol gave them: 1, 2 to 4, … , 255."""
CODE_POINTS = (1, 8, 10, 46, 48)
"""DSCP: default, 1-7, CS1 and 9, the assured classes, EF (46, 47), network control."""
FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")
OPTIONS = ("mss", "window_scale", "sack_permitted", "sack", "timestamp", "nop", "end", "other")
SYN, ACK = 2, 16
SYN_WINDOWS = (
    1, 1024, 2048, 4096, 5720, 5840, 8192, 14_600, 16_384, 29_200, 32_768, 64_240, 65_535,
)  # fmt: skip
"""First windows that stacks are known by (4 or 10 or 20 segments, powers of two) begin a bin."""
WINDOWS = (1, *(2**k for k in range(7, 16)), 65_535)
SEGMENTS = (1, 536, 537, 1300, 1400, 1441, 1460, 1461)
SCALES = tuple(range(1, 15))
HEADERS = tuple(range(24, 64, 4))
PORTS = (1, 1024, 5001, 32_768, 49_152, 61_000)
"""Bounds of common ranges of ports for clients: below 5001 (BSD of old), from 32,768 to 60,999
(Linux), from 49,152 on (RFC 6335)."""
STEP_MOST = 16
"""A step of 1 to 16 counts as a step in sequence."""
_DF = 0x4000
_NO_SCALE = 255
_V4, _V6 = 4, 6


def _ttl(part: Part) -> NDArray[np.float64]:
    ip = part.only(is_ip(part))
    many = ip.made("to_many", to_many)
    alone, group = ip.only(~many), ip.only(many)
    return columns_of(
        alone.shares(binned(alone["ttl"], TTLS), len(TTLS) + 1),
        log(alone.each(alone["ttl"]).counts),
        group.shares(binned(group["ttl"], MANY_TTLS), len(MANY_TTLS) + 1),
    )


def _ip(part: Part) -> NDArray[np.float64]:
    ip = part.only(is_ip(part))
    four = ip.only(ip["ip_version"] == _V4)
    identity = four["ip_id"].astype(np.int64)
    later, step = four.steps(identity)
    step &= 0xFFFF
    fragment = (ip["marks"] & MARK_FRAGMENT) > 0
    code = ip["tos"].astype(np.int64)
    return columns_of(
        ip.fractions(ip["ip_version"] == _V6, fragment, (code & 3) > 0),
        four.fractions((four["frag"] & _DF) > 0, identity == 0),
        later.fractions((step > 0) & (step <= STEP_MOST), step == 0),
        ip.shares(binned(code >> 2, CODE_POINTS), len(CODE_POINTS) + 1),
    )


def _flags(part: Part) -> NDArray[np.float64]:
    tcp = part.only(is_ip(part) & (part["proto"] == TCP))
    flags, load = tcp["tcp_flags"], tcp["payload_len"] > 0
    window = tcp["tcp_window"].astype(np.int64)
    return columns_of(
        tcp.fractions(*((flags >> bit) & 1 > 0 for bit in range(len(FLAGS)))),
        tcp.fractions(flags & (SYN | ACK) == SYN, ~load & (flags == ACK), load),
        tcp.shares(binned(window, WINDOWS), len(WINDOWS) + 1),
        log(tcp.mean(window)),
        log(tcp.each(window).counts),
    )


def _syn(part: Part) -> NDArray[np.float64]:
    syn = part.only(is_ip(part) & (part["proto"] == TCP) & (part["tcp_flags"] & SYN > 0))
    options, window = syn["tcp_options"], syn["tcp_window"].astype(np.int64)
    scaled = syn.only(syn["tcp_wscale"] != _NO_SCALE)
    return columns_of(
        syn.fractions(*((options >> bit) & 1 > 0 for bit in range(len(OPTIONS)))),
        syn.shares(binned(syn["l4_header_len"], HEADERS), len(HEADERS) + 1),
        syn.shares(binned(window, SYN_WINDOWS), len(SYN_WINDOWS) + 1),
        log(syn.mean(window)),
        log(syn.each(window).counts),
        syn.shares(binned(syn["tcp_mss"], SEGMENTS), len(SEGMENTS) + 1),
        scaled.shares(binned(scaled["tcp_wscale"], SCALES), len(SCALES) + 1),
    )


def _ports(part: Part) -> NDArray[np.float64]:
    flows, _ = flows_of(part.only(is_ip(part) & (part["own_port"] > 0)))
    port = flows["own_port"].astype(np.int64)
    later, step = flows.steps(port)
    return columns_of(
        flows.shares(binned(port, PORTS), len(PORTS) + 1),
        later.fractions(step == 0, (step > 0) & (step <= STEP_MOST)),
    )


def _share(name: str, text: str) -> Column:
    return Column(name, "share", f"share of {text}")


BLOCKS: tuple[Block, ...] = (
    *sided(
        "ttl",
        [
            *shares_of("ttl", TTLS, "share of IP packets to one receiver with a TTL"),
            Column("ttl_different", "log10(1 + n)", "different TTLs of IP packets to one receiver"),
            *shares_of("many_ttl", MANY_TTLS, "share of IP packets to many with a TTL"),
        ],
        _ttl,
    ),
    *sided(
        "ip",
        [
            _share("ipv6", "IP packets that are IPv6"),
            _share("fragments", "IP packets that are fragments"),
            _share("ecn", "IP packets with an ECN mark"),
            _share("no_fragmenting", "IPv4 packets that may not be fragmented (DF)"),
            _share("ip_id_zero", "IPv4 packets with identification 0"),
            _share("ip_id_steps", "IPv4 packets whose identification is 1 to 16 above the last"),
            _share("ip_id_same", "IPv4 packets with the identification of the packet before"),
            *shares_of("dscp", CODE_POINTS, "share of IP packets with a DSCP"),
        ],
        _ip,
    ),
    *sided(
        "tcp",
        [
            *(_share(f"tcp_{flag}", f"TCP packets with {flag.upper()}") for flag in FLAGS),
            _share("tcp_syn_alone", "TCP packets with SYN and without ACK"),
            _share("tcp_pure_ack", "TCP packets with ACK alone and without payload"),
            _share("tcp_payload", "TCP packets with payload"),
            *shares_of(
                "tcp_window", WINDOWS, "share of TCP packets with a window (bytes, unscaled)"
            ),
            Column("tcp_window_mean", "log10(1 + n)", "mean TCP window (bytes, unscaled)"),
            Column("tcp_windows", "log10(1 + n)", "different TCP windows"),
        ],
        _flags,
    ),
    sent(
        "syn",
        [
            *(_share(f"syn_{name}", f"SYN packets with the option {name}") for name in OPTIONS),
            *shares_of("syn_header", HEADERS, "share of SYN packets with a TCP header of (bytes)"),
            *shares_of("syn_window", SYN_WINDOWS, "share of SYN packets with a window (bytes)"),
            Column("syn_window_mean", "log10(1 + n)", "mean window of SYN packets (bytes)"),
            Column("syn_windows", "log10(1 + n)", "different windows of SYN packets"),
            *shares_of("syn_mss", SEGMENTS, "share of SYN packets with a segment size (bytes)"),
            *shares_of("syn_scale", SCALES, "share of SYN packets with a scale, whose scale is"),
        ],
        _syn,
    ),
    sent(
        "ports",
        [
            *shares_of("own_port", PORTS, "share of flows from an own port"),
            _share("own_port_same", "flows from the own port of the flow before"),
            _share(
                "own_port_steps", "flows whose own port is 1 to 16 above that of the flow before"
            ),
        ],
        _ports,
    ),
)
