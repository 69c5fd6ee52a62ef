"""The peers' and our own loops, one a process: ``python -m bench.peers NAME CAPTURE``.

Each prints one JSON object with the packets and sessions it found. What each does is the
least that gives sessions (and statistics for nfstream, which computes them anyway).
"""

from __future__ import annotations

import collections
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Counts = tuple[int, int]


def dpkt_dict(path: str) -> Counts:
    """The loop that everyone writes: dpkt, a dict by 5-tuple, no time-outs."""
    import dpkt

    sessions: dict[object, list[tuple[float, int]]] = collections.defaultdict(list)
    packets = 0
    with Path(path).open("rb") as octets:
        for time, frame in dpkt.pcap.UniversalReader(octets):
            packets += 1
            try:
                ip = dpkt.ethernet.Ethernet(frame).data
            except (dpkt.UnpackError, IndexError):
                continue
            if not isinstance(ip, dpkt.ip.IP | dpkt.ip6.IP6):
                continue
            a = (ip.src, getattr(ip.data, "sport", 0))
            b = (ip.dst, getattr(ip.data, "dport", 0))
            key = (getattr(ip, "p", 0), min(a, b), max(a, b))
            sessions[key].append((time, len(frame)))
    return packets, len(sessions)


def dpkt_rule(path: str) -> Counts:
    """Halia's session rule over dpkt: the count that ours must equal."""
    from bench.rule import count_sessions

    return count_sessions(Path(path))


def scapy_dict(path: str) -> Counts:
    """Scapy as everyone imports it, a dict by 5-tuple, no time-outs."""
    import logging

    logging.getLogger("scapy").setLevel(logging.ERROR)
    from scapy.all import IP, TCP, UDP, IPv6, PcapReader

    sessions: dict[object, list[tuple[float, int]]] = collections.defaultdict(list)
    packets = 0
    with PcapReader(path) as reader:
        for packet in reader:
            packets += 1
            ip = packet.getlayer(IP) or packet.getlayer(IPv6)
            if ip is None:
                continue
            l4 = ip.getlayer(TCP) or ip.getlayer(UDP)
            a = (ip.src, l4.sport if l4 else 0)
            b = (ip.dst, l4.dport if l4 else 0)
            sessions[min(a, b), max(a, b)].append((float(packet.time), len(packet)))
    return packets, len(sessions)


def nfstream_statistics(path: str) -> Counts:
    """Nfstream with statistics, without dissection, one meter, 60 s idle: its best case."""
    from nfstream import NFStreamer

    packets = flows = 0
    for flow in NFStreamer(
        source=path,
        n_dissections=0,
        statistical_analysis=True,
        splt_analysis=0,
        idle_timeout=60,
        active_timeout=3600,
        n_meters=1,
    ):
        packets += flow.bidirectional_packets
        flows += 1
    return packets, flows


def tshark_conversations(path: str) -> Counts:
    """``tshark -z conv``: TCP and UDP conversations (other protocols have none there)."""
    import shutil
    import subprocess

    tshark = shutil.which("tshark") or "tshark"
    done = subprocess.run(
        [tshark, "-n", "-q", "-r", path, "-z", "conv,tcp", "-z", "conv,udp"],
        check=True,
        capture_output=True,
        text=True,
    )
    rows = [line for line in done.stdout.splitlines() if "<->" in line]
    counted = [int(row.split("<->")[1].split()[1 + _COLUMN_TOTAL]) for row in rows if row]
    return sum(counted), len(rows)


_COLUMN_TOTAL = 6


def halia_features(path: str) -> Counts:
    """Ours: capture to sessions to the 4,104 columns of ``networkml-4104`` as CSR, streamed."""
    import numpy as np

    from plugin.core.layout import SESSION
    from plugin.ml.features import extract
    from plugin.ml.matrix import Matrix, vstack
    from plugin.offline.read import SessionStream

    record = SESSION.dtype()
    waiting = bytearray()
    parts: list[Matrix] = []

    def take() -> None:
        sessions = np.frombuffer(bytes(waiting), record)
        parts.append(extract("networkml-4104", sessions, np.ones(len(sessions), np.bool_)))
        waiting.clear()

    stream = SessionStream(path)
    for sessions, _ in stream:
        waiting += sessions
        if len(waiting) >= BATCH * record.itemsize:
            take()
    take()
    if stream.summary is None:
        raise SystemExit("the stream has no summary")
    return stream.summary.totals.packets, vstack(parts).n_rows


BATCH = 8_000
"""Sessions taken at once: numpy's price is by the call, the cache's by the byte."""

PEERS: dict[str, Callable[[str], Counts]] = {
    "dpkt_dict": dpkt_dict,
    "dpkt_rule": dpkt_rule,
    "scapy_dict": scapy_dict,
    "nfstream": nfstream_statistics,
    "tshark_conv": tshark_conversations,
    "features": halia_features,
}


def main(argv: list[str] | None = None) -> int:
    """Run one loop and print its counts."""
    name, path = sys.argv[1:3] if argv is None else argv
    packets, sessions = PEERS[name](path)
    print(json.dumps({"packets": packets, "sessions": sessions}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
