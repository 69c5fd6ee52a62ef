"""A model of suspicion, made from harmless captures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from plugin.errors import DatasetError
from plugin.ml.signs import NAMES
from plugin.offline.harmless import Harmless, make_suspicion
from tests import attacks as a
from tests import frames as f

if TYPE_CHECKING:
    from pathlib import Path


def capture(path: Path, hosts: int, family: str) -> Harmless:
    path.write_bytes(f.pcap(*a.horizontal(hosts)))
    return Harmless(path, family)


def test_floors_are_how_far_the_families_go(tmp_path: Path) -> None:
    one, other = capture(tmp_path / "1", 1, "plug"), capture(tmp_path / "2", 3, "camera")
    made = make_suspicion([one, other] * 10, name="ours")
    floor = made.arrays["floor"][NAMES.index("bare_syn")]
    assert floor == 2 + 0.5 * (2 - 1), "log2(1 + 3), and half of its lead over log2(1 + 1)"
    manifest = made.manifest
    assert (manifest.name, manifest.signs, manifest.threshold) == ("ours", NAMES, 1.0)
    assert manifest.metrics == {"captures": 20, "families": 2, "alarms": 0.0}
    assert len(made.arrays["scores"]) == 20
    assert np.array_equal(
        made.arrays["floor"], make_suspicion([other, one] * 10).arrays["floor"]
    ), "in any order"


def test_too_few_captures_give_no_threshold(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="18 captures, 19 are needed"):
        make_suspicion([capture(tmp_path / "1", 1, "plug")] * 18)
    assert make_suspicion([capture(tmp_path / "1", 1, "plug")] * 19).manifest.threshold >= 1


def test_a_capture_that_comes_to_the_threshold_is_told_as_an_alarm(tmp_path: Path) -> None:
    usual, wild = capture(tmp_path / "1", 3, "plug"), capture(tmp_path / "2", 15, "camera")
    made = make_suspicion([usual] * 39 + [wild])
    assert (made.manifest.threshold, made.arrays["scores"].max()) == (1.0, 1.0)
    assert made.manifest.metrics["alarms"] == 1 / 40


def test_a_router_sets_no_floor(tmp_path: Path) -> None:
    one, other = capture(tmp_path / "1", 1, "plug"), capture(tmp_path / "2", 3, "camera")
    frames = a.horizontal(100)
    for i in range(20):
        there = f.ipv4(f.udp(7, 53), 17, f.IP_B, bytes((8, 8, 8, i)))
        frames.append(f.Frame(a.at(50 + i), f.ethernet(there, src=f.B, dst=a.BAD)))
        back = f.ipv4(f.udp(53, 7), 17, bytes((8, 8, 8, i)), f.IP_B)
        frames.append(a.sent(50.5 + i, back))
    router = tmp_path / "3"
    router.write_bytes(f.pcap(*sorted(frames, key=lambda frame: frame.time)))
    made = make_suspicion([one, other, Harmless(router, "hub")] * 7)
    floor = made.arrays["floor"][NAMES.index("bare_syn")]
    assert floor == 2 + 0.5 * (2 - 1), "as without it"
