"""Fitting: a one-hidden-layer net or a random forest on weighted rows, and its calibration.

scikit-learn fits; what comes out are plain arrays that predict without it
(:mod:`plugin.ml.role`). Every capture counts equally however many rows it has, and classes are
balanced. All randomness comes from the seed. This file computes only.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from plugin.errors import DatasetError
from plugin.ml.matrix import Matrix
from plugin.ml.role import calibrate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from plugin.ml.dataset import Cases

Algorithm = Literal["net", "forest"]
Options = tuple[tuple[str, float], ...]
"""One point of a grid: (option, value) pairs in a fixed order."""

GRIDS: Mapping[str, tuple[Options, ...]] = {
    "net": tuple(
        (("hidden", hidden), ("alpha", alpha)) for hidden in (16, 32) for alpha in (0.01, 0.1, 1.0)
    ),
    "forest": tuple(
        (("trees", 100), ("leaf", leaf), ("share", share))
        for leaf in (1, 2)
        for share in (0.03, 0.1, 0.3)
    ),
}
"""What the grid search tries. ``hidden`` units, ``alpha`` L2 penalty; ``trees``, ``leaf`` least
samples a leaf, ``share`` of columns looked at for a split."""

NET_ITERATIONS = 300
TEMPERATURES = np.geomspace(0.4, 2.5, 61)
"""Tried for calibration; the bounds keep a handful of captures from going to extremes."""
THRESHOLDS = np.linspace(0.2, 0.99, 80)
"""Confidences tried as the threshold of "known"."""
ACCEPTED_RIGHT = 0.9
"""So large a share of the accepted answers on whole captures must be right."""
TOLERANCE = 0.05
"""By how much accepted answers on a capture's first sessions may be worse."""
_FLOOR = 0.01
"""Least probability that counts in a loss: a forest's 0 must not outweigh all other captures."""

_DENSE_CELLS = 50_000
"""A net's rows with so few cells are handed over dense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that is needed to make a model again from the same captures."""

    algorithm: Algorithm
    features: str
    grid: tuple[Options, ...]
    seed: int = 0
    folds: int = 5

    def document(self) -> dict[str, Any]:
        """As plain JSON values, for the model's manifest."""
        return {
            "algorithm": self.algorithm,
            "features": self.features,
            "grid": [dict(options) for options in self.grid],
            "seed": self.seed,
            "folds": self.folds,
        }


class Fitted(NamedTuple):
    """A fitted estimator of scikit-learn, and what it is shown of a row."""

    estimator: Any
    scale: NDArray[np.float64]
    """(n_columns,) what each column is multiplied by beforehand."""
    columns: NDArray[np.int64]
    """(n_shown,) the columns that it is shown, ascending."""


class Single(NamedTuple):
    """What is learned where all training rows are of one class: that class, always."""

    classes_: NDArray[np.int64]
    """(1,) the class, named as scikit-learn's estimators do."""

    def predict_proba(self, rows: Any) -> NDArray[np.float64]:
        """(n_rows, 1) ones."""
        return np.ones((rows.shape[0], 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was learned on validation folds only."""

    temperature: float
    threshold: float
    min_packets: int
    min_sessions: int


def row_weights(
    owner: NDArray[np.int64], y: NDArray[np.int64], n_samples: int
) -> NDArray[np.float64]:
    """(n_rows,) weights: equal for each capture, balanced over classes, mean about 1.

    Args:
        owner: (n_rows,) the sample of each row.
        y: (n_samples,) class numbers.
        n_samples: samples, those without a row included.
    """
    rows = np.bincount(owner, minlength=n_samples)
    present = np.bincount(y[rows > 0])
    of_class = np.divide(1.0, present, where=present > 0, out=np.zeros(len(present)))
    weights = of_class[y[owner]] / rows[owner]
    return np.asarray(weights * (len(weights) / weights.sum()), np.float64)


def merge_equal(
    rows: Matrix, y: NDArray[np.int64], weights: NDArray[np.float64]
) -> tuple[Matrix, NDArray[np.int64], NDArray[np.float64]]:
    """Put equal rows of one class into one, with the sum of their weights.

    The loss is the same; a chatty device's hundreds of equal sessions cost one row.
    """
    first: dict[tuple[int, bytes, bytes], int] = {}
    place = np.empty(rows.n_rows, np.int64)
    for i, (begin, end) in enumerate(zip(rows.indptr[:-1], rows.indptr[1:], strict=True)):
        content = rows.indices[begin:end].tobytes(), rows.data[begin:end].tobytes()
        place[i] = first.setdefault((int(y[i]), *content), len(first))
    _, begin = np.unique(place, return_index=True)
    return rows.rows(begin), y[begin], np.bincount(place, weights).astype(np.float64)


def fit(options: Options, recipe: Recipe, cases: Cases) -> Fitted:
    """Fit one point of the grid on all samples.

    Args:
        options: the point of the grid.
        recipe: algorithm and seed.
        cases: training samples; not every class need occur.

    Raises:
        DatasetError: a net is to learn a background.
    """
    from threadpoolctl import threadpool_limits

    material, y = cases.material, cases.y
    if recipe.algorithm == "net" and not cases.inside.all():
        raise DatasetError("a net has no background", advice="use --algorithm forest")
    weights = row_weights(material.owner, y, len(material))
    rows, labels, weights = merge_equal(material.rows, y[material.owner], weights)
    if recipe.algorithm == "forest":
        every = np.arange(rows.n_columns)
        shown = Fitted(_forest(dict(options), recipe), np.ones(rows.n_columns), every)
    else:
        scale = _max_abs_scale(rows)
        present = np.unique(labels)
        # A net of scikit-learn cannot have one class: it would answer with two.
        estimator = _net(dict(options), recipe) if len(present) > 1 else Single(present)
        seen = np.flatnonzero(scale)  # of thousands of columns, often a few dozen
        shown = Fitted(estimator, scale, seen if len(seen) else np.zeros(1, np.int64))
    if isinstance(shown.estimator, Single):
        return shown
    # Threads cost such small products ten times what they give; processes share the fits.
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        # The number of iterations is a bound that we set, not a mistake to report.
        warnings.filterwarnings("ignore", message="lbfgs failed to converge")
        shown.estimator.fit(_shown(rows, shown), labels, sample_weight=weights)
    return shown


def _forest(chosen: Mapping[str, float], recipe: Recipe) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=int(chosen["trees"]),
        min_samples_leaf=int(chosen["leaf"]),
        max_features=float(chosen["share"]),
        random_state=recipe.seed,
        n_jobs=1,
    )


def _net(chosen: Mapping[str, float], recipe: Recipe) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        hidden_layer_sizes=(int(chosen["hidden"]),),
        alpha=float(chosen["alpha"]),
        solver="lbfgs",  # whole-batch: deterministic, and quick on so few rows
        max_iter=NET_ITERATIONS,
        random_state=recipe.seed,
    )


def predict(
    fitted: Fitted, rows: Matrix, owner: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Mean of the rows' probabilities, for each sample.

    Args:
        fitted: what predicts.
        rows: (n_rows, n_columns).
        owner: (n_rows,) the sample of each row.
        shape: n_samples and n_classes.

    Returns:
        (n_samples, n_classes); all 0 for a sample without rows.
    """
    n_samples, n_classes = shape
    result = np.zeros((n_samples, n_classes + 1))
    if rows.n_rows:
        single = fitted.estimator.predict_proba(_shown(rows, fitted))
        sums = np.zeros((n_samples, single.shape[1]))
        np.add.at(sums, owner, single)
        counts = np.bincount(owner, minlength=n_samples)
        result[:, fitted.estimator.classes_] = sums / np.maximum(counts, 1)[:, None]
    return spread(result)


def spread(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share the background's probability out evenly: it says that nothing is known.

    A device that is like the background then comes out with all classes equally likely, below
    any threshold, and the ranking still holds classes only.

    Args:
        probabilities: (n, n_classes + 1), the background last.

    Returns:
        (n, n_classes)
    """
    n_classes = probabilities.shape[1] - 1
    shared: NDArray[np.float64] = probabilities[:, :-1] + probabilities[:, -1:] / n_classes
    return shared


def soften(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Probabilities to the power 1/T, normalised again: temperature scaling as in prediction.

    Guo et al., On Calibration of Modern Neural Networks (ICML 2017), applied to the mean over
    a device's sessions, whose logarithm stands in for the logits.
    """
    return calibrate(probabilities, temperature)


def log_loss(probabilities: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """Mean negative log-likelihood, in nats."""
    p = probabilities[np.arange(len(y)), y]
    return float(-np.log(np.maximum(p, _FLOOR)).mean())


def fit_temperature(probabilities: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """The temperature of least log loss on validation predictions (a fixed, fine grid)."""
    losses = [log_loss(soften(probabilities, t), y) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


class Validated(NamedTuple):
    """Validation answers of samples, whole or cut to their first sessions."""

    top: NDArray[np.float64]
    """(n,) highest calibrated confidence."""
    right: NDArray[np.bool_]
    """(n,) whether that class is the true one."""


def fit_decision(
    whole: Validated, sessions: NDArray[np.int64], cut: Mapping[int, Validated]
) -> tuple[float, int]:
    """Choose when a role counts as known: from which confidence on, on how many sessions.

    Among all pairs for which :data:`ACCEPTED_RIGHT` of the accepted whole captures are right,
    and nearly as many (:data:`TOLERANCE`) of the answers accepted on any prefix that long or
    longer, the one that accepts most right answers. Where no pair does: the threshold that
    best separates right from wrong (Youden's J), on the longest prefix.

    Args:
        whole: answers on whole captures.
        sessions: (n,) sessions of each.
        cut: number of first sessions -> answers on captures cut to them.

    Returns:
        Threshold and least sessions.
    """
    best: tuple[int, int, float] | None = None
    for count in sorted(cut) or [1]:
        enough = sessions >= count
        for threshold in THRESHOLDS:
            accepted = (whole.top >= threshold) & enough
            gain = int((whole.right & accepted).sum())
            longer = [cut[k] for k in cut if k >= count]
            if (
                gain
                and _share_right(whole, accepted) >= ACCEPTED_RIGHT
                and all(
                    _share_right(v, (v.top >= threshold)) >= ACCEPTED_RIGHT - TOLERANCE
                    for v in longer
                )
            ):
                candidate = (gain, -count, float(threshold))
                best = candidate if best is None else max(best, candidate)
    if best is None:
        wrong = ~whole.right
        gains = [
            (whole.top[whole.right] >= t).mean() - (whole.top[wrong] >= t).mean()
            if whole.right.any() and wrong.any()
            else t
            for t in THRESHOLDS
        ]
        return float(THRESHOLDS[int(np.argmax(gains))]), max(cut, default=1)
    return best[2], -best[1]


def least_packets(packets: NDArray[np.int64], right: NDArray[np.bool_]) -> int:
    """The fewest packets with which any validation capture was right; fewer never sufficed."""
    return max(int(packets[right].min()), 1) if right.any() else int(packets.max(initial=1))


def _share_right(answers: Validated, accepted: NDArray[np.bool_]) -> float:
    return float(answers.right[accepted].mean()) if accepted.any() else 1.0


def to_arrays(fitted: Fitted, n_classes: int) -> dict[str, NDArray[Any]]:
    """The arrays of the model, as :mod:`plugin.ml.role` reads them.

    A net: ``W0`` (n_columns, hidden), ``b0``, ``W1`` (hidden, n_classes), ``b1``; the scale is
    multiplied into ``W0``. A forest: all nodes of all trees in one table, ``roots`` where each
    tree begins; a leaf has ``feature`` -1.
    """
    if hasattr(fitted.estimator, "coefs_"):
        return _net_arrays(fitted)
    return _forest_arrays(fitted.estimator, n_classes)


def _net_arrays(fitted: Fitted) -> dict[str, NDArray[Any]]:
    (w0, w1), (b0, b1) = fitted.estimator.coefs_, fitted.estimator.intercepts_
    if fitted.estimator.out_activation_ == "logistic":
        # Two classes: scikit-learn keeps one output; softmax over (0, z) is the same.
        w1 = np.hstack([np.zeros_like(w1), w1])
        b1 = np.concatenate([np.zeros_like(b1), b1])
    whole = np.zeros((len(fitted.scale), w0.shape[1]))  # columns never seen have no say
    whole[fitted.columns] = w0 * fitted.scale[fitted.columns, None]
    arrays = {"W0": whole, "b0": b0, "W1": w1, "b1": b1}
    return {name: a.astype(np.float32) for name, a in arrays.items()}


def _forest_arrays(forest: Any, n_classes: int) -> dict[str, NDArray[Any]]:
    tables = [tree.tree_ for tree in forest.estimators_]
    roots = np.cumsum([0, *(t.node_count for t in tables)])[:-1]

    def children(side: str) -> NDArray[np.int32]:
        parts = [getattr(t, f"children_{side}") for t in tables]
        moved = [np.where(p < 0, -1, p + root) for p, root in zip(parts, roots, strict=True)]
        return np.concatenate(moved).astype(np.int32)

    left = children("left")
    found = np.concatenate([t.value[:, 0, :] for t in tables])
    values = np.zeros((len(left), n_classes + 1))
    values[:, forest.classes_] = found / found.sum(axis=1, keepdims=True)
    values = spread(values)
    values[left >= 0] = 0  # only leaves are read; zeros compress
    feature = np.concatenate([t.feature for t in tables])
    return {
        "feature": np.where(left < 0, -1, feature).astype(np.int32),
        "threshold": np.concatenate([t.threshold for t in tables]).astype(np.float64),
        "left": left,
        "right": children("right"),
        "value": values.astype(np.float32),
        "roots": roots.astype(np.int32),
    }


def _max_abs_scale(rows: Matrix) -> NDArray[np.float64]:
    largest = np.zeros(rows.n_columns)
    np.maximum.at(largest, rows.indices, np.abs(rows.data))
    scale: NDArray[np.float64] = np.where(largest > 0, 1 / np.where(largest > 0, largest, 1), 0.0)
    return scale  # a column never seen in training has no say


def _shown(rows: Matrix, fitted: Fitted) -> Any:
    """The rows as the estimator gets them: scaled, only its columns, sparse if large."""
    if len(fitted.columns) == rows.n_columns:
        data = (rows.data * fitted.scale[rows.indices]).astype(np.float32)
        return Matrix(rows.indptr, rows.indices, data, rows.n_columns).to_scipy()
    found = rows.to_scipy().astype(np.float64)[:, fitted.columns]
    found = found.multiply(fitted.scale[fitted.columns]).tocsr()
    # A small dense table is multiplied before scipy has looked at a sparse one.
    return found.toarray() if found.shape[0] * found.shape[1] <= _DENSE_CELLS else found
