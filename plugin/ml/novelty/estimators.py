"""The detectors as scikit-learn's estimators: ``fit``, ``score_samples``, ``predict`` and the rest.

scikit-learn is imported here and nowhere else in this folder. Its conventions hold: scores are
*lower* for what is less usual, labels are 1 (usual) and -1. Stochastic outlier selection and
nearest neighbours judge the rows they were fitted on apart from new ones (a row is no neighbour
of its own), so they have ``novelty``, as scikit-learn's LocalOutlierFactor: without it
``fit_predict`` judges the rows of the fit, with it the other methods judge new rows.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from plugin.ml.novelty import knn, pca, sos
from plugin.ml.novelty.kept import autoencoder
from plugin.ml.novelty.kept.kind import Kept

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

CONTAMINATION = 0.1
"""Share of the rows of the fit that are called unusual, where nothing else is said."""
_SHARE = Interval(Real, 0, 0.5, closed="right")
_LEAST_ROWS = 2


def _for_new_rows(detector: _Detector) -> bool:
    if not detector._judges_new_rows:  # noqa: SLF001 - part of the class below
        raise AttributeError("novelty=False: only fit_predict judges, and only the rows of the fit")
    return True


def _for_the_rows_of_the_fit(detector: _Detector) -> bool:
    if not detector._judges_the_fit:  # noqa: SLF001 - part of the class below
        raise AttributeError("novelty=True: rows of the fit are not judged; fit, then predict")
    return True


class _Detector(OutlierMixin, BaseEstimator):
    """What all have in common.

    Attributes:
        offset_: the score below which a row is called unusual.
        negative_scores_: (n,) scores of the rows of the fit, each among the others where the
            method has neighbours; lower = less usual.
    """

    contamination: float | str
    offset_: float
    negative_scores_: NDArray[np.float64]
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"contamination": [_SHARE]}

    @property
    def _judges_new_rows(self) -> bool:
        return bool(getattr(self, "novelty", True))

    @property
    def _judges_the_fit(self) -> bool:
        return not getattr(self, "novelty", False)

    @abstractmethod
    def _learn(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Keep what is needed of (n, columns) rows; their scores, larger = less usual."""

    @abstractmethod
    def _score(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of (n, columns) new rows, larger = less usual."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:  # noqa: ARG002, N803 - sklearn's names
        """Learn what is usual.

        Args:
            X: (n, columns) rows; ``y`` is ignored.
            y: ignored.
        """
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=_LEAST_ROWS)
        self.negative_scores_ = -self._learn(rows)
        self.offset_ = self._offset()
        return self

    def _offset(self) -> float:
        return float(np.percentile(self.negative_scores_, 100.0 * float(self.contamination)))

    @available_if(_for_new_rows)
    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803 - sklearn's name
        """(n,) scores of new rows; lower = less usual."""
        check_is_fitted(self)
        return -self._score(validate_data(self, X, dtype=np.float64, reset=False))

    @available_if(_for_new_rows)
    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803 - sklearn's
        """(n,) scores of new rows less ``offset_``: negative = unusual."""
        return np.asarray(self.score_samples(X) - self.offset_)

    @available_if(_for_new_rows)
    def predict(self, X: ArrayLike) -> NDArray[np.int_]:  # noqa: N803 - sklearn's name
        """(n,) 1 or, for what is unusual, -1."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    @available_if(_for_the_rows_of_the_fit)
    def fit_predict(self, X: ArrayLike, y: object = None) -> NDArray[np.int_]:  # noqa: ARG002, N803 - sklearn's
        """Fit, and judge the rows of the fit: (n,) 1 or -1."""
        self.fit(X)
        return np.where(self.negative_scores_ < self.offset_, -1, 1)


class StochasticOutlierSelection(_Detector):
    """Stochastic outlier selection; new rows by our estimator (:mod:`plugin.ml.novelty.sos`).

    Args:
        perplexity: effective number of neighbours; of few different rows at most two less than
            they are (``perplexity_``).
        squared: the dissimilarity is the squared Euclidean distance (the paper's), else the
            distance (PyOD's).
        tolerance: of a row's entropy, in nats.
        contamination: share of the rows of the fit that are unusual, which makes ``offset_``; or
            ``"auto"``: a row whose outlier probability is above 1/2, the authors' rule.
        novelty: judge new rows instead of those of the fit.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "perplexity": [Interval(Real, 1, None, closed="left")],
        "squared": ["boolean"],
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "contamination": [StrOptions({"auto"}), _SHARE],
        "novelty": ["boolean"],
    }

    def __init__(
        self,
        perplexity: float = sos.PERPLEXITY,
        *,
        squared: bool = True,
        tolerance: float = sos.TOLERANCE,
        contamination: float | str = "auto",
        novelty: bool = False,
    ) -> None:
        self.perplexity = perplexity
        self.squared = squared
        self.tolerance = tolerance
        self.contamination = contamination
        self.novelty = novelty

    def _learn(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        settings = sos.Settings(float(self.perplexity), bool(self.squared), float(self.tolerance))
        if self.novelty:
            most = max(1.0, len(np.unique(rows, axis=0)) - 2.0)
            settings = settings._replace(perplexity=min(settings.perplexity, most))
            self._references = sos.fit(rows, settings)
        self.perplexity_ = settings.perplexity
        return sos.scores(rows, settings)

    def _score(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return sos.score_against(self._references, rows)

    def _offset(self) -> float:
        return -0.5 if self.contamination == "auto" else super()._offset()


class NearestReferences(_Detector):
    """Distance to the k nearest rows of the fit (:mod:`plugin.ml.novelty.knn`).

    Args:
        n_neighbors: which neighbour; of few rows at most one less than they are
            (``n_neighbors_``).
        mean: the mean distance to all up to that neighbour instead.
        city: city-block distances instead of Euclidean ones.
        contamination: share of the rows of the fit that are unusual, which makes ``offset_``.
        novelty: judge new rows instead of those of the fit.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "mean": ["boolean"],
        "city": ["boolean"],
        "contamination": [_SHARE],
        "novelty": ["boolean"],
    }

    def __init__(
        self,
        n_neighbors: int = knn.NEIGHBOURS,
        *,
        mean: bool = False,
        city: bool = False,
        contamination: float = CONTAMINATION,
        novelty: bool = False,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.mean = mean
        self.city = city
        self.contamination = contamination
        self.novelty = novelty

    def _learn(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        self.n_neighbors_ = min(int(self.n_neighbors), len(rows) - 1)
        self._references = rows
        return knn.scores(rows, self.n_neighbors_, mean=self.mean, city=self.city)

    def _score(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        known, k = self._references, self.n_neighbors_
        return knn.score_against(known, rows, k, mean=self.mean, city=self.city)


class PrincipalComponents(_Detector):
    """What the main directions of the fit leave of a row (:mod:`plugin.ml.novelty.pca`).

    Args:
        share: of the variance that the directions explain; as few are kept as do.
        most: never more directions than this.
        contamination: share of the rows of the fit that are unusual, which makes ``offset_``.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "share": [Interval(Real, 0, 1, closed="both")],
        "most": [None, Interval(Integral, 0, None, closed="left")],
        "contamination": [_SHARE],
    }

    def __init__(
        self,
        share: float = pca.SHARE,
        *,
        most: int | None = None,
        contamination: float = CONTAMINATION,
    ) -> None:
        self.share = share
        self.most = most
        self.contamination = contamination

    def _learn(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        self._basis = pca.fit(rows, float(self.share), self.most)
        return self._score(rows)

    def _score(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return pca.score_against(self._basis, rows)


class Autoencoder(_Detector):
    """What a narrow net leaves of a row (:mod:`plugin.ml.novelty.kept.autoencoder`).

    The net has three hidden layers, wide, narrow and wide, and is scikit-learn's MLPRegressor.
    Columns are taken as they come: bring them to one scale first, or it learns the largest only.

    Args:
        hid_dim: neurons of the wide layers.
        lat_dim: neurons of the narrow layer.
        epochs: times that it sees all rows; less where it no longer gets better.
        batch_size: rows a step.
        lr: length of a step (Adam).
        l2_regularizer: how strongly weights are kept small, ``alpha`` of MLPRegressor.
        activation: of the hidden layers: "relu", "tanh", "logistic" or "identity".
        contamination: share of the rows of the fit that are unusual, which makes ``offset_``.
        random_state: of the first weights and the order of rows.

    Attributes:
        arrays_: weights ``W0`` to ``W3``, (inputs, outputs), and biases ``b0`` to ``b3``.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hid_dim": [Interval(Integral, 1, None, closed="left")],
        "lat_dim": [Interval(Integral, 1, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "l2_regularizer": [Interval(Real, 0, None, closed="left")],
        "activation": [StrOptions(set(autoencoder.ACTIVATIONS))],
        "contamination": [_SHARE],
        "random_state": ["random_state"],
    }

    def __init__(  # noqa: PLR0913 - scikit-learn wants options as parameters
        self,
        hid_dim: int = 16,
        lat_dim: int = 8,
        *,
        epochs: int = 100,
        batch_size: int = 32,
        lr: float = 1e-3,
        l2_regularizer: float = 1e-4,
        activation: str = "relu",
        contamination: float = CONTAMINATION,
        random_state: Any = None,
    ) -> None:
        self.hid_dim = hid_dim
        self.lat_dim = lat_dim
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.l2_regularizer = l2_regularizer
        self.activation = activation
        self.contamination = contamination
        self.random_state = random_state

    def _learn(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        from sklearn.neural_network import MLPRegressor

        net = MLPRegressor(
            hidden_layer_sizes=(self.hid_dim, self.lat_dim, self.hid_dim),
            activation=self.activation,
            alpha=self.l2_regularizer,
            batch_size=min(self.batch_size, len(rows)),
            learning_rate_init=self.lr,
            max_iter=self.epochs,
            random_state=self.random_state,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the epochs ended before it stood still
            net.fit(rows, rows if rows.shape[1] > 1 else rows[:, 0])
        self.n_iter_ = net.n_iter_
        self.arrays_ = {f"W{k}": weights for k, weights in enumerate(net.coefs_)}
        self.arrays_ |= {f"b{k}": biases for k, biases in enumerate(net.intercepts_)}
        return self._score(rows)

    def _score(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return autoencoder.score(Kept({"activation": self.activation}, self.arrays_), rows)
