from __future__ import annotations

import numpy as np
import pytest

from plugin.ml.algorithms import GRIDS
from plugin.ml.arrays import check, pack, unpack
from plugin.ml.dataset import Cases
from plugin.ml.fitted_arrays import to_arrays
from plugin.ml.train import Recipe, fit
from tests import labelled


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("algorithm", ["net", "forest", "trees", "boosting", "ensemble"])
def test_what_is_fitted_is_what_a_store_accepts(algorithm: str, *, background: bool) -> None:
    material = labelled.material(["a", "b", "c"] * 6, signal=0.8)
    cases = Cases(material, np.arange(18) % 3, 2 if background else 3)
    recipe = Recipe(algorithm=algorithm, features="service-ports", grid=GRIDS[algorithm])
    arrays = to_arrays(fit(recipe.grid[0], recipe, cases), cases.n_classes)
    read = unpack(pack(arrays), algorithm)
    check(read, algorithm, material.rows.n_columns, cases.n_classes)
    with pytest.raises(ValueError, match=r"classes|shape"):
        check(read, algorithm, material.rows.n_columns, 4)
    with pytest.raises(ValueError, match=r"column|shape"):
        check(read, algorithm, 2, cases.n_classes)
