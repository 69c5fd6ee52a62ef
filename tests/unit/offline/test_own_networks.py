"""Colleagues with global IPv6 addresses count as outside: who is accused is told so."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pytest

from plugin.ml.devices import devices_of
from plugin.offline.classify import DEFAULTS, Options, classify_capture, load_models
from plugin.offline.own_networks import own_network_words
from plugin.offline.read import read_capture
from tests import attacks as a
from tests import frames as f

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.records import Capture

OWN, NEAR, FAR = "2001:db8:1::20", "2001:db8:1::5", "2001:db8:2::5"
ENDS = "which counts as outside: what was found may be ordinary work among neighbours"


def polls(path: Path, target: str, source: str = OWN) -> Capture:
    """A session every thirty seconds, for ten minutes."""
    frames = []
    ends = [ipaddress.ip_address(one).packed for one in (source, target)]
    for k in range(20):
        for late, (src, dst), mac, ports, flags in (
            (0, ends, a.BAD, (5000 + k, 445), f.SYN),
            (0.1, ends[::-1], f.B, (445, 5000 + k), f.SYN | f.ACK),
            (0.2, ends, a.BAD, (5000 + k, 445), f.ACK),
        ):
            segment = f.tcp(*ports, flags)
            packet = (
                f.ipv6(segment, 6, src, dst) if len(src) == 16 else f.ipv4(segment, 6, src, dst)
            )
            kind = 0x86DD if len(src) == 16 else 0x0800
            data = f.ethernet(packet, kind, src=mac, dst=f.B if mac == a.BAD else a.BAD)
            frames.append(f.Frame(a.at(k * 30 + late), data))
    path.write_bytes(f.pcap(*frames))
    return read_capture(path, watched=True)


@pytest.mark.parametrize(
    ("target", "source", "told"),
    [
        (NEAR, OWN, f"1 of its peers is in its own network 2001:db8:1::/64, {ENDS}"),
        (FAR, OWN, None),
        ("fd00::5", "fd00::20", None),
        ("fe80::5", "fe80::20", None),
        ("203.0.113.5", "203.0.113.20", None),
    ],
)
def test_peers_of_the_own_network_are_counted(
    tmp_path: Path, target: str, source: str, told: str | None
) -> None:
    capture = polls(tmp_path / "x.pcap", target, source)
    devices = devices_of(capture)
    found = [own_network_words(capture, devices, k) for k in range(len(devices))]
    assert found == [told, told]


def test_only_who_is_accused_is_told(tmp_path: Path) -> None:
    capture = polls(tmp_path / "x.pcap", NEAR)
    found = classify_capture(capture, load_models("enterprise"), Options(behaviours=DEFAULTS))
    told = {one.mac: any(ENDS in text for text in one.warnings) for one in found}
    accused = {one.mac: bool(one.anomaly and one.anomaly.behaviour) for one in found}
    assert told == accused == {a.BAD_TEXT: True, f.B.hex(":"): False}
