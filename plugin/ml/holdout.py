"""Which rows are left for a test: drawn by a seed. Computes only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.errors import InputError, OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def split(n: int, test_size: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train on and rows to test on, drawn as scikit-learn's ``train_test_split`` draws.

    So the same seed gives the same parts as netml's, without the import.

    Args:
        n: rows.
        test_size: share of rows to test on, rounded up.
        seed: of the draw.

    Raises:
        OptionError: no such share.
        InputError: too few rows.
    """
    if not 0.0 < test_size < 1.0:
        raise OptionError(f"{test_size:g} is no share of flows", advice="give one between 0 and 1")
    tested = int(np.ceil(test_size * n))
    if n - tested < 1:
        raise InputError(f"{n} flows are too few to train on some and test on others")
    drawn = np.random.RandomState(seed).permutation(n)
    return drawn[tested:], drawn[:tested]
