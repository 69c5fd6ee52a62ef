"""One step of a model over sparse rows in numpy: where the compiled loops are not.

What :mod:`plugin.core`'s ``net`` and ``forest`` do in C, to the same probabilities within 1e-6.
A net is about as fast as scikit-learn's, a forest ten times slower. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.ml.arrays import check_net, check_trees
from plugin.ml.matrix import distinct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from plugin.ml.matrix import Matrix

    Arrays = Mapping[str, NDArray[Any]]

_LEAF = -1
_BLOCK_VALUES = 1 << 18
"""Values gathered at once: 1 MB of float32, which stays in the second-level cache."""


def net(arrays: Arrays, matrix: Matrix) -> NDArray[np.float64]:
    """Softmax of a net's output; :mod:`plugin.ml.role` tells the arrays.

    Rows with equally many values are taken together: their weight rows (and the bias, as one
    more row) are gathered into a (rows, values + 1, hidden) block and multiplied as a stack of
    small products. That is as fast as scipy's sparse product, and needs no import.

    Returns:
        (n_rows, n_classes)

    Raises:
        ValueError: the arrays do not fit each other or the matrix, or a row reaches out of it.
    """
    check_net(arrays, matrix.n_columns, arrays["b1"].shape[0])
    _check_rows(matrix)
    weights = np.concatenate([_f32(arrays["W0"]), _f32(arrays["b0"])[None, :]])
    out_weights = _f32(arrays["W1"])
    data = matrix.data
    if "scale" in arrays:
        data = data * _f32(arrays["scale"])[matrix.indices]
    counts = matrix.counts()
    logits = np.empty((matrix.n_rows, out_weights.shape[1]), np.float32)
    for count in np.flatnonzero(np.bincount(counts)):
        chosen = np.flatnonzero(counts == count)
        places = matrix.indptr[chosen, None] + np.arange(count)
        columns = np.full((len(chosen), count + 1), matrix.n_columns, np.intp)
        columns[:, :-1] = matrix.indices.take(places)
        values = np.ones((len(chosen), 1, count + 1), np.float32)
        values[:, 0, :-1] = data.take(places)
        logits[chosen] = _layers(columns, values, weights, out_weights)
    return softmax(logits, _f32(arrays["b1"])).astype(np.float64)


def _layers(
    columns: NDArray[np.intp],
    values: NDArray[np.float32],
    weights: NDArray[np.float32],
    out_weights: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Both layers for rows of one length, block by block.

    Args:
        columns: (n, k) rows of ``weights``.
        values: (n, 1, k) what each is multiplied with.
        weights: (columns, hidden), bias included.
        out_weights: (hidden, classes).

    Returns:
        (n, classes) before the last bias.
    """
    n, k = columns.shape
    hidden = weights.shape[1]
    block = max(1, min(n, _BLOCK_VALUES // (hidden * k)))
    gathered = np.empty((block, k, hidden), np.float32)
    layer = np.empty((block, 1, hidden), np.float32)
    found = np.empty((n, out_weights.shape[1]), np.float32)
    for begin in range(0, n, block):
        part = slice(begin, begin + block)
        m = len(columns[part])
        np.take(weights, columns[part], axis=0, out=gathered[:m], mode="clip")
        np.matmul(values[part], gathered[:m], out=layer[:m])
        np.maximum(layer[:m], 0, out=layer[:m])
        np.matmul(layer[:m, 0], out_weights, out=found[part])
    return found


def softmax(logits: NDArray[np.float32], bias: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, classes) of exp(logits + bias), each row to sum 1.

    Done on the transposed array: numpy is slow along short rows.
    """
    columns = np.ascontiguousarray(logits.T)
    columns += bias[:, None]
    columns -= columns.max(axis=0, initial=-np.inf)
    np.exp(columns, out=columns)
    columns /= columns.sum(axis=0)
    return columns.T


def forest(arrays: Arrays, matrix: Matrix, kind: str = "forest") -> NDArray[np.float64]:
    """Mean over the trees of the leaf that each row reaches, all trees stepping together.

    Args:
        arrays: of the trees.
        matrix: rows.
        kind: the algorithm, which says what a leaf may hold.

    Returns:
        (n_rows, n_classes)

    Raises:
        ValueError: a node reaches out of the columns or its tree, or a row out of the matrix.
    """
    value = arrays["value"].astype(np.float64)
    result = np.empty((matrix.n_rows, value.shape[1]))
    for numbers, at in _walks(arrays, matrix, kind):
        result[numbers] = value[at].mean(axis=1)
    return result


def leaves(arrays: Arrays, matrix: Matrix, kind: str) -> NDArray[np.int64]:
    """(n_rows, n_trees) position of the leaf that each row reaches in each tree.

    Raises:
        ValueError: as for :func:`forest`.
    """
    result = np.empty((matrix.n_rows, len(arrays["roots"])), np.int64)
    for numbers, at in _walks(arrays, matrix, kind):
        result[numbers] = at
    return result


def _walks(
    arrays: Arrays, matrix: Matrix, kind: str
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.intp]]]:
    """Blocks of rows: their numbers, and (n, n_trees) the leaf that each reaches."""
    check_trees(arrays, kind, matrix.n_columns, arrays["value"].shape[1])
    if not len(arrays["roots"]):
        raise ValueError("the forest has no tree")
    _check_rows(matrix)
    feature = arrays["feature"].astype(np.int32)
    threshold = arrays["threshold"].astype(np.float64)
    # Only columns that some tree looks at are made dense.
    looked_at = feature[feature >= 0]
    found = distinct(looked_at)
    used = looked_at[found.first]
    column = np.zeros(len(feature), np.intp)
    column[feature >= 0] = found.number
    children = np.stack([arrays["right"], arrays["left"]], axis=1)
    roots = arrays["roots"].astype(np.intp)
    block = max(1, _BLOCK_VALUES // max(1, len(roots), len(used)))
    for begin in range(0, matrix.n_rows, block):
        numbers = np.arange(begin, min(begin + block, matrix.n_rows))
        dense = _columns(matrix.rows(numbers), used)
        at = np.repeat(roots[None, :], len(numbers), axis=0)
        inner = np.argwhere(feature[at] != _LEAF)
        while len(inner):
            row, tree = inner[:, 0], inner[:, 1]
            node = at[row, tree]
            left = dense[row, column[node]] <= threshold[node]
            node = children[node, left.astype(np.intp)]
            at[row, tree] = node
            inner = inner[feature[node] != _LEAF]
        yield numbers, at


def _check_rows(matrix: Matrix) -> None:
    counts = matrix.counts()
    indices = matrix.indices
    within = (
        len(matrix.indptr) > 0
        and matrix.indptr[0] == 0
        and matrix.indptr[-1] == len(indices) == len(matrix.data)
        and bool(((counts >= 0) & (counts <= matrix.n_columns)).all())
        and bool(((indices >= 0) & (indices < matrix.n_columns)).all())
    )
    if not within:
        raise ValueError("a row of the matrix reaches out of it")


def _columns(matrix: Matrix, used: NDArray[np.integer]) -> NDArray[np.float32]:
    """(n_rows, len(used)) the chosen columns, dense; at least one column, of zeros."""
    dense = np.zeros((matrix.n_rows, max(1, len(used))), np.float32)
    if not len(used):
        return dense
    place = np.searchsorted(used, matrix.indices)
    place[place == len(used)] = 0
    there = used[place] == matrix.indices
    dense[matrix.row_numbers()[there], place[there]] = matrix.data[there]
    return dense


def _f32(array: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.ascontiguousarray(array, dtype=np.float32)
