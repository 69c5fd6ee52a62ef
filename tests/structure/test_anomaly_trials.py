"""Trials tell a detector of news from a detector of what is bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from scripts.tables.anomaly_trials import Plan, _taught, conformal, folds_of, rows_of, trial
from tests.anomalies import table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scripts.tables.anomaly_captures import Table
    from scripts.tables.anomaly_trials import Fit, Score

    Rows = NDArray[np.int64]


FEW = Plan(folds=2)
"""Enough harmless cases for a threshold."""


def new(cases: Table) -> Fit:
    """How far from what it has learned, in the first column."""

    def fit(rows: Rows) -> Score:
        known = cases.values[rows, 0]
        return lambda some: np.abs(cases.values[some, 0][:, None] - known[None]).min(axis=1)

    return fit


def bad(cases: Table) -> Fit:
    """What is bad, and learns nothing."""
    return lambda _: lambda some: cases.values[some, 1]


def test_a_detector_of_news_knows_attacks_from_what_it_has_seen_but_not_from_harmless_news() -> (
    None
):
    cases = table(badness=0)
    out = trial(cases, new(cases), FEW)
    assert np.nanmean(out.seen) > 0.99
    assert np.nanmean(out.news) > 0.99
    assert out.alarms.mean() > 0.99, "all that is new alarms"
    assert out.found.mean() > 0.99


def test_a_detector_of_badness_does_not_care_what_is_new() -> None:
    cases = table(badness=9)
    out = trial(cases, bad(cases), FEW)
    assert np.nanmean(out.left) > 0.99
    assert np.nanmean(out.seen) > 0.99
    assert 0.4 < np.nanmean(out.news) < 0.6
    assert out.alarms.mean() < 0.15
    assert out.found.mean() > 0.99


def test_without_a_signal_there_is_none() -> None:
    cases = table(badness=0)
    out = trial(cases, bad(cases))
    assert 0.35 < np.nanmean(out.left) < 0.65


def test_a_family_left_out_is_not_learned_and_an_attack_judged_has_no_kin_among_the_learned() -> (
    None
):
    cases = table(badness=1)
    kind, source = cases.column("kind"), cases.column("source")
    family, attack = cases.column("family"), cases.attack
    learned: list[set[int]] = []

    def fit(rows: Rows) -> Score:
        learned.append(set(cases.owner[rows].tolist()))

        def score(some: Rows) -> NDArray[np.float64]:
            for case in set(cases.owner[some].tolist()):
                assert case not in learned[-1]
                if attack[case]:
                    taught = [k for k in learned[-1] if attack[k]]
                    assert taught
                    assert all(kind[k] != kind[case] for k in taught)
                    assert all(source[k] != source[case] for k in taught)
            return np.zeros(len(some))

        return score

    trial(cases, fit, Plan(learns_attacks=True, folds=3))
    missing = [
        {f"family{k}" for k in range(3)} - set(family[list(one)].tolist()) for one in learned
    ]
    assert all(len(one) == 1 for one in missing)
    learned.clear()

    def remembers(rows: Rows) -> Score:
        learned.append(set(cases.owner[rows].tolist()))
        return lambda some: np.zeros(len(some))

    trial(cases, remembers, Plan(folds=2))
    assert not any(attack[k] for one in learned for k in one)


def test_no_attack_is_learned_of_the_source_that_is_judged() -> None:
    cases = table(badness=1)
    mixed = [
        case._replace(source=f"a/{k % 3}") if case.attack else case
        for k, case in enumerate(cases.cases)
    ]
    cases = cases._replace(cases=tuple(mixed))
    bad = np.flatnonzero(cases.attack)
    kind, source = cases.column("kind"), cases.column("source")
    parts = _taught(cases, bad, Plan(learns_attacks=True))
    assert sorted(np.concatenate([judged for judged, _ in parts]).tolist()) == bad.tolist()
    for judged, taught in parts:
        assert len(taught)
        assert not set(kind[judged]) & set(kind[taught])
        assert not set(source[judged]) & set(source[taught])


def test_draws_count_half() -> None:
    cases = table(badness=0)
    out = trial(cases, lambda _: lambda some: np.zeros(len(some)))
    assert set(out.left[~np.isnan(out.left)].tolist()) == {0.5}
    assert not out.alarms.any(), "a threshold lies above what is usual"
    assert np.isnan(out.news).sum() == 3 * 24 * 24, "a family is never compared with itself"


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_the_threshold_keeps_its_promise(share: float) -> None:
    random = np.random.default_rng(3)
    alarms = [
        random.random() >= conformal(random.random(60), share)  # a new score of the same kind
        for _ in range(4000)
    ]
    assert share * 0.6 < np.mean(alarms) < share * 1.1


def test_too_few_scores_give_no_threshold() -> None:
    assert conformal(np.arange(18.0), 0.05) == float("inf")
    assert conformal(np.arange(19.0), 0.05) > 18


def test_folds_are_even_within_families() -> None:
    cases = table(badness=0)
    good = np.flatnonzero(~cases.attack)
    fold = folds_of(cases.column("family"), good, Plan(folds=4))
    counts = np.bincount(fold[good[:24]], minlength=4)
    assert counts.tolist() == [6, 6, 6, 6]


def test_rows_are_those_of_the_cases() -> None:
    cases = table(badness=0)
    assert rows_of(cases, np.array([1, 3])).tolist() == [2, 3, 6, 7]
