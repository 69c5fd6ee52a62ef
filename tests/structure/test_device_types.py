"""The parts of scripts/tables/device_types.py that can be told without the shared data."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.tables import device_types, networkml_features
from scripts.tables.device_types import SIBLINGS, extra_trees, interval, nested, siblings_of
from tests.build import SYN, packet


def test_networkmls_numbers_of_a_device() -> None:
    packets = np.concatenate(
        [
            packet("10.0.0.1:40000", "10.0.0.2:80", wire_len=60, tcp_flags=SYN, ethertype=0x0800),
            packet("10.0.0.9:1", "10.0.0.8:2", src_mac=5, dst_mac=6, time=1),
            packet("10.0.0.2:80", "10.0.0.1:40000", src_mac=1, dst_mac=0, time=3, wire_len=70),
            packet("10.0.0.1:40001", "10.0.0.3:9999", wire_len=100, time=4, ethertype=0x0800),
        ]
    )
    found = networkml_features.row(packets, 0)
    assert found.shape == (networkml_features.N_COLUMNS,)
    # Lengths sent: most, least, count, sum, mean, median, variance over n - 1, quartiles.
    assert found[:9].tolist() == [100, 60, 2, 160, 80, 80, 800, 70, 90]
    # Gaps run over the whole capture, other devices' packets included: 0 and 1 s.
    assert found[9:18].tolist() == [1, 0, 2, 1, 0.5, 0.5, 0.5, 0.25, 0.75]
    flags = found[18 + 8 + 9 : 18 + 8 + 9 + 9]
    assert flags.tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0]
    ports = found[44 : 44 + 29].tolist()
    names = [*networkml_features.PRIVILEGED, "other", *networkml_features.OTHERS, "more"]
    assert [name for name, there in zip(names, ports, strict=True) if there] == [80, "more"]
    assert found[-2:].tolist() == [1, 2]
    assert networkml_features.row(packets, 7)[:-9].any() == 0


def test_siblings_are_makers_platforms() -> None:
    assert siblings_of("D-LinkSiren") == "D-Link sensors"
    assert siblings_of("D-LinkCam") == "D-Link cameras"
    assert siblings_of("iKettle2") == "Smarter"
    assert siblings_of("Aria") == "Aria"
    assert len(SIBLINGS) == len({siblings_of(names[0]) for names in SIBLINGS.values()})


def test_an_interval_holds_its_mean_and_draws_captures_whole() -> None:
    right = np.array([[True, False, True, True]] * 2)
    mean, low, high = interval(right)
    assert low <= mean == 0.75 <= high


def test_nested_folds_learn_what_can_be_learned_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device_types, "TREES", 10)
    monkeypatch.setattr(device_types, "FOLDS", 3)
    label = np.array(["a", "b"] * 30)
    rows = np.random.default_rng(1).normal(size=(60, 6)).astype(np.float32)
    rows[:, 3] += 6 * (label == "b")
    assert nested(rows, label, extra_trees, (0.2, 1.0)).right.mean() > 0.95
    assert nested(rows, label, extra_trees, (1.0,), permute=True).right.mean() < 0.8


def test_all_right_is_no_certainty() -> None:
    share, low, high = interval(np.ones((2, 264), np.bool_))
    assert (share, high) == (1.0, 1.0)
    assert low == pytest.approx(0.025 ** (1 / 264))
