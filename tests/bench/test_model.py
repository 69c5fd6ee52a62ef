from __future__ import annotations

import numpy as np
import pytest

from bench.model import (
    CLASSES,
    COLUMNS,
    NAMES,
    Step,
    as_model,
    fitted,
    measure,
    model_lines,
    sparse_rows,
)


def test_rows_are_as_sessions_give_them() -> None:
    matrix = sparse_rows(500)
    counts = matrix.counts()
    assert (counts.min(), counts.max()) == (4, 8)
    steps = np.diff(matrix.indices.astype(np.int64))
    within = np.diff(matrix.row_numbers()) == 0
    assert (steps[within] > 0).all()
    assert 0 <= matrix.indices.min() <= matrix.indices.max() < COLUMNS


def test_the_same_seed_gives_the_same_rows() -> None:
    assert (sparse_rows(50).indices == sparse_rows(50).indices).all()
    assert sparse_rows(50).indices.tolist() != sparse_rows(50, seed=1).indices.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_both_steps_give_the_same_probabilities(name: str) -> None:
    step = measure(name, 64, 1)
    assert (step.name, step.rows) == (name, 64)
    assert step.difference <= 1e-6


def test_the_model_has_the_nets_shape() -> None:
    model = as_model(fitted(sparse_rows(100), "net, 32 hidden"))
    assert model.arrays["W0"].shape == (COLUMNS, 32)
    assert len(model.manifest.classes) == model.arrays["b1"].shape[0] == CLASSES


def test_the_model_has_the_forests_trees() -> None:
    model = as_model(fitted(sparse_rows(100), "forest, 100 trees"))
    assert model.manifest.algorithm == "forest"
    assert len(model.arrays["roots"]) == 100
    assert model.arrays["value"].shape[1] == CLASSES


def test_the_table_tells_each_model_and_its_outcomes() -> None:
    text = "\n".join(model_lines([Step("a", 1000, 1.0, 2.0, 0.0), Step("b", 1000, 2.0, 1.0, 0.5)]))
    assert "a: 1,000 rows" in text
    assert "met     rate >= 0.9 x scikit-learn's: 2.00" in text
    assert "missed  |dp| <= 1e-06: 0.5" in text


@pytest.mark.parametrize(
    ("ours", "theirs", "difference", "met"),
    [(1.0, 0.9, 1e-6, True), (1.0, 0.89, 0.0, False), (1.0, 2.0, 2e-6, False)],
)
def test_both_goals_must_be_met(
    ours: float, theirs: float, difference: float, *, met: bool
) -> None:
    assert Step("net", 10, ours, theirs, difference).met is met
