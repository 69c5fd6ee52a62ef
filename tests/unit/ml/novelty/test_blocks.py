from __future__ import annotations

import numpy as np
import pytest

from plugin.ml.novelty.blocks import ROWS, apart, per_block


@pytest.mark.parametrize("n", [0, 1, ROWS - 1, ROWS, 3 * ROWS + 5])
def test_every_row_is_seen_in_its_place(n: int) -> None:
    rows = np.arange(3.0 * n).reshape(n, 3)
    assert per_block(rows, lambda block: block.sum(axis=1)).tolist() == rows.sum(axis=1).tolist()
    assert per_block(rows, lambda block: block * 2).tolist() == (rows * 2).tolist()


def test_a_product_does_not_depend_on_what_stands_beside() -> None:
    random = np.random.default_rng(1)
    rows, weights = random.normal(size=(ROWS + 40, 37)), random.normal(size=(37, 51))
    whole = per_block(rows, lambda block: block @ weights)
    alone = np.concatenate([per_block(row[None], lambda block: block @ weights) for row in rows])
    assert np.array_equal(whole, alone)
    assert np.allclose(whole, rows @ weights)


@pytest.mark.parametrize("shift", [0.0, 1e3, 1e7])
def test_squared_distances_are_wrong_by_no_more_than_is_said(shift: float) -> None:
    random = np.random.default_rng(2)
    block, known = (shift + random.normal(size=(n, 71)) for n in (ROWS, 30))
    exact = ((block[:, None] - known) ** 2).sum(axis=2)
    found = apart(block, known, (known**2).sum(axis=1))
    wrong = np.abs(found.squares - exact).max(axis=1)
    assert (wrong <= found.error).all()
    assert found.error.max() < 1e-12 * (1 + 71 * shift**2) * 1e3
