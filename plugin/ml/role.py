"""Inference: features in, class probabilities out, by the compiled loops or numpy alone.

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

from plugin.core import loops
from plugin.ml.model import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from plugin.core import Loops, RowBuffers
    from plugin.ml.matrix import Matrix
    from plugin.ml.model import Model

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
    compiled = loops()
    if compiled is not None:
        step = _compiled_net if model.manifest.algorithm == "net" else _compiled_forest
        return step(compiled, model, matrix)
    from plugin.ml import inference

    plain = inference.net if model.manifest.algorithm == "net" else inference.forest
    return plain(model.arrays, matrix)


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


def _compiled_net(compiled: Loops, model: Model, matrix: Matrix) -> NDArray[np.float64]:
    arrays = model.arrays
    w0, b0, w1, b1 = (_buffer(arrays[name], np.float32) for name in ("W0", "b0", "W1", "b1"))
    scale = _buffer(arrays["scale"], np.float32) if "scale" in arrays else None
    out = np.empty((matrix.n_rows, arrays["b1"].shape[0]))
    compiled.net(_row_buffers(matrix), (w0, b0, w1, b1, scale), out.data)
    return out


def _compiled_forest(compiled: Loops, model: Model, matrix: Matrix) -> NDArray[np.float64]:
    arrays = model.arrays
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
