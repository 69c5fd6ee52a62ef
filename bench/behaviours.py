"""Which devices of labelled captures the behaviours name: good ones (false alarms) and attacks.

A device is a unicast link address that sent a frame; its hours run from its first to its last
frame. The labels are those of the shared data folder (``labels.csv``, column ``attack``).
"""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bench.inputs import shared_folder
from bench.tables import columns
from plugin.errors import CaptureError
from plugin.ml.behaviour.parameters import Parameters
from plugin.ml.devices import devices_of
from plugin.offline.behaviours import findings_of
from plugin.offline.read import read_capture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DETECTORS = (
    "horizontal-scan", "vertical-scan", "icmp-sweep", "brute-force", "admin-fan-out", "syn-flood",
    "udp-flood", "icmp-flood", "dhcp-flood", "amplification", "arp-scan", "arp-spoofing",
    "address-conflict", "mac-conflict", "beacon", "dns-tunnel", "icmp-tunnel", "exfiltration",
)  # fmt: skip
GOOD = "no"
HOUR_NS = 3600e9
SKIPPED = "no shared data folder (set HALIA_SHARED)"


class Group(NamedTuple):
    """Captures of one folder with one label."""

    name: str
    attack: str
    """``no``, ``yes``, ``mixed`` or ``unknown``."""
    captures: int
    devices: int
    hours: float
    """Device-hours."""
    named: dict[str, int]
    """Devices by behaviour that they were named for."""
    told: int
    """Findings."""


def judge_all(folder: Path) -> list[Group]:
    """Judge every labelled capture of a folder with the default parameters.

    Args:
        folder: where labels.csv is.
    """
    found: dict[tuple[str, str], Group] = {}
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            path = folder / row["path"]
            if ".pcap" not in path.name or row["path"].startswith("hostile/"):
                continue
            name = "/".join(row["path"].split("/")[:2][: 1 + row["path"].startswith("devices/")])
            one = _judged(path)
            if one is None:
                continue
            known = found.get((name, row["attack"]))
            whole = one if known is None else _sum(known, one)
            found[name, row["attack"]] = whole._replace(name=name, attack=row["attack"])
    return sorted(found.values(), key=lambda group: (group.attack, group.name))


def _judged(path: Path) -> Group | None:
    try:
        capture = read_capture(path, watched=True)
    except CaptureError:
        return None
    ids = devices_of(capture).mac_ids
    macs = capture.macs[ids[ids >= 0]]
    hours = float(np.sum(macs["last"] - macs["first"])) / HOUR_NS
    found = findings_of(capture, Parameters())
    named = Counter(name for _, name in {(one.mac, one.finding.name) for one in found})
    return Group("", "", 1, len(ids), hours, dict(named), len(found))


def _sum(one: Group, other: Group) -> Group:
    return one._replace(
        captures=one.captures + other.captures,
        devices=one.devices + other.devices,
        hours=one.hours + other.hours,
        named=dict(Counter(one.named) + Counter(other.named)),
        told=one.told + other.told,
    )


def run_behaviours() -> list[Group] | str:
    """The groups of the shared data folder, or why there are none."""
    folder = shared_folder()
    return SKIPPED if folder is None else judge_all(folder)


def behaviour_lines(groups: Sequence[Group]) -> list[str]:
    """A row a group; devices by detector; findings an hour of a device."""
    header = ("captures", "attack", "captures", "devices", "hours", *DETECTORS, "findings", "")
    rows: list[Sequence[str]] = [header]
    rows += [
        (
            one.name,
            one.attack,
            str(one.captures),
            str(one.devices),
            f"{one.hours:,.1f}",
            *(str(one.named.get(name, 0) or "-") for name in DETECTORS),
            str(one.told),
            "",
        )
        for one in groups
    ]
    return columns(rows, left=2)
