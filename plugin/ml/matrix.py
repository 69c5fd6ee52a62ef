"""A sparse matrix in compressed rows, without scipy.

Feature rows are nearly empty (at most 8 of 4,104 columns a session), so everything between
the sessions and the model's first layer is held as CSR. This file computes only: it never
touches a file, the network or a clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix


class Matrix(NamedTuple):
    """Compressed sparse rows; column indices ascend within a row, none is repeated."""

    indptr: NDArray[np.int64]
    """(n_rows + 1,) where each row begins in ``indices`` and ``data``."""
    indices: NDArray[np.int32]
    """(nnz,) column of each stored value."""
    data: NDArray[np.float32]
    """(nnz,) the stored values."""
    n_columns: int

    @property
    def n_rows(self) -> int:
        """Rows of the matrix."""
        return len(self.indptr) - 1

    @property
    def nnz(self) -> int:
        """Values stored."""
        return len(self.indices)

    def counts(self) -> NDArray[np.int64]:
        """(n_rows,) values stored in each row."""
        return np.diff(self.indptr)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.integer]) -> Matrix:
        """The chosen rows, in the order asked for.

        Args:
            which: (n_rows,) booleans, or row numbers (each may come more than once).
        """
        numbers = np.flatnonzero(which) if which.dtype == np.bool_ else which.astype(np.int64)
        counts = self.counts()[numbers]
        indptr = starts_of(counts)
        # The place of each value: its row's begin here plus its offset within the row.
        places = np.arange(indptr[-1]) + np.repeat(self.indptr[numbers] - indptr[:-1], counts)
        return Matrix(indptr, self.indices[places], self.data[places], self.n_columns)

    def to_dense(self) -> NDArray[np.float32]:
        """(n_rows, n_columns) the whole matrix: 16 KB a row for 4,104 columns."""
        dense = np.zeros((self.n_rows, self.n_columns), np.float32)
        dense[self.row_numbers(), self.indices] = self.data
        return dense

    def row_numbers(self) -> NDArray[np.int64]:
        """(nnz,) the row of each stored value."""
        return np.repeat(np.arange(self.n_rows), self.counts())

    def column_sums(self) -> NDArray[np.float64]:
        """(n_columns,) sum over the rows."""
        return np.bincount(self.indices, self.data, self.n_columns).astype(np.float64)

    def to_scipy(self) -> csr_matrix:
        """The same as :class:`scipy.sparse.csr_matrix` (imports scipy; shares the arrays)."""
        from scipy.sparse import csr_matrix

        return csr_matrix((self.data, self.indices, self.indptr), (self.n_rows, self.n_columns))


class Distinct(NamedTuple):
    """The distinct values of an array, ascending."""

    first: NDArray[np.int64]
    """(n_distinct,) where each value stands first."""
    counts: NDArray[np.int64]
    """(n_distinct,) how often it stands there."""
    number: NDArray[np.int64]
    """(n,) which of the distinct values each one is."""


def distinct(values: NDArray[Any]) -> Distinct:
    """What numpy.unique finds, without the masked arrays that it imports (8 ms of a start).

    Args:
        values: (n,) of any type that sorts, raw bytes included.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    new = np.ones(len(values), np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    begins = np.flatnonzero(new)
    number = np.empty(len(values), np.int64)
    number[order] = np.cumsum(new) - 1
    ends = np.append(begins[1:], len(values)) if len(begins) else begins
    return Distinct(order[begins], ends - begins, number)


def starts_of(counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """(n + 1,) running begin of rows with these many values."""
    indptr = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    return indptr


def empty(n_columns: int, n_rows: int = 0) -> Matrix:
    """A matrix without any value."""
    return Matrix(
        np.zeros(n_rows + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32), n_columns
    )


def from_dense(dense: NDArray[np.floating]) -> Matrix:
    """The non-zero values of a two-dimensional array."""
    rows, columns = np.nonzero(dense)
    return Matrix(
        starts_of(np.bincount(rows, minlength=dense.shape[0])),
        columns.astype(np.int32),
        dense[rows, columns].astype(np.float32),
        int(dense.shape[1]),
    )


def from_entries(
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
    values: NDArray[np.floating],
    *,
    n_rows: int,
    n_columns: int,
) -> Matrix:
    """Collect (row, column, value) entries; those of one cell are added up.

    Args:
        rows: (n,) row of each entry.
        columns: (n,) column of each entry.
        values: (n,) what to add there, summed in float64.
        n_rows: rows of the matrix.
        n_columns: columns of the matrix.
    """
    if not len(rows):
        return empty(n_columns, n_rows)
    keys = rows.astype(np.int64) * n_columns + columns
    found = distinct(keys)
    cells = keys[found.first]
    sums = np.bincount(found.number, values)
    return Matrix(
        starts_of(np.bincount(cells // n_columns, minlength=n_rows)),
        (cells % n_columns).astype(np.int32),
        sums.astype(np.float32),
        n_columns,
    )


def vstack(parts: Sequence[Matrix]) -> Matrix:
    """Matrices of equal width, one below the other.

    Raises:
        ValueError: no part given, or widths differ.
    """
    widths = {part.n_columns for part in parts}
    if len(widths) != 1:
        raise ValueError(f"cannot stack matrices of widths {sorted(widths)}")
    return Matrix(
        starts_of(np.concatenate([part.counts() for part in parts])),
        np.concatenate([part.indices for part in parts]),
        np.concatenate([part.data for part in parts]),
        widths.pop(),
    )
