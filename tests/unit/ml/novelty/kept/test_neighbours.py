from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin.ml.novelty import knn
from plugin.ml.novelty.kept import neighbours
from plugin.ml.novelty.options import complete


def rows(n: int = 40, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(n, 3))


@pytest.mark.parametrize("options", [{}, {"mean": True, "n_neighbors": 2}, {"city": True}], ids=str)
def test_scores_are_those_of_the_function(options: Any) -> None:
    kept = neighbours.fit(complete("knn", options), rows(), 0)
    neighbours.check(kept, 3)
    wanted = knn.score_against(
        rows(),
        rows(9, 2),
        options.get("n_neighbors", 5),
        mean=options.get("mean", False),
        city=options.get("city", False),
    )
    assert np.allclose(neighbours.score(kept, rows(9, 2)), wanted, rtol=1e-14)


def test_of_few_rows_the_farthest_is_the_neighbour() -> None:
    kept = neighbours.fit(complete("knn", {}), rows(2), 0)
    assert kept.numbers["k"] == 2
    with pytest.raises(ValueError, match="the number k is none from 1 to 2"):
        neighbours.check(kept._replace(numbers={**kept.numbers, "k": 3}), 3)
