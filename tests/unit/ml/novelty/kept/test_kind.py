from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin.ml.novelty.kept.kind import Kept, number, require, shaped, word


def kept(**numbers: Any) -> Kept:
    return Kept(numbers, {"a": np.zeros((2, 3))})


def test_numbers_within_limits() -> None:
    assert number(kept(k=3), "k", 0, 3) == 3.0
    for wrong in (4, -1, float("nan"), "3", None, True, 10**400):
        with pytest.raises(ValueError, match="the number k is none from 0 to 3"):
            number(kept(k=wrong), "k", 0, 3)
    with pytest.raises(ValueError, match="the number k"):
        number(kept(), "k")


def test_words_that_are_known() -> None:
    assert word(kept(w="b"), "w", ("a", "b")) == "b"
    for wrong in ("c", 5, None, ["a"]):
        with pytest.raises(ValueError, match="w is none of a, b"):
            word(kept(w=wrong), "w", ("a", "b"))


def test_shapes() -> None:
    shaped(kept(), {"a": (2, 3)})
    with pytest.raises(ValueError, match=r"the array a has shape \(2, 3\), not \(3, 2\)"):
        shaped(kept(), {"a": (3, 2)})


def test_require() -> None:
    require(True, "never")
    with pytest.raises(ValueError, match="so it is"):
        require(False, "so it is")
