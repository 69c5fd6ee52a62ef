from __future__ import annotations

import pytest

from plugin.ml.proportion import exact, of_groups


def test_all_and_none_of_twelve() -> None:
    assert list(exact(12, 12)) == pytest.approx([0.025 ** (1 / 12), 1.0])
    assert exact(12, 12)[0] == pytest.approx(0.7354, abs=1e-4)
    assert list(exact(0, 12)) == pytest.approx([0.0, 1 - 0.7354], abs=1e-4)


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    # As scipy.stats.binomtest finds them.
    [(3, 10, 0.06674, 0.65245), (1, 2, 0.01258, 0.98742), (34, 39, 0.72570, 0.95703)],
)
def test_what_lies_between(right: int, n: int, low: float, high: float) -> None:
    assert list(exact(right, n)) == pytest.approx([low, high], abs=1e-5)


def test_a_level() -> None:
    assert list(exact(1, 1, level=0.9)) == pytest.approx([0.05, 1.0])


def test_groups_are_rounded_outwards() -> None:
    assert of_groups(1.0, 4) == exact(4, 4)
    assert of_groups(0.5, 4) == exact(2, 4)
    assert of_groups(0.6, 4) == (exact(2, 4)[0], exact(3, 4)[1])
    assert of_groups(0.8, 1) == (0.0, 1.0)
