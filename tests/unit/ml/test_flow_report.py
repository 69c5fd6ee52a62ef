"""Figures of a report: what they say, and what they refuse to say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plugin.ml import flow_report
from plugin.ml.flow_report import FlowReport
from plugin.ml.roc import curve


def report(
    scores: list[float], labels: list[int], threshold: float = 1.5, notes: tuple[str, ...] = ()
) -> FlowReport:
    score = np.array(scores, np.float64)
    return FlowReport(
        title="m 1",
        facts=(("algorithm", "pca"),),
        scores=score,
        labels=np.array(labels, np.int8),
        groups=np.arange(len(scores)),
        threshold=threshold,
        called=score > threshold,
        top=(),
        notes=notes,
    )


def test_the_document_holds_the_figures() -> None:
    found = report([3, 2, 1, 0, 9], [1, 0, 1, 0, -1]).document()
    assert json.loads(json.dumps(found)) == found
    assert found["flows"] == 5
    assert (found["normal"], found["abnormal"], found["no_label"]) == (2, 2, 1)
    assert isinstance(found["auc"], dict)
    assert found["auc"]["value"] == 0.75
    assert found["base_rate"] == 0.5
    assert found["abnormal_found"] == 0.5
    assert found["normal_called_abnormal"] == 0.5
    assert found["no_label_called_abnormal"] == 1.0


def test_without_labels_of_both_kinds_there_is_no_auc() -> None:
    found = report([3, 2], [0, -1])
    assert found.document()["auc"] is None
    assert found.document()["abnormal_found"] is None
    (told,) = flow_report.remarks(found)
    assert "labelled abnormal" in told
    assert flow_report.at_threshold(found) is None


def test_few_flows_and_an_area_below_chance_are_told() -> None:
    few, below = flow_report.remarks(report([0, 0.5, 2, 3], [1, 1, 0, 0]))
    assert "2 normal and 2 abnormal" in few
    assert "below 0.5" in below
    many = report([*range(40), *range(5, 45)], [0] * 40 + [1] * 40, notes=("mine",))
    assert flow_report.remarks(many) == ["mine"]


def test_the_point_is_where_the_model_alarms() -> None:
    assert flow_report.at_threshold(report([3, 2, 1, 0], [1, 0, 1, 0])) == (0.5, 0.5, 0.5)
    assert flow_report.at_threshold(report([3, 2, 1, 0], [1, 0, 1, 0], 7.0)) is None


def test_the_area_below_the_precision_line_is_the_average_precision() -> None:
    random = np.random.default_rng(1)
    found = curve(random.integers(0, 2, 90), random.integers(0, 40, 90))
    assert found is not None
    x, y = np.array(flow_report.precision_line(found)).T
    assert np.sum(np.diff(x) * y[1:]) == pytest.approx(found.average_precision)
    roc = flow_report.roc_line(found)
    assert (roc[0], roc[-1]) == ((0.0, 0.0), (1.0, 1.0))


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    x = np.linspace(0, 1, 5000)
    found = flow_report.thinned(x, x)
    assert 100 < len(found) <= 400
    assert found[0] == (0.0, 0.0)
    assert found[-1] == (1.0, 1.0)


@pytest.mark.parametrize(
    "scores", [[1.0, 2.0, 3.0, 1e11], [-5.0, -4.0, -3.0, -2.0], [1.5] * 4, [7.0] * 4]
)
def test_every_score_is_in_the_histogram_and_the_threshold_on_it(scores: list[float]) -> None:
    found = flow_report.binned(report(scores, [0, 0, 1, -1]))
    assert [one.name for one in found.bars] == ["normal", "abnormal", "no label"]
    assert [sum(one.counts) for one in found.bars] == [2, 1, 1]
    assert 0 <= found.threshold <= 1
    places = [place for place, _ in found.names]
    assert (min(places), max(places)) == (0.0, 1.0)
    assert all(len(words) <= 9 for _, words in found.names)


def test_scores_lie_left_or_right_of_the_threshold_as_they_should() -> None:
    found = flow_report.binned(report([0.0, 1.0, 2.0, 3.0], [0, 0, 1, 1]))
    normal, abnormal = (one.counts for one in found.bars)
    assert max(np.flatnonzero(normal)) / flow_report.INTERVALS < found.threshold
    assert min(np.flatnonzero(abnormal)) / flow_report.INTERVALS >= found.threshold - 0.05


def test_an_interval_that_is_none_is_told_in_words() -> None:
    spread = report([3, 2, 1, 0], [1, 0, 1, 0])
    assert spread.areas is not None
    assert flow_report.area(spread.areas[0]) == str(spread.areas[0])
    told = flow_report.area(spread.areas[0]._replace(low=float("nan")))
    assert "too few pairs" in told
