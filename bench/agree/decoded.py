"""What Halia's core says of every packet, in the same words as :mod:`bench.agree.dissect`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.core.layout import MARK_FRAGMENT, MARK_LATER_FRAGMENT
from plugin.errors import CaptureError
from plugin.offline.read import read_capture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bench.agree.dissect import Value

_NUMBERS = (
    "time", "session", "wire_len", "ip_len", "payload_len", "vlan", "inner_vlan", "ethertype",
    "src_port", "dst_port", "ip_id", "frag", "tcp_window", "tcp_mss", "arp_op", "tcp_seq",
    "tcp_ack", "tcp_tsval", "proto", "ip_version", "tcp_flags", "ttl", "tos", "l4_header_len",
    "tcp_wscale", "icmp_type", "icmp_code", "marks", "layers", "header_len",
)  # fmt: skip
_ADDRESSES = ("src_ip", "dst_ip")
_MACS = ("src_mac", "dst_mac", "arp_sha", "arp_tha")
CHUNK = 1 << 14


def decode(path: Path) -> Iterator[Mapping[str, Value]]:
    """Read a capture with the core.

    Args:
        path: the capture.

    Yields:
        One mapping a packet, in order of the file; MACs are 6 bytes, or none.
    """
    try:
        capture = read_capture(path, packets=True)
    except CaptureError:  # no capture at all: tshark must have no packet either
        return
    rows = capture.packets
    if rows is None:
        return
    macs = [row.tobytes() for row in capture.macs["mac"]] + [b""]  # index -1 is the last
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        columns: dict[str, list[Value]] = {name: part[name].tolist() for name in _NUMBERS}
        for name in _ADDRESSES:
            columns[name] = [row.tobytes() for row in part[name]]
        for name in _MACS:
            columns[name] = [macs[index] for index in part[name].tolist()]
        names = tuple(columns)
        for values in zip(*columns.values(), strict=True):
            row = dict(zip(names, values, strict=True))
            marks = int(row["marks"])
            row["fragment"] = int(bool(marks & MARK_FRAGMENT))
            row["later_fragment"] = int(bool(marks & MARK_LATER_FRAGMENT))
            yield row
