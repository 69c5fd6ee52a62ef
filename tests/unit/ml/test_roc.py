"""Areas against scikit-learn's, which are an independent reading of the same definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from plugin.errors import InputError
from plugin.ml.roc import curve, intervals

ROWS = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40)


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_areas_are_scikit_learns_with_equal_scores_too(rows: list[tuple[bool, int]]) -> None:
    labels, scores = (np.array(part) for part in zip(*rows, strict=True))
    found = curve(labels.astype(int), scores)
    if len(set(labels.tolist())) == 1:
        assert found is None
        return
    assert found is not None
    assert found.auc == pytest.approx(roc_auc_score(labels, scores))
    assert found.average_precision == pytest.approx(average_precision_score(labels, scores))
    assert found.base_rate == pytest.approx(labels.mean())


def test_a_threshold_takes_all_of_its_score_and_those_above() -> None:
    found = curve([1, 0, 1, 0, -1], [3, 2, 2, 1, 9])
    assert found is not None
    assert found.threshold.tolist() == [3, 2, 1]
    assert found.recall.tolist() == [0.5, 1, 1]
    assert found.alarm_rate.tolist() == [0, 0.5, 1]
    assert found.precision.tolist() == pytest.approx([1, 2 / 3, 0.5])


def test_rows_without_a_label_have_no_say() -> None:
    labels, scores = [1, 0, -1, -1], [2.0, 1.0, 5.0, float("nan")]
    found = curve(labels, scores)
    assert found is not None
    assert found.auc == 1.0
    spans = intervals(labels, scores, [0, 1, 2, 3], seed=1)
    assert spans is not None
    assert spans[0].value == 1.0


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="no number"):
        curve([1, 0], [float("nan"), 1])


def test_intervals_hold_the_figure_and_widen_with_fewer_groups() -> None:
    random = np.random.default_rng(3)
    labels = np.repeat([0, 1], 200)
    scores = random.normal(labels, 1.0)
    found = curve(labels, scores)
    assert found is not None
    alone = intervals(labels, scores, np.arange(400), seed=1)
    # Ten rows of a group are one row ten times over: a tenth of the evidence.
    labels, scores = np.repeat(labels, 10), np.repeat(scores, 10)
    tenfold = intervals(labels, scores, np.repeat(np.arange(400), 10), seed=1)
    apart = intervals(labels, scores, np.arange(4000), seed=1)
    assert alone is not None
    assert tenfold is not None
    assert apart is not None
    assert alone[0].value == pytest.approx(found.auc)
    assert alone[0].low < found.auc < alone[0].high
    assert tenfold[0] == pytest.approx(alone[0])
    assert apart[0].high - apart[0].low < (alone[0].high - alone[0].low) / 2
    assert alone[1].value == pytest.approx(found.average_precision)
    assert intervals(labels, scores, np.arange(4000), seed=1) == apart


def test_where_most_draws_have_one_kind_only_the_interval_has_no_ends() -> None:
    spans = intervals([1, 0, 0], [3, 1, 2], [0, 0, 0], seed=1)
    assert spans is not None
    assert spans[0].low == 1.0
    lone = intervals([1, *[0] * 50], range(51), [0, *[1] * 50], seed=2)
    assert lone is not None
    assert lone[0].value == 0.0
    assert np.isnan(lone[0].low)
    assert intervals([0, 0], [1, 2], [0, 1], seed=1) is None
