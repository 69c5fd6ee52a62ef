"""A device's row from packets that a test spells out, by the names of its columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from plugin.ml.features import host
from tests.build import capture_of, packet

ME, OTHER = 0, 1
HERE, THERE, FAR = "192.168.1.2", "192.168.1.1", "203.0.113.7"


def out(to: str = f"{THERE}:80", port: int = 50_000, **fields: Any) -> np.ndarray:
    """A packet that the device sends."""
    version = {"ip_version": 4, "ip_len": 60, "ethertype": 0x0800}
    return packet(f"{HERE}:{port}", to, **(version | fields))


def back(of: str = f"{THERE}:80", port: int = 50_000, **fields: Any) -> np.ndarray:
    """A packet that the device receives."""
    version = {"ip_version": 4, "ip_len": 60, "ethertype": 0x0800, "direction": 1}
    return packet(of, f"{HERE}:{port}", src_mac=OTHER, dst_mac=ME, **(version | fields))


def row(*packets: np.ndarray, sent_only: bool = False) -> dict[str, float]:
    """The columns of the device that are not 0."""
    table, sessions = capture_of(*packets)
    found = host.rows(table, sessions, np.array([ME]), n_macs=2, sent_only=sent_only).to_dense()[0]
    names = [column.name for column in host.columns(sent_only=sent_only)]
    return {names[k]: round(float(found[k]), 5) for k in np.flatnonzero(found)}


def among(found: dict[str, float], *beginnings: str) -> dict[str, float]:
    """The columns whose names begin so."""
    return {name: value for name, value in found.items() if name.startswith(beginnings)}
