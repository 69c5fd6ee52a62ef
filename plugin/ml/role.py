"""Inference: features in, class probabilities out, with numpy alone.

Two algorithms. ``net``: arrays ``W0`` (columns, hidden), ``b0`` (hidden,), ``W1`` (hidden,
classes), ``b1`` (classes,), float32, and optionally ``scale`` (columns,), what each feature is
multiplied with; relu, softmax. ``forest``: all trees flattened into ``feature`` (-1 = leaf),
``threshold``, ``left``, ``right`` (positions, both greater than their parent's), ``value``
(nodes, classes; a leaf's row sums to 1) and ``roots``; a row goes left when its value is <= the
threshold; the leaves of all trees are averaged. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.matrix import distinct
from plugin.ml.model import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.matrix import Matrix
    from plugin.ml.model import Model

RANKED = 3
"""Labels in a ranking; Poseidon stops on fewer."""
_LEAF = -1
_BLOCK_VALUES = 1 << 18
"""Values gathered at once: 1 MB of float32, which stays in the second-level cache."""


class Ranking(NamedTuple):
    """The likeliest classes, best first, never fewer than three."""

    labels: tuple[str, ...]
    confidences: tuple[float, ...]


def predict_proba(model: Model, matrix: Matrix) -> NDArray[np.float64]:
    """Probabilities before calibration.

    Args:
        model: a checked model.
        matrix: rows of the model's feature set.

    Returns:
        (n_rows, n_classes); each row sums to 1.

    Raises:
        ValueError: the matrix has another number of columns than the model.
    """
    wanted = n_columns(model)
    if wanted is not None and matrix.n_columns != wanted:
        raise ValueError(f"{matrix.n_columns} columns, but the model has {wanted}")
    step = _net if model.manifest.algorithm == "net" else _forest
    return step(model, matrix).astype(np.float64)


def n_columns(model: Model) -> int | None:
    """Columns that the model's arrays were made for; None for a forest, which does not tell."""
    return int(model.arrays["W0"].shape[0]) if model.manifest.algorithm == "net" else None


def calibrate(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Temperature scaling: p ** (1 / temperature), to sum 1 again along the last axis."""
    logs = np.log(np.maximum(probabilities, 1e-12)) / temperature
    logs -= logs.max(axis=-1, keepdims=True)
    scaled = np.exp(logs)
    return np.asarray(scaled / scaled.sum(axis=-1, keepdims=True))


def confidences(model: Model, matrix: Matrix) -> NDArray[np.float64]:
    """(n_classes,) calibrated confidences of one device: the mean over its rows, calibrated.

    Raises:
        ValueError: no rows, or rows of another width than the model's.
    """
    if not matrix.n_rows:
        raise ValueError("no rows to predict from")
    return calibrate(predict_proba(model, matrix).mean(axis=0), model.manifest.temperature)


def rank(classes: tuple[str, ...], probabilities: NDArray[np.float64] | None) -> Ranking:
    """The three likeliest classes, padded with ("Unknown", 0.0).

    Args:
        classes: names, in the model's order.
        probabilities: (n_classes,); None for a device about which nothing can be said.
            Of equal ones the class that comes first in ``classes`` ranks first.
    """
    order: list[int] = []
    found: list[float] = []
    if probabilities is not None:
        order = np.argsort(-probabilities, kind="stable")[:RANKED].tolist()
        found = probabilities[order].tolist()
    missing = RANKED - len(found)
    labels = (*(classes[k] for k in order), *(UNKNOWN,) * missing)
    return Ranking(labels, (*found, *(0.0,) * missing))


def _net(model: Model, matrix: Matrix) -> NDArray[np.float32]:
    """Softmax of the net's output.

    Rows with equally many values are taken together: their weight rows (and the bias, as one
    more row) are gathered into a (rows, values + 1, hidden) block and multiplied as a stack of
    small products. That is as fast as scipy's sparse product, and needs no import.
    """
    arrays = model.arrays
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
    return softmax(logits, _f32(arrays["b1"]))


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


def _forest(model: Model, matrix: Matrix) -> NDArray[np.float64]:
    """Mean over the trees of the leaf that each row reaches, all trees stepping together."""
    arrays = model.arrays
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
    value = arrays["value"].astype(np.float64)
    result = np.empty((matrix.n_rows, value.shape[1]))
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
        result[numbers] = value[at].mean(axis=1)
    return result


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
