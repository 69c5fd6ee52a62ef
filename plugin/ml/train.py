"""Fitting: nets, forests and their like on weighted rows.

scikit-learn fits; what comes out are plain arrays that predict without it
(:mod:`plugin.ml.role`). Every capture counts equally however many rows it has, and classes are
balanced. All randomness comes from the seed. This file computes only.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.ml.algorithms import estimators_of, size_of
from plugin.ml.matrix import Matrix
from plugin.ml.role import spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.algorithms import Options
    from plugin.ml.dataset import Cases

_DENSE_CELLS = 50_000
"""Rows with so few cells are handed over dense."""
_DENSE_SHARE, _DENSE_CELLS_MAX = 0.1, 20_000_000
"""So are rows with so many values among their cells, up to 80 MB of them: trees of a full sparse
table take several times as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that is needed to make a model again from the same captures."""

    algorithm: str
    """A key of ``algorithms.GRIDS``."""
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
    beside: Fitted | None = None
    """Another, whose probabilities and this one's are averaged."""

    @property
    def size(self) -> int:
        """Numbers that the answers rest on."""
        return size_of(self.estimator) + (self.beside.size if self.beside else 0)


class Single(NamedTuple):
    """What is learned where all training rows are of one class: that class, always."""

    classes_: NDArray[np.int64]
    """(1,) the class, named as scikit-learn's estimators do."""

    def predict_proba(self, rows: Any) -> NDArray[np.float64]:
        """(n_rows, 1) ones."""
        return np.ones((rows.shape[0], 1))


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
    """
    from threadpoolctl import threadpool_limits

    material, y = cases.material, cases.y
    weights = row_weights(material.owner, y, len(material))
    rows, labels, weights = merge_equal(material.rows, y[material.owner], weights)
    made: Fitted | None = None
    # Threads cost such small products ten times what they give; processes share the fits.
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        # The number of iterations is a bound that we set, not a mistake to report.
        warnings.filterwarnings("ignore", message="lbfgs failed to converge")
        for algorithm, estimator in estimators_of(options, recipe.algorithm, recipe.seed)[::-1]:
            made = _unfitted(algorithm, estimator, rows, np.unique(labels), made)
            if not isinstance(made.estimator, Single):
                made.estimator.fit(_shown(rows, made), labels, sample_weight=weights)
    assert made is not None
    return made


def _unfitted(
    algorithm: str, estimator: Any, rows: Matrix, present: NDArray[np.int64], beside: Fitted | None
) -> Fitted:
    if algorithm in {"net", "boosting"} and len(present) < 2:  # noqa: PLR2004 — a second class
        # A net of scikit-learn cannot have one class: it would answer with two.
        estimator = Single(present)
    if algorithm != "net":  # trees do not care for scales
        every = np.arange(rows.n_columns)
        return Fitted(estimator, np.ones(rows.n_columns), every, beside)
    scale = _max_abs_scale(rows)
    seen = np.flatnonzero(scale)  # of thousands of columns, often a few dozen
    return Fitted(estimator, scale, seen if len(seen) else np.zeros(1, np.int64), beside)


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
    mine = spread(result, n_classes)
    return (
        mine if fitted.beside is None else (mine + predict(fitted.beside, rows, owner, shape)) / 2
    )


def _max_abs_scale(rows: Matrix) -> NDArray[np.float64]:
    largest = np.zeros(rows.n_columns)
    np.maximum.at(largest, rows.indices, np.abs(rows.data))
    scale: NDArray[np.float64] = np.where(largest > 0, 1 / np.where(largest > 0, largest, 1), 0.0)
    return scale  # a column never seen in training has no say


def _shown(rows: Matrix, fitted: Fitted) -> Any:
    """The rows as the estimator gets them: scaled, only its columns, sparse if large and sparse."""
    if len(fitted.columns) == rows.n_columns:
        data = (rows.data * fitted.scale[rows.indices]).astype(np.float32)
        whole = Matrix(rows.indptr, rows.indices, data, rows.n_columns)
        cells = rows.n_rows * rows.n_columns
        full = rows.nnz >= _DENSE_SHARE * cells and cells <= _DENSE_CELLS_MAX
        return whole.to_dense() if full else whole.to_scipy()
    found = rows.to_scipy().astype(np.float64)[:, fitted.columns]
    found = found.multiply(fitted.scale[fitted.columns]).tocsr()
    # A small dense table is multiplied before scipy has looked at a sparse one.
    return found.toarray() if found.shape[0] * found.shape[1] <= _DENSE_CELLS else found
