from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.errors import DatasetError
from plugin.ml import crossval, train
from plugin.ml.algorithms import GRIDS
from plugin.ml.calibration import fit_rejection, fit_temperature, soften
from plugin.ml.dataset import Cases
from tests import labelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_T = TypeVar("_T")
POINT = (("trees", 10.0), ("leaf", 1.0), ("share", 0.1))
RECIPE = train.Recipe(
    algorithm="forest",
    features="service-ports",
    grid=(POINT, (("trees", 10.0), ("leaf", 4.0), ("share", 0.1))),
    seed=3,
    folds=3,
)
WORK = crossval.Work()


def short() -> train.Recipe:
    """One point of the grid, so nothing is to be chosen."""
    return dataclasses.replace(RECIPE, grid=(POINT,))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), min_size=8, max_size=40),
    st.integers(0, 9),
)
def test_no_group_stands_on_both_sides(pairs: list[tuple[int, int]], seed: int) -> None:
    y = np.array([a for a, _ in pairs])
    groups = [f"g{b}" for _, b in pairs]
    if len(set(groups)) < 2 or np.bincount(y).max() < 2:
        return
    tested: list[int] = []
    for learn, test in crossval.group_folds(y, groups, 5, seed):
        assert not {groups[i] for i in learn} & {groups[i] for i in test}
        tested += test.tolist()
    assert sorted(tested) == list(range(len(y)))


def test_leaving_one_group_out() -> None:
    folds = crossval.leave_one_out(["x", "y", "x", "z"])
    assert [(a.tolist(), b.tolist()) for a, b in folds] == [
        ([1, 3], [0, 2]),
        ([0, 2, 3], [1]),
        ([0, 1, 2], [3]),
    ]


def test_one_group_cannot_be_split() -> None:
    with pytest.raises(DatasetError, match="two groups"):
        crossval.leave_one_out(["x", "x"])
    with pytest.raises(DatasetError, match="two groups"):
        crossval.group_folds(np.array([0, 1]), ["x", "x"], 5, 0)


def _accuracy(tested: crossval.Tested) -> float:
    return float((tested.confidences.argmax(axis=1) == tested.cases.y).mean())


def test_nested_learns_what_is_there_and_nothing_from_permuted_labels() -> None:
    cases = labelled.cases(labelled.material(["a", "b", "c"] * 12))
    folds = crossval.group_folds(cases.y, cases.material.groups, 3, 0)
    assert _accuracy(crossval.nested(RECIPE, cases, folds, WORK)) > 0.8
    chance = [
        _accuracy(crossval.nested(short(), cases._replace(y=shuffled), folds, WORK))
        for seed in range(3)
        for shuffled in [np.random.default_rng(seed).permutation(cases.y)]
    ]
    assert np.mean(chance) < 0.5  # a third is chance


def test_the_tested_captures_have_no_say() -> None:
    """Other labels of the tested captures change no prediction: nothing was chosen by them."""
    cases = labelled.cases(labelled.material(["a", "b"] * 10, signal=0.6))
    fold = crossval.group_folds(cases.y, cases.material.groups, 3, 0)[0]
    first = crossval.nested(RECIPE, cases, [fold], WORK)
    turned = cases.y.copy()
    turned[fold[1]] = 1 - turned[fold[1]]
    second = crossval.nested(RECIPE, cases._replace(y=turned), [fold], WORK)
    assert np.array_equal(first.confidences, second.confidences)
    assert np.array_equal(first.known, second.known)
    assert first.calibrations == second.calibrations


@pytest.mark.parametrize("features", ["service-ports", "networkml-4104"])
def test_seeds_are_reproducible(features: str) -> None:
    cases = labelled.cases(
        labelled.material(["a", "b"] * 8, features=features, rows_each=2, signal=0.5)
        if features == "networkml-4104"
        else labelled.material(["a", "b"] * 8, signal=0.5)
    )
    first, second = (crossval.train(RECIPE, cases, WORK) for _ in "12")
    assert np.array_equal(first.validation, second.validation)
    assert (first.options, first.calibration) == (second.options, second.calibration)


def test_processes_change_nothing() -> None:
    cases = labelled.cases(labelled.material(["a", "b"] * 6))
    alone = crossval.train(RECIPE, cases, WORK)
    spread = crossval.train(RECIPE, cases, crossval.Work(jobs=2))
    assert np.array_equal(alone.validation, spread.validation)


def test_classes_never_learned_and_background() -> None:
    material = labelled.material(["a", "b", "x"] * 10, signal=1.0)
    cases = Cases(material, np.array([0, 1, 2] * 10), 2)
    folds = crossval.group_folds(cases.y, material.groups, 3, 0)
    other = labelled.material(["a", "b", "c", "d"] * 3, signal=1.0).take(np.array([3, 7, 11]))
    tested = crossval.nested(RECIPE, cases, folds, WORK, other)
    assert tested.known[cases.inside].mean() > 0.5
    assert not tested.known[~cases.inside].any()
    assert tested.open_known is not None
    assert tested.open_known <= 0.5
    assert crossval.most_chosen(tested) in RECIPE.grid


def test_each_limit_alone_makes_a_role_unknown() -> None:
    material = labelled.material(["a", "b"] * 6, signal=1.0)
    found = crossval.train(short(), labelled.cases(material), WORK)
    lax = dataclasses.replace(
        found.calibration, threshold=0.0, rejection=1.0, min_packets=0, min_sessions=0
    )
    assert crossval.answer(found._replace(calibration=lax), material)[1].all()
    strict: list[dict[str, float]] = [
        {"threshold": 1.1}, {"rejection": -0.1},
        {"min_packets": 10**6}, {"min_sessions": 10**6},
    ]  # fmt: skip
    for one in strict:
        limits = dataclasses.replace(lax, **one)  # type: ignore[arg-type]  # ints are floats
        assert not crossval.answer(found._replace(calibration=limits), material)[1].any(), one


def test_temperature_and_rejection_are_those_of_the_classes_that_are_learned() -> None:
    material = labelled.material(["a", "b", "x"] * 8, signal=1.0)
    cases = Cases(material, np.array([0, 1, 2] * 8), 2)
    found = crossval.train(short(), cases, WORK)
    own, y = found.validation[cases.inside], cases.y[cases.inside]
    temperature = fit_temperature(own, y)
    assert found.calibration.temperature == temperature
    # What is like none of them must not widen what passes as one of them.
    assert found.calibration.rejection == fit_rejection(soften(own, temperature), temperature)
    every = fit_rejection(soften(found.validation, temperature), temperature)
    assert found.calibration.rejection < every


def test_progress_sees_every_fit() -> None:
    seen: list[tuple[int, str, int]] = []

    def watch(items: Iterable[_T], total: int, label: str, parts: int = 1, /) -> Iterator[_T]:
        seen.append((total, label, parts))
        return iter(items)

    cases = labelled.cases(labelled.material(["a", "b"] * 6))
    crossval.train(RECIPE, cases, crossval.Work(track=watch))
    folds = crossval.group_folds(cases.y, cases.material.groups, 3, 0)
    crossval.nested(RECIPE, cases, folds, crossval.Work(track=watch).named("test"))
    assert seen == [(2 * 3, "fits", 1), (3 * 2 * 3, "test", 3)]


def test_two_groups_leave_nothing_to_choose_on() -> None:
    cases = labelled.cases(labelled.material(["a", "b"] * 4, ["x", "x", "y", "y"] * 2))
    folds = crossval.group_folds(cases.y, cases.material.groups, 3, 0)
    with pytest.raises(DatasetError, match="three groups, there are 2"):
        crossval.nested(RECIPE, cases, folds, WORK)


def test_a_fold_whose_training_side_has_one_class_is_tested_all_the_same() -> None:
    """Two classes of three captures, as permuted labels fall: an inner fold lacks one."""
    net = train.Recipe(algorithm="net", features="service-ports", grid=GRIDS["net"][:1])
    cases = labelled.cases(labelled.material(["a", "b"] * 3))
    folds = crossval.group_folds(cases.y, cases.material.groups, 3, 0)
    lacking = 0
    for seed in range(8):
        y = np.random.default_rng(seed).permutation(cases.y)
        turned = cases._replace(y=y)
        for learn, _ in folds:
            inner = crossval.group_folds(y[learn], [f"{i}" for i in learn], 5, net.seed)
            lacking += sum(len(set(y[learn][part])) == 1 for part, _ in inner)
        assert crossval.nested(net, turned, folds, WORK).confidences.sum() == pytest.approx(6)
    assert lacking
