"""What netml's README works on: a capture and a CSV of labels with the columns of CIC-IDS-2017."""

from __future__ import annotations

import lzma
from pathlib import Path

from plugin.netml import PCAP

SMALL = Path(__file__).resolve().parent / "data" / "netml" / "small.pcap.xz"
FLOWS, COLUMNS, DNS = 70, 35, 21
"""Of the small capture, as netml parts it: flows, columns of IAT, and flows to port 53."""
HEADER = "Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Label\n"


def write_capture(path: Path) -> Path:
    """Write the small capture under a name of one's choice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.decompress(SMALL.read_bytes()))
    return path


def write_labels(path: Path) -> Path:
    """Label each of its flows: those to port 53 are abnormal."""
    pcap = PCAP(SMALL)
    pcap.pcap2flows()
    rows = [
        f"{i},{src},{sport},{dst},{dport},{proto},{'Bot' if dport == 53 else 'BENIGN'}\n"
        for i, (src, dst, sport, dport, proto) in enumerate(pcap.fids)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return path
