"""How far confidences can be believed, and what was wrong."""

from __future__ import annotations

import pytest

from plugin.ml.curves import Asked, calibration, calibration_error, coverage, mistakes


def said(confidence: float, *, right: bool, name: str = "c", known: bool = True) -> Asked:
    labels = ("a", "b") if right else ("b", "a")
    rest = 1 - confidence
    truth = confidence if right else rest
    return Asked(name, "a", labels, (confidence, rest), known, truth, 1 if right else 2)


SILENT = Asked("s", "a", (), (), known=False)


def test_answers_are_binned_by_confidence() -> None:
    asked = [said(0.95, right=True), said(0.91, right=False), said(0.55, right=True)]
    low, high = calibration(asked)
    assert (low.low, low.high, low.captures, low.right) == (0.5, 0.6, 1, 1.0)
    assert (high.captures, high.right) == (2, 0.5)
    assert high.confidence == pytest.approx(0.93)
    assert calibration_error((low, high)) == pytest.approx((0.45 + 2 * 0.43) / 3)


def test_a_sure_answer_falls_into_the_last_bin_and_silence_into_none() -> None:
    (only,) = calibration([said(1.0, right=True), SILENT])
    assert (only.low, only.high, only.captures) == (0.9, 1.0, 1)
    assert calibration([SILENT]) == ()
    assert calibration_error(()) == 0.0


def test_coverage_goes_from_the_surest_to_all() -> None:
    asked = [
        said(0.6, right=False), said(0.9, right=True), said(0.8, right=True), SILENT,
    ]  # fmt: skip
    points = coverage(asked)
    assert [one.coverage for one in points] == [0.25, 0.5, 0.75, 1.0]
    assert [one.right for one in points] == pytest.approx([1, 1, 2 / 3, 2 / 4])
    assert [one.confidence for one in points] == [0.9, 0.8, 0.6, 0.0]


def test_answers_of_one_confidence_count_together() -> None:
    points = coverage([said(0.9, right=True), said(0.9, right=False), said(0.5, right=True)])
    assert [(one.coverage, one.right) for one in points] == [
        (pytest.approx(2 / 3), 0.5),
        (1.0, pytest.approx(2 / 3)),
    ]
    assert coverage([]) == ()


def test_mistakes_come_the_surest_first_with_their_reasons() -> None:
    asked = [
        said(0.6, right=False, name="x", known=False),
        said(0.9, right=False, name="y"),
        said(0.9, right=True),
        SILENT,
    ]
    (first, why), (second, other), (third, nothing) = mistakes(asked)
    assert [first.name, second.name, third.name] == ["y", "x", "s"]
    assert why == (
        "the truth is second, 0.80 behind",
        "called known",
        "2 of 4 captures of this class are taken for the same",
    )
    assert other[1] == "not called known"
    assert nothing == ("there was nothing to predict from",)


def test_a_truth_far_down_is_told_with_its_place() -> None:
    one = Asked("c", "e", ("a", "b", "d"), (0.7, 0.2, 0.06), True, 0.04, 4)
    ((_, why),) = mistakes([one])
    assert why[0] == "the truth is number 4 of the ranking, at 0.04"
    assert why[-1] == "the only tested capture of its class"
