from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from plugin.errors import InputError, OptionError
from plugin.ml.holdout import split


@pytest.mark.parametrize(("n", "size", "seed"), [(88, 0.33, 42), (7, 0.5, 0), (2, 0.01, 3)])
def test_the_split_is_scikit_learns(n: int, size: float, seed: int) -> None:
    train, test = split(n, size, seed)
    theirs = train_test_split(np.arange(n), test_size=size, random_state=seed)
    assert train.tolist() == theirs[0].tolist()
    assert test.tolist() == theirs[1].tolist()


def test_a_split_that_cannot_be() -> None:
    with pytest.raises(OptionError, match="no share"):
        split(10, 1.0, 0)
    with pytest.raises(InputError, match="too few"):
        split(1, 0.5, 0)
