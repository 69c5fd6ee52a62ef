from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin.ml.novelty.near import nearest


def plainly(rows: Any, known: Any, k: int) -> tuple[Any, Any]:
    squares = ((rows[:, None] - known) ** 2).sum(axis=2)
    which = np.argsort(squares, axis=1, kind="stable")[:, :k]
    return which, np.take_along_axis(squares, which, axis=1)


@pytest.mark.parametrize("shift", [0.0, 1e4, 1e8])
@pytest.mark.parametrize(("n", "k"), [(5, 5), (9, 2), (300, 1), (300, 20)])
def test_they_are_those_of_all_distances(shift: float, n: int, k: int) -> None:
    random = np.random.default_rng(1)
    known, rows = (shift + random.normal(size=(many, 6)) for many in (n, 70))
    which, squares = nearest(rows, known, k)
    wanted = plainly(rows, known, k)
    assert which.tolist() == wanted[0].tolist()
    assert np.allclose(squares, wanted[1], rtol=1e-13)


def test_equally_near_ones_stand_in_order() -> None:
    known = np.repeat([[0.0, 1.0], [1.0, 0.0]], 40, axis=0)
    which, squares = nearest(np.zeros((2, 2)), known, 50)
    assert which.tolist() == [list(range(50))] * 2
    assert set(squares.ravel().tolist()) == {1.0}
    mixed = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 2.0]])[
        np.random.default_rng(1).integers(0, 3, 300)
    ]
    assert nearest(np.zeros((1, 2)), mixed, 120)[0].tolist() == (
        plainly(np.zeros((1, 2)), mixed, 120)[0].tolist()
    )


def test_nothing_is_asked() -> None:
    assert nearest(np.empty((0, 3)), np.ones((4, 3)), 2)[1].shape == (0, 2)
