"""Reference rows of three origins: typical distances, thresholds, weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plugin.ml.novelty import references
from plugin.ml.novelty.detectors import nearest
from plugin.ml.novelty.references import Compared, Known, from_rows, held_out, together, weights

LINE = np.arange(10.0)[:, None]


def test_a_row_is_measured_from_other_groups_only() -> None:
    rows = np.array([[0.0], [0.1], [5], [6], [7], [8], [9]])
    group = np.array([0, 0, 1, 1, 2, 2, 2])
    found = held_out(nearest, rows, group, 3)
    assert found[0] == pytest.approx((5 + 6 + 7) / 3)
    assert found[2] == pytest.approx((2 + 3 + 4) / 3)
    assert np.isnan(held_out(nearest, rows, group, 6)).all()


def test_the_typical_distance_is_the_middle_one_of_each_row_from_the_others() -> None:
    assert references.typical(nearest, LINE, 5) == pytest.approx(4 / 3)
    assert math.isnan(references.typical(nearest, LINE[:5], 5))
    same = np.zeros((9, 2))
    assert references.typical(nearest, same, 5) == 0
    assert references.typical(nearest, same, 5, floor=0.3) == 0.3


@pytest.mark.parametrize(
    ("shipped", "site", "own", "expected"),
    [
        (10, 0, 0, (1, 0, 0)),
        (10, 20, 0, (0.5, 0.5, 0)),
        (10, 0, 20, (0.5, 0, 0.5)),
        (10, 20, 20, (0.25, 0.25, 0.5)),
        (0, 20, 0, (0, 1, 0)),
        (0, 20, 20, (0, 1 / 3, 2 / 3)),
        (0, 0, 0, (0, 0, 0)),
    ],
)
def test_weight_moves_from_the_shipped_to_the_site_to_the_own_past(
    shipped: int, site: int, own: int, expected: tuple[float, float, float]
) -> None:
    assert weights(shipped, site, own) == pytest.approx(expected)


def test_more_of_an_origin_never_weighs_less() -> None:
    mine = [weights(10, 10, n)[2] for n in range(50)]
    theirs = [weights(10, n, 10)[1] for n in range(50)]
    for found in (mine, theirs):
        assert found == sorted(found)
        assert found[0] == 0


def known(origin: str = "own") -> Known:
    return Known(origin, LINE, 1.0, 1.0)


def test_ratios_are_averaged_as_ratios_and_none_outweighs_all() -> None:
    one, other = Compared(known(), 0.5, 4.0), Compared(known("site"), 0.5, 0.25)
    assert together((one, other)) == pytest.approx(1)
    assert together((one._replace(weight=1.0),)) == pytest.approx(4)
    for ratio, counted in ((1e9, 10.0), (1e-9, 0.1)):
        far = together((one._replace(ratio=ratio), other._replace(ratio=1.0)))
        assert far == pytest.approx(counted**0.5)


def test_too_few_gathered_rows_are_no_references() -> None:
    assert from_rows("own", LINE[:5], nearest, least=5, floor=1, shipped=2.0) is None
    found = from_rows("own", LINE[:6], nearest, least=5, floor=1, shipped=2.0)
    assert found is not None
    assert (found.origin, found.threshold) == ("own", 2.0)


def test_many_gathered_rows_have_a_threshold_of_their_own_if_it_is_wider() -> None:
    random = np.random.default_rng(5)
    wild = random.standard_t(1.2, (60, 2))
    own = from_rows("site", wild, nearest, least=5, floor=1, shipped=1.1)
    assert own is not None
    assert own.threshold > 1.1
    for n, wider in ((18, False), (19, True)):
        some = from_rows("site", wild[:n], nearest, least=5, floor=1, shipped=1.1)
        assert some is not None
        assert (some.threshold > 1.1) is wider
    tame = from_rows("site", np.zeros((60, 2)), nearest, least=5, floor=1, shipped=1.1)
    assert tame is not None
    assert tame.threshold == 1.1
    assert tame.typical == pytest.approx(0.1)


def test_a_score_at_the_threshold_is_above_the_conformal_one() -> None:
    scores = np.arange(19.0)
    assert 18 < references.above(scores) < 18.0001
    assert math.isinf(references.above(scores[:18]))
