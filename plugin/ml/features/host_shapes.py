"""``halia-host``: how large packets are, how they follow each other, how flows begin.

A flow is one direction of a conversation: packets with the same protocol, addresses and ports.
Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.features.host_block import (
    SECOND,
    Block,
    Column,
    binned,
    columns_of,
    log,
    sent,
    shares_of,
    sided,
)
from plugin.ml.features.host_kinds import size_of
from plugin.ml.services import TCP, UDP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.features.host_parts import Part

SIZES = (
    *range(32, 256, 8), *range(256, 512, 16), *range(512, 1024, 32), *range(1024, 1500, 64), 1500,
    1501,
)  # fmt: skip
"""Bytes of an IP packet: fine where small devices' requests lie, coarse above; 1500 alone."""
GAPS = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
"""Seconds between two packets: two bins a decade."""
OPENINGS = (
    *range(16, 256, 16), *range(256, 512, 32), 512, 640, 768, 1024, 1280,
)  # fmt: skip
"""Bytes of the first payload of a flow."""
FLOW_PACKETS = (2, 3, 4, 6, 9, 13, 25, 50, 100, 1000)


def is_ip(part: Part) -> NDArray[np.bool_]:
    """(n,) which packets are IP."""
    member: NDArray[np.bool_] = part["ip_version"] > 0
    return member


def flows_of(part: Part) -> tuple[Part, NDArray[np.int64]]:
    """The first packet of each flow, and (n,) the number of each packet's flow."""
    keys = part.numbers(*(part[k] for k in ("proto", "own_ip", "peer_ip", "own_port", "peer_port")))
    return part.only(keys.leads), keys.number


def _sizes(part: Part) -> NDArray[np.float64]:
    ip = part.only(is_ip(part))
    size = ip.made("size", size_of)
    return columns_of(
        ip.shares(binned(size, SIZES), len(SIZES) + 1),
        log(ip.mean(size)),
        log(ip.spread(size)),
        log(ip.least(size)),
        log(ip.most(size)),
        log(ip.each(size).counts),
    )


def _gaps(part: Part) -> NDArray[np.float64]:
    later, gaps = part.steps(part["time"])
    seconds = np.maximum(gaps, 0) / SECOND
    logs = np.log10(1e-4 + seconds) + 4
    return columns_of(
        later.shares(binned(seconds, GAPS), len(GAPS) + 1),
        later.mean(logs),
        later.spread(logs),
        later.most(logs),
    )


def _openings(part: Part) -> NDArray[np.float64]:
    """First payloads of the flows of TCP and UDP, and how many packets flows have."""
    found = []
    for proto in (TCP, UDP):
        mine = part.only(is_ip(part) & (part["proto"] == proto))
        loaded = mine.only(mine["payload_len"] > 0)
        opening, _ = flows_of(loaded)
        length = opening["payload_len"].astype(np.int64)
        leads, number = flows_of(mine)
        packets = np.bincount(number, minlength=len(leads))
        found += [
            opening.shares(binned(length, OPENINGS), len(OPENINGS) + 1),
            log(opening.mean(length)),
            log(opening.most(length)),
            log(opening.each(length).counts),
            leads.shares(binned(packets, FLOW_PACKETS), len(FLOW_PACKETS) + 1),
        ]
    return columns_of(*found)


_OPENING_COLUMNS = [
    column
    for proto in ("tcp", "udp")
    for column in (
        *shares_of(
            f"{proto}_opening",
            OPENINGS,
            f"share of {proto.upper()} flows with payload whose first payload has a length (bytes)",
        ),
        Column(f"{proto}_opening_mean", "log10(1 + n)", f"mean first payload (bytes) of {proto}"),
        Column(
            f"{proto}_opening_most", "log10(1 + n)", f"largest first payload (bytes) of {proto}"
        ),
        Column(f"{proto}_openings", "log10(1 + n)", f"different first payload lengths of {proto}"),
        *shares_of(
            f"{proto}_flow_packets",
            FLOW_PACKETS,
            f"share of {proto.upper()} flows whose number of packets is",
        ),
    )
]

BLOCKS: tuple[Block, ...] = (
    *sided(
        "sizes",
        [
            *shares_of("size", SIZES, "share of IP packets with an IP length (bytes)"),
            Column("size_mean", "log10(1 + n)", "mean IP length (bytes)"),
            Column("size_spread", "log10(1 + n)", "standard deviation of the IP length (bytes)"),
            Column("size_least", "log10(1 + n)", "least IP length (bytes)"),
            Column("size_most", "log10(1 + n)", "largest IP length (bytes)"),
            Column("size_different", "log10(1 + n)", "different IP lengths"),
        ],
        _sizes,
    ),
    *sided(
        "gaps",
        [
            *shares_of("gap", GAPS, "share of gaps to the packet before (seconds)"),
            Column("gap_mean", "4 + log10(0.0001 s + seconds)", "mean logarithm of the gaps"),
            Column("gap_spread", "log10 of seconds", "standard deviation of that logarithm"),
            Column("gap_most", "4 + log10(0.0001 s + seconds)", "logarithm of the largest gap"),
        ],
        _gaps,
    ),
    sent("openings", _OPENING_COLUMNS, _openings),
)
