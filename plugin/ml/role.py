"""Inference: features in, class probabilities out, by the compiled loops or numpy alone.

``net``: arrays ``W0`` (columns, hidden), ``b0`` (hidden,), ``W1`` (hidden, classes), ``b1``
(classes,), float32, and optionally ``scale`` (columns,), what each feature is multiplied with;
relu, softmax. ``forest`` and ``trees``: all trees flattened into ``feature`` (-1 = leaf),
``threshold``, ``left``, ``right`` (positions, both greater than their parent's), ``value``
(nodes, classes; a leaf's row sums to 1) and ``roots``; a row goes left when its value is <= the
threshold; the leaves of all trees are averaged. ``boosting``: the same arrays, whose leaves are
any numbers; they are added up, softmax. ``ensemble``: the arrays of a net and of trees, and the
mean of both.

A net and boosting may have one class more, the last: the background (:func:`spread`).
Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.core import loops
from plugin.ml.model import UNKNOWN, WITH_NET, WITH_TREES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from numpy.typing import DTypeLike, NDArray

    from plugin.core import RowBuffers
    from plugin.ml.matrix import Matrix
    from plugin.ml.model import Model

    Arrays = Mapping[str, NDArray[Any]]

RANKED = 3
"""Labels in a ranking; Poseidon stops on fewer."""


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
        ValueError: the matrix has another number of columns than the model, the arrays do not fit
            each other, or a row, a node reaches out of where it belongs.
    """
    wanted = n_columns(model)
    if wanted is not None and matrix.n_columns != wanted:
        raise ValueError(f"{matrix.n_columns} columns, but the model has {wanted}")
    kind, n_classes = model.manifest.algorithm, len(model.manifest.classes)
    found = [] if kind not in WITH_NET else [spread(_net(model.arrays, matrix), n_classes)]
    if kind in WITH_TREES:
        leaves = _forest(model.arrays, matrix, kind)
        found.append(
            spread(added_up(leaves, model.arrays) if kind == "boosting" else leaves, n_classes)
        )
    return found[0] if len(found) == 1 else np.asarray(sum(found) / len(found), np.float64)


def added_up(mean: NDArray[np.float64], arrays: Arrays) -> NDArray[np.float64]:
    """Softmax of the sum over trees, from their mean (n_rows, n_classes)."""
    sums = mean * len(arrays["roots"])
    shares = np.exp(sums - sums.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float64)


def spread(probabilities: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """Share the background's probability out evenly: it says that nothing is known.

    A device that is like the background then comes out with all classes equally likely, below
    any threshold, and the ranking still holds classes only.

    Args:
        probabilities: (n, n_classes), or (n, n_classes + 1) with the background last.
        n_classes: how many are classes.

    Returns:
        (n, n_classes)
    """
    if probabilities.shape[1] == n_classes:
        return probabilities
    return np.asarray(probabilities[:, :-1] + probabilities[:, -1:] / n_classes, np.float64)


def n_columns(model: Model) -> int | None:
    """Columns that the model's arrays were made for; None for trees alone, which do not tell."""
    return int(model.arrays["W0"].shape[0]) if model.manifest.algorithm in WITH_NET else None


def calibrate(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Temperature scaling: p ** (1 / temperature), to sum 1 again along the last axis."""
    logs = np.log(np.maximum(probabilities, 1e-12)) / temperature
    logs -= logs.max(axis=-1, keepdims=True)
    scaled = np.exp(logs)
    return np.asarray(scaled / scaled.sum(axis=-1, keepdims=True))


def dispersion(confidences: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """How far a model's votes are spread over the classes: their entropy / log(classes), 0 to 1.

    A device of a kind that was never learned is like several kinds a little, which the highest
    confidence alone does not tell from like two of them much. Calibration is undone first: it
    makes small votes smaller, and they are what tells.

    Args:
        confidences: (..., n_classes) calibrated.
        temperature: that they were calibrated with.

    Returns:
        (...,)
    """
    votes = calibrate(confidences, 1 / temperature)
    logs = np.log(np.maximum(votes, 1e-12))
    spread_by = -(votes * logs).sum(axis=-1) / np.log(votes.shape[-1])
    return np.asarray(np.minimum(spread_by, 1.0), np.float64)


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


def _net(arrays: Arrays, matrix: Matrix) -> NDArray[np.float64]:
    compiled = loops()
    if compiled is None:
        from plugin.ml import inference

        return inference.net(arrays, matrix)
    w0, b0, w1, b1 = (_buffer(arrays[name], np.float32) for name in ("W0", "b0", "W1", "b1"))
    scale = _buffer(arrays["scale"], np.float32) if "scale" in arrays else None
    out = np.empty((matrix.n_rows, arrays["b1"].shape[0]))
    compiled.net(_row_buffers(matrix), (w0, b0, w1, b1, scale), out.data)
    return out


def _forest(arrays: Arrays, matrix: Matrix, kind: str) -> NDArray[np.float64]:
    """(n_rows, n_classes) mean over the trees of the leaf that each row reaches."""
    compiled = loops()
    if compiled is None:
        from plugin.ml import inference

        return inference.forest(arrays, matrix, kind)
    n_classes = arrays["value"].shape[1]
    trees = (
        _buffer(arrays["feature"], np.int32),
        _buffer(arrays["threshold"], np.float64),
        _buffer(arrays["left"], np.int32),
        _buffer(arrays["right"], np.int32),
        _buffer(arrays["value"], np.float32),
        _buffer(arrays["roots"], np.int32),
    )
    out = np.empty((matrix.n_rows, n_classes))
    compiled.forest(_row_buffers(matrix), trees, n_classes, out.data)
    return out


def _row_buffers(matrix: Matrix) -> RowBuffers:
    return (
        _buffer(matrix.indptr, np.int64),
        _buffer(matrix.indices, np.int32),
        _buffer(matrix.data, np.float32),
        matrix.n_columns,
    )


def _buffer(array: NDArray[np.generic], kind: DTypeLike) -> memoryview:
    """The array as C reads it: its own memory, when that is so already."""
    return np.require(array, kind, ("C", "A")).data
