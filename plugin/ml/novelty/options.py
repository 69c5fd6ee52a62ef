"""The options of each algorithm: names, defaults and meaning, for help texts and for checking.

Where netml has the algorithm, names and defaults are netml's, with exceptions that the meaning
tells. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.errors import OptionError, nearest
from plugin.ml.novelty.foreign import is_foreign

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERENCES = 4096
OF_ALL: Mapping[str, Any] = {"scale": False, "references": REFERENCES}
"""Options that are carried out here; with these defaults all that another package's has of ours."""


class Option(NamedTuple):
    """One option."""

    name: str
    default: Any
    """A number, a word, true or false, or nothing."""
    meaning: str


class Algorithm(NamedTuple):
    """What there is to say of an algorithm."""

    name: str
    short: str
    """The short name, in capitals; empty: it has none."""
    meaning: str
    options: tuple[Option, ...]


_RAW = Option(
    "scale", False, "bring columns to mean 0 and standard deviation 1 first, as in training"
)
_SCALED = _RAW._replace(default=True)
_MOST = Option(
    "references",
    REFERENCES,
    "learn from at most so many rows, drawn by the seed: this bounds time and memory",
)

ALGORITHMS: tuple[Algorithm, ...] = (
    Algorithm(
        "one-class-svm",
        "OCSVM",
        "one-class support vector machine: minus how like its support vectors a flow is",
        (
            Option("kernel", "rbf", "rbf, linear, poly or sigmoid"),
            Option("nu", 0.5, "share of flows that may be outside, above 0, at most 1"),
            Option("gamma", "scale", "of rbf, poly, sigmoid: scale, auto, or a number"),
            Option("degree", 3, "of poly"),
            Option("coef0", 0.0, "added inside poly and sigmoid"),
            Option("tol", 1e-3, "how exactly the minimum is found"),
            Option("max_iter", -1, "steps of the solver; -1: until it is done"),
            _RAW,
            _MOST,
        ),
    ),
    Algorithm(
        "kernel-density",
        "KDE",
        "kernel density: minus the logarithm of the density around a flow",
        (
            Option("bandwidth", 1.0, "of the kernels: a number, scott or silverman"),
            Option(
                "kernel",
                "gaussian",
                "gaussian, tophat, epanechnikov, exponential, linear or cosine",
            ),
            _RAW,
            _MOST,
        ),
    ),
    Algorithm(
        "isolation-forest",
        "IF",
        "isolation forest: how few random cuts set a flow apart from the others",
        (
            Option("n_estimators", 100, "trees"),
            Option("max_samples", "auto", "rows a tree: a number, a share, auto (256)"),
            Option("max_features", 1.0, "columns a tree: a number or a share"),
            Option("bootstrap", False, "draw a tree's rows with repetition"),
            _RAW,
        ),
    ),
    Algorithm(
        "autoencoder",
        "AE",
        "autoencoder: how far what a narrow net says again of a flow is from the flow",
        (
            Option("hid_dim", 16, "neurons of the wide layers"),
            Option("lat_dim", 8, "neurons of the narrow layer"),
            Option("epochs", 100, "times that all rows are seen; less where nothing improves"),
            Option("batch_size", 32, "rows a step"),
            Option("lr", 1e-3, "length of a step"),
            Option("l2_regularizer", 1e-4, "how strongly weights are kept small (netml: 0.1)"),
            Option("activation", "relu", "relu, tanh, logistic or identity (netml's: identity)"),
            _SCALED,
        ),
    ),
    Algorithm(
        "gaussian-mixture",
        "GMM",
        "Gaussian mixture: minus the logarithm of a density of some normal distributions",
        (
            Option("n_components", 1, "distributions"),
            Option("covariance_type", "full", "full, tied, diag or spherical"),
            Option("reg_covar", 1e-6, "added to every variance"),
            Option("tol", 1e-3, "gain below which it stops"),
            Option("max_iter", 100, "steps at most"),
            Option("n_init", 1, "beginnings, of which the best is kept"),
            Option("init_params", "kmeans", "kmeans, k-means++, random or random_from_data"),
            _RAW,
        ),
    ),
    Algorithm(
        "pca",
        "PCA",
        "principal components: how far a flow is from the directions, or what they leave of it",
        (
            Option(
                "method",
                "distances",
                "distances: weighted sum of the distances to the directions, as netml; "
                "residual: length of what the main directions leave",
            ),
            Option("n_components", None, "directions at most; nothing: all (residual: by share)"),
            Option("n_selected_components", None, "of distances: the last so many; nothing: all"),
            Option("weighted", True, "of distances: divide by the share of the variance"),
            Option("share", 0.95, "of residual: share of the variance that is explained"),
            _SCALED,
        ),
    ),
    Algorithm(
        "sos",
        "SOS",
        "stochastic outlier selection: the surprise that no known flow binds to a flow",
        (
            Option("perplexity", 4.5, "effective number of neighbours"),
            Option("squared", True, "squared distances; else distances"),
            Option("tolerance", 1e-10, "of the entropy, in nats"),
            _RAW,
            _MOST,
        ),
    ),
    Algorithm(
        "knn",
        "KNN",
        "nearest neighbours: the distance to the k-th nearest known flow",
        (
            Option("n_neighbors", 5, "which neighbour"),
            Option("mean", False, "the mean distance to all up to it instead"),
            Option("city", False, "city-block distances instead"),
            _RAW,
            _MOST,
        ),
    ),
    Algorithm(
        "local-outlier-factor",
        "LOF",
        "local outlier factor: how much sparser it is around a flow than around its neighbours",
        (
            Option("n_neighbors", 20, "neighbours"),
            _RAW,
            _MOST,
        ),
    ),
)
_BY_NAME: Mapping[str, Algorithm] = {one.name: one for one in ALGORITHMS}


def describe(name: str) -> Algorithm:
    """What there is to say of an algorithm.

    Args:
        name: a canonical name (:func:`plugin.ml.novelty.registry.canonical`).

    Raises:
        OptionError: it is none of :data:`ALGORITHMS`.
    """
    if name not in _BY_NAME:
        raise OptionError(f"no algorithm is named {name!r}{nearest(name, _BY_NAME)}")
    return _BY_NAME[name]


def complete(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the defaults of those that were not given.

    Args:
        name: a canonical name, or that of another package's (:mod:`.foreign`).
        given: by name.

    Raises:
        OptionError: an option that it has not, or a value that is none of JSON's plain ones.
    """
    known = dict(OF_ALL)
    if not is_foreign(name):
        known = {one.name: one.default for one in describe(name).options}
    for key, value in given.items():
        if key not in known and not is_foreign(name):  # else its package will check
            raise OptionError(f"{name} has no option {key!r}{nearest(str(key), known)}")
        if value is not None and not isinstance(value, bool | int | float | str):
            raise OptionError(f"{name}: {key} is no number and no word")
        if isinstance(known.get(key), bool) and not isinstance(value, bool):
            raise OptionError(f"{name}: {key} is not true or false")
        if isinstance(value, bool) and key in known and not isinstance(known[key], bool):
            raise OptionError(f"{name}: {key} is {str(value).lower()}, no number and no word")
    return known | dict(given)
