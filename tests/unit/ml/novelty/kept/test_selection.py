from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin.ml.novelty import sos
from plugin.ml.novelty.kept import selection
from plugin.ml.novelty.options import complete


def rows(n: int = 40, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(n, 3))


def test_scores_are_the_surprise_of_the_method() -> None:
    kept = selection.fit(complete("sos", {"perplexity": 3.0, "squared": False}), rows(), 0)
    selection.check(kept, 3)
    known = sos.fit(rows(), sos.Settings(3.0, squared=False))
    assert selection.score(kept, rows(9, 2)).tolist() == (
        sos.surprise_against(known, rows(9, 2)).tolist()
    )
    chance = sos.score_against(known, rows(9, 2))
    assert np.allclose(-np.log1p(-chance), selection.score(kept, rows(9, 2)))


def test_few_rows_make_the_perplexity_smaller() -> None:
    twice = np.repeat(rows(4), 3, axis=0)
    kept = selection.fit(complete("sos", {}), twice, 0)
    assert len(kept.arrays["references"]) == 4


@pytest.mark.parametrize("beta", [-1e-9, -9.0])
def test_a_foreign_precision_is_checked(beta: float) -> None:
    kept = selection.fit(complete("sos", {}), rows(), 0)
    arrays = {**kept.arrays, "beta": np.full_like(kept.arrays["beta"], beta)}
    with pytest.raises(ValueError, match="a precision is below 0"):
        selection.check(kept._replace(arrays=arrays), 3)
