from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.flows.quantile import quantile

NUMBERS = st.lists(
    st.one_of(st.sampled_from([0.0, 1.0, 5e-324, 1e300]), st.floats(0, 1e6)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=40)
@given(numbers=NUMBERS, q=st.floats(0, 1), cuts=st.lists(st.integers(0, 40), max_size=3))
def test_bit_for_bit_what_numpy_gives_of_all_at_once(
    numbers: list[float], q: float, cuts: list[int]
) -> None:
    whole = np.array(numbers)
    blocks = np.split(whole, sorted(min(cut, len(whole)) for cut in cuts))
    assert quantile(lambda: blocks, q) == float(np.quantile(whole, q))


@settings(max_examples=20)
@given(numbers=st.lists(st.integers(0, 2**40), min_size=1, max_size=40), q=st.floats(0, 1))
def test_of_whole_numbers_too(numbers: list[int], q: float) -> None:
    whole = np.array(numbers, np.int64)
    assert quantile(lambda: [whole], q) == float(np.quantile(whole, q))


def test_numbers_are_asked_for_again_and_never_kept() -> None:
    asked: list[int] = []

    def blocks() -> Any:
        for k in range(3):
            asked.append(k)
            yield np.arange(k, 30.0, 3)

    assert quantile(blocks, 0.5) == 14.5
    assert len(asked) == 3 * 9  # once to count, four times for each end


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="no numbers"):
        quantile(lambda: [np.zeros(0)], 0.5)
