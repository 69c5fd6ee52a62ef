"""A model of normal is calibrated by holding out what belongs together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin.ml.novelty.conformal import threshold
from plugin.ml.novelty.detectors import nearest
from plugin.ml.novelty.fit import Options, calibration, fit, groups_of, thresholds, units
from plugin.ml.novelty.model import NONE, check
from plugin.ml.novelty.references import FLOOR, typical
from tests.normals import tiny_normal


def rows(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (n, 4))


def test_a_role_of_several_networks_is_held_out_by_network_one_of_one_by_capture() -> None:
    role = np.array([0, 0, 0, 1, 1, 1], np.int32)
    group, several = groups_of(role, ["a", "b", "b", "a", "a", "a"], 2)
    assert several.tolist() == [True, False]
    assert group[1] == group[2] != group[0]
    assert len(set(group.tolist())) == 5


def test_a_new_network_of_a_role_is_farther_than_a_new_capture_and_the_threshold_knows() -> None:
    """Each network has its own habits: calibration by capture would not see that."""
    parts = [rows(6, seed) * 0.1 + 5 * rows(1, 100 + seed) for seed in range(6)]
    networks = [f"net{k}" for k in range(6) for _ in range(6)]
    by_network = fit(np.concatenate(parts), ["x"] * 36, networks, Options("nearest", least=5))
    by_capture = fit(np.concatenate(parts), ["x"] * 36, ["one"] * 36, Options("nearest", least=5))
    for one in (0, -1):  # of the role, and of all rows
        far, near = (found.arrays["threshold"][one] for found in (by_network, by_capture))
        assert far > 2 * near


def test_thresholds_are_the_conformal_ones_of_roles_of_the_same_kind() -> None:
    arrays = tiny_normal().arrays
    camera, printer, workstation = range(3)
    role, given = arrays["role"], arrays["given"]
    assert (given[role == camera] == NONE).all()
    for place in (printer, workstation):
        expected = threshold(given[role == place])
        assert arrays["threshold"][place] == pytest.approx(expected)
        assert arrays["threshold"][place] > expected
    assert arrays["threshold"][camera] == arrays["threshold"][printer]
    assert arrays["threshold"][-1] == pytest.approx(threshold(arrays["free"]))
    assert arrays["typical"][camera] == 0
    check(arrays, tiny_normal().manifest, arrays["rows"].shape[1])


def test_at_most_the_wanted_share_of_new_rows_is_beyond_the_threshold() -> None:
    alarms = []
    for seed in range(20):
        both = rows(260, seed)
        fitted = fit(both[:60], ["x"] * 60, ["one"] * 60, Options("nearest", least=5))
        arrays: dict[str, Any] = fitted.arrays
        unit, known = arrays["unit"], arrays["rows"]
        far = arrays["typical"][0] * arrays["threshold"][0]
        alarms.append((nearest(known / unit, both[60:] / unit) >= far).mean())
    assert 0.02 < np.mean(alarms) < 0.08


def test_distances_are_calibrated_in_times_the_typical_one() -> None:
    some, group = rows(12), np.repeat(np.arange(4, dtype=np.int32), 3)
    found = calibration(nearest, some, group, 3, 0.0)
    assert (found > 0).all()
    assert calibration(nearest, some * 100, group, 3, 0.0) == pytest.approx(found)
    rest = some[group != 2]
    expected = nearest(rest, some[group == 2]) / typical(nearest, rest, 3)
    assert found[group == 2] == pytest.approx(expected), "typical among the others"


def test_roles_of_a_kind_of_which_too_little_is_known_share_the_threshold_of_all() -> None:
    given = np.concatenate([np.linspace(1, 2, 60), np.full(18, 9.0)])
    of_several = np.repeat([False, True], [60, 18])
    found = thresholds(given, given, of_several, np.array([False, True]), 0.05)
    assert found[1] == np.nextafter(threshold(given), np.inf) == np.nextafter(9.0, 10)
    assert found[0] == np.nextafter(threshold(given[:60]), np.inf) < 2


def test_a_role_is_compared_with_from_four_references_on() -> None:
    some, labels = rows(48), ["x"] * 41 + ["y"] * 4 + ["z"] * 3
    arrays: dict[str, Any] = fit(some, labels, ["one"] * 48, Options("nearest")).arrays
    assert (arrays["typical"] > 0).tolist() == [True, True, False, True]


def test_a_role_whose_references_are_all_the_same_has_a_typical_distance_still() -> None:
    some = np.concatenate([rows(41), np.repeat(rows(1, 7), 6, axis=0)])
    arrays: dict[str, Any] = fit(
        some, ["x"] * 41 + ["y"] * 6, ["one"] * 47, Options("apart")
    ).arrays
    assert arrays["typical"][1] == pytest.approx(FLOOR * arrays["typical"][-1])


def test_a_column_counts_in_units_of_its_spread_and_a_still_one_is_sharp() -> None:
    some = np.stack([np.arange(4.0), np.full(4, 0.7)], axis=1)
    assert units(some).tolist() == [np.arange(4).std(), 0.05]
    plain = fit(rows(30), ["x"] * 30, ["one"] * 30, Options("nearest", scaled=False, least=5))
    assert (plain.arrays["unit"] == 1).all()


@pytest.mark.parametrize("some", [rows(4), rows(12), np.zeros((40, 4))])
def test_what_cannot_be_calibrated_is_refused(some: np.ndarray) -> None:
    with pytest.raises(ValueError, match="too few"):
        fit(some, ["x"] * len(some), ["one"] * len(some), Options("nearest", least=5))


@pytest.mark.parametrize("detector", ["apart", "pca", "sos", "spread"])
def test_each_detector_can_be_fitted(detector: str) -> None:
    fitted = fit(rows(40), ["x"] * 40, ["one"] * 40, Options(detector))
    manifest = tiny_normal().manifest._replace(roles=("x",), detector=detector)
    check(fitted.arrays, manifest, 4)
