"""Fitted estimators of scikit-learn as the plain arrays that a model keeps.

:mod:`plugin.ml.role` tells what the arrays are and predicts from them. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.ml.algorithms import flat_trees
from plugin.ml.role import spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.train import Fitted

NEVER = -1e4
"""What a class that training lacks gets before the softmax: nothing after it."""


def to_arrays(fitted: Fitted, n_classes: int) -> dict[str, NDArray[Any]]:
    """The arrays of a model.

    A net's scale is multiplied into ``W0``; columns never seen have no say. All nodes of all
    trees stand in one table, ``roots`` says where each tree begins; a leaf has ``feature`` -1.

    Args:
        fitted: what was fitted, on ``n_classes`` classes and perhaps a background.
        n_classes: classes of the model.
    """
    estimator = fitted.estimator
    if hasattr(estimator, "coefs_"):
        own = _net(fitted, n_classes)
    elif hasattr(estimator, "learning_rate"):
        own = _boosting(estimator, n_classes)
    else:
        own = _forest(estimator, n_classes)
    return own if fitted.beside is None else own | to_arrays(fitted.beside, n_classes)


def _width(estimator: Any, n_classes: int) -> int:
    """Columns of an output: the background has one only where it was learned."""
    return max(n_classes, int(estimator.classes_.max()) + 1)


def _net(fitted: Fitted, n_classes: int) -> dict[str, NDArray[Any]]:
    estimator = fitted.estimator
    (w0, w1), (b0, b1) = estimator.coefs_, estimator.intercepts_
    if estimator.out_activation_ == "logistic":
        # Two classes: scikit-learn keeps one output; softmax over (0, z) is the same.
        w1 = np.hstack([np.zeros_like(w1), w1])
        b1 = np.concatenate([np.zeros_like(b1), b1])
    whole = np.zeros((len(fitted.scale), w0.shape[1]))
    whole[fitted.columns] = w0 * fitted.scale[fitted.columns, None]
    width = _width(estimator, n_classes)
    out, bias = np.zeros((len(b0), width)), np.full(width, NEVER)
    out[:, estimator.classes_] = w1
    bias[estimator.classes_] = b1
    arrays = {"W0": whole, "b0": b0, "W1": out, "b1": bias}
    return {name: a.astype(np.float32) for name, a in arrays.items()}


def _forest(forest: Any, n_classes: int) -> dict[str, NDArray[Any]]:
    tables = [tree.tree_ for tree in flat_trees(forest)]
    found = np.concatenate([t.value[:, 0, :] for t in tables])
    values = np.zeros((len(found), n_classes + 1))
    values[:, forest.classes_] = found / found.sum(axis=1, keepdims=True)
    return _table(tables, spread(values, n_classes))


def _boosting(boosting: Any, n_classes: int) -> dict[str, NDArray[Any]]:
    """The leaves times the rate, each in the column of the class that its tree speaks for.

    Of two classes scikit-learn fits one tree a stage, for the second; softmax over (0, z) is
    the same.
    """
    tables = [tree.tree_ for tree in flat_trees(boosting)]
    classes = boosting.classes_[-boosting.estimators_.shape[1] :]
    nodes = [t.node_count for t in tables]
    column = np.repeat(np.tile(classes, len(boosting.estimators_)), nodes)
    values = np.zeros((len(column), _width(boosting, n_classes)))
    found = np.concatenate([t.value[:, 0, 0] for t in tables]) * boosting.learning_rate
    values[np.arange(len(column)), column] = found
    made = _table(tables, values)
    missing = np.setdiff1d(np.arange(values.shape[1]), boosting.classes_)
    if len(missing):  # no tree speaks for them: in every leaf of the first, so in every sum
        first = np.arange(len(column)) < nodes[0]
        made["value"][np.ix_(first & (made["feature"] < 0), missing)] = NEVER
    return made


def _table(tables: list[Any], values: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """All trees' nodes below each other.

    Args:
        tables: scikit-learn's tree tables.
        values: (n_nodes, n_classes) what each node says; only leaves' count.
    """
    roots = np.cumsum([0, *(t.node_count for t in tables)])[:-1]

    def children(side: str) -> NDArray[np.int32]:
        parts = [getattr(t, f"children_{side}") for t in tables]
        moved = [np.where(p < 0, -1, p + root) for p, root in zip(parts, roots, strict=True)]
        return np.concatenate(moved).astype(np.int32)

    left = children("left")
    feature = np.concatenate([t.feature for t in tables])
    values = np.where(left[:, None] >= 0, 0, values)  # only leaves are read; zeros compress
    return {
        "feature": np.where(left < 0, -1, feature).astype(np.int32),
        "threshold": np.concatenate([t.threshold for t in tables]).astype(np.float64),
        "left": left,
        "right": children("right"),
        "value": values.astype(np.float32),
        "roots": roots.astype(np.int32),
    }
