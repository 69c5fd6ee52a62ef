"""Seconds that are left for the detectors: those of what exceeds a rule, and no others."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from plugin.ml.behaviour.parameters import Parameters
from plugin.offline.read import read_capture
from plugin.offline.suspect_seconds import seconds_in
from plugin.sessions.watch import KINDS
from tests import attacks
from tests import frames as f

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def left(tmp_path: Path, frames: Sequence[f.Frame]) -> Counter[str]:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(*sorted(frames)))
    watched = read_capture(path, watched=True).watched
    assert watched is not None
    return Counter(KINDS[kind] for kind in seconds_in(watched.seconds, Parameters())["kind"])


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (attacks.ping_sweep(9), {}),
        (attacks.ping_sweep(20), {"icmp": 20}),
        (attacks.ping_sweep(60, pause=1.5), {}),
        (attacks.ping_talk(60, 1_400, 1_400), {}),
        (attacks.ping_talk(9, 64, 900), {}),
        (attacks.ping_talk(12, 64, 900), {"icmp": 12}),
        (attacks.queries(29), {}),
        (attacks.queries(30), {"dns": 15}),
        (attacks.queries(300, 60, 240), {}),
        (attacks.dhcp_requests(59), {}),
        (attacks.dhcp_requests(60), {"dhcp": 6}),
        (attacks.reflections(99), {}),
        (attacks.reflections(100), {"served": 5}),
        (attacks.reflections(100, asked=0), {"unasked": 5}),
        (attacks.reflections(400, asked=200), {}),
        (attacks.upload(800), {}),
        (attacks.upload(900), {"load": 90}),
        (attacks.upload(900, returned=30_000), {}),
        ([], {}),
    ],
)
def test_what_is_left(tmp_path: Path, frames: Sequence[f.Frame], expected: dict[str, int]) -> None:
    assert left(tmp_path, frames) == expected


def test_a_flood_of_several_kinds_of_udp_is_one(tmp_path: Path) -> None:
    ports = [(5, 9), (5, 53), (123, 9)]
    frames = [attacks.datagram(i / 2_100, ports[i % 3], 10) for i in range(2_100 * 4)]
    assert set(left(tmp_path, frames)) >= {"udp", "dns", "unasked"}
    assert left(tmp_path, frames[::2]) == {}
