from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plugin.ml import matrix

DENSE = arrays(
    np.float32,
    st.tuples(st.integers(0, 7), st.integers(1, 9)),
    elements=st.sampled_from([0.0, 0.0, 1.0, 0.5, -2.0]),
)


@given(DENSE)
def test_dense_and_back_is_the_same(dense: np.ndarray) -> None:
    found = matrix.from_dense(dense)
    assert (found.n_rows, found.n_columns) == dense.shape
    assert np.array_equal(found.to_dense(), dense)
    assert np.array_equal(found.to_scipy().toarray(), dense)
    assert np.allclose(found.column_sums(), dense.sum(axis=0))


@given(DENSE, st.lists(st.integers(0, 6), max_size=9))
def test_rows_are_those_asked_for_in_their_order(dense: np.ndarray, which: list[int]) -> None:
    numbers = np.array([n for n in which if n < len(dense)], np.int64)
    found = matrix.from_dense(dense)
    assert np.array_equal(found.rows(numbers).to_dense(), dense[numbers])
    mask = dense[:, 0] != 0
    assert np.array_equal(found.rows(mask).to_dense(), dense[mask])


def test_entries_of_one_cell_are_added_up() -> None:
    found = matrix.from_entries(
        np.array([1, 0, 1]), np.array([2, 0, 2]), np.array([0.25, 1.0, 0.5]), n_rows=3, n_columns=4
    )
    assert found.to_dense().tolist() == [[1, 0, 0, 0], [0, 0, 0.75, 0], [0, 0, 0, 0]]
    assert found.indptr.tolist() == [0, 1, 2, 2]


def test_no_entries_are_empty_rows() -> None:
    none = np.zeros(0, np.int64)
    found = matrix.from_entries(none, none, none.astype(float), n_rows=2, n_columns=3)
    assert found.to_dense().tolist() == [[0, 0, 0], [0, 0, 0]]


@given(DENSE)
def test_stacking_is_concatenation(dense: np.ndarray) -> None:
    one = matrix.from_dense(dense)
    assert np.array_equal(matrix.vstack([one, one]).to_dense(), np.concatenate([dense, dense]))


def test_other_widths_do_not_stack() -> None:
    with pytest.raises(ValueError, match=r"widths \[2, 3\]"):
        matrix.vstack([matrix.empty(3), matrix.empty(2)])
