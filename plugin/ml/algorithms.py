"""What can be fitted: the algorithms, the grids of their options, how large their models are.

scikit-learn's estimators are made here and nowhere else. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from plugin.ml.model import Algorithm

if TYPE_CHECKING:
    from collections.abc import Mapping

Options = tuple[tuple[str, float | str], ...]
"""One point of a grid: (option, value) pairs in a fixed order. Where a grid is of several
algorithms, the first pair is ("algorithm", its name)."""

AUTO = "auto"
"""The choice among algorithms is made by the nested search too."""
NET_ITERATIONS = 300
TREE_DEPTH = 3
"""Of boosted trees: two or three columns decide together (Friedman, Greedy function
approximation: a gradient boosting machine, Annals of Statistics 2001, section 7)."""

_LEAVES_AND_SHARES = tuple((leaf, share) for leaf in (1, 2) for share in (0.03, 0.1, 0.3))
_ONE: Mapping[str, tuple[Options, ...]] = {
    "net": tuple(
        (("hidden", hidden), ("alpha", alpha)) for hidden in (16, 32) for alpha in (0.01, 0.1, 1.0)
    ),
    "forest": tuple(
        (("trees", 100), ("leaf", leaf), ("share", share)) for leaf, share in _LEAVES_AND_SHARES
    ),
    "trees": tuple(
        (("trees", 100), ("leaf", leaf), ("share", share))
        for leaf, share in ((1, 0.03), (1, 0.1), (2, 0.1))
    ),
    "boosting": tuple(
        (("stages", stages), ("rate", 0.2), ("share", share))
        for stages in (20, 40)
        for share in (0.03, 0.1)
    ),
    "ensemble": tuple(
        (("hidden", 32), ("alpha", alpha), ("trees", 100), ("leaf", 1), ("share", 0.1))
        for alpha in (0.1, 1.0)
    ),
}


def _named(algorithm: str, points: tuple[Options, ...]) -> tuple[Options, ...]:
    return tuple((("algorithm", algorithm), *point) for point in points)


GRIDS: Mapping[str, tuple[Options, ...]] = {
    **_ONE,
    AUTO: (
        *_named("net", _ONE["net"][4:]),
        *_named("forest", _ONE["forest"][1:5:3]),
        *_named("trees", _ONE["trees"][1:]),
        *_named("boosting", _ONE["boosting"][1:2]),
        *_named("ensemble", _ONE["ensemble"]),
    ),
}
"""What the grid search tries. ``hidden`` units, ``alpha`` L2 penalty; ``trees``, ``leaf`` least
samples a leaf, ``share`` of columns looked at for a split; ``stages`` of one tree for each class,
``rate`` what each adds is multiplied by."""


def algorithm_of(options: Options, algorithm: str) -> str:
    """The algorithm of a point: its own, where the grid is of several."""
    return str(dict(options).get("algorithm", algorithm))


def sound(options: Mapping[str, object], algorithm: str) -> bool:
    """Whether a point that was read has the options of its algorithm, and no others."""
    name = options.get("algorithm", algorithm)
    if not isinstance(name, str) or name not in get_args(Algorithm):
        return False
    named = {"algorithm"} if algorithm == AUTO else set()
    return set(options) == set(dict(_ONE[name][0])) | named and algorithm in {name, AUTO}


def estimators_of(options: Options, algorithm: str, seed: int) -> tuple[tuple[str, Any], ...]:
    """Estimators of scikit-learn, not fitted: one, or those whose probabilities are averaged.

    Args:
        options: a point of the grid.
        algorithm: of the grid, one of ``GRIDS``.
        seed: of everything random in it.

    Returns:
        (algorithm, estimator) pairs.
    """
    chosen, name = dict(options), algorithm_of(options, algorithm)
    members = ("net", "trees") if name == "ensemble" else (name,)
    return tuple((member, _MAKERS[member](chosen, seed)) for member in members)


def _forest(chosen: Mapping[str, float | str], seed: int) -> Any:
    """Breiman, Random Forests (Machine Learning 2001): bootstrap samples, best splits."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=int(chosen["trees"]),
        min_samples_leaf=int(chosen["leaf"]),
        max_features=float(chosen["share"]),
        random_state=seed,
        n_jobs=1,
    )


def _trees(chosen: Mapping[str, float | str], seed: int) -> Any:
    """Geurts et al., Extremely randomized trees (2006): all samples, splits at random places."""
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(
        n_estimators=int(chosen["trees"]),
        min_samples_leaf=int(chosen["leaf"]),
        max_features=float(chosen["share"]),
        random_state=seed,
        n_jobs=1,
    )


def _boosting(chosen: Mapping[str, float | str], seed: int) -> Any:
    """Friedman 2001; no first guess, so that the model is its trees and nothing else."""
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(
        n_estimators=int(chosen["stages"]),
        learning_rate=float(chosen["rate"]),
        max_features=float(chosen["share"]),
        max_depth=TREE_DEPTH,
        init="zero",
        random_state=seed,
    )


def _net(chosen: Mapping[str, float | str], seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        hidden_layer_sizes=(int(chosen["hidden"]),),
        alpha=float(chosen["alpha"]),
        solver="lbfgs",  # whole-batch: deterministic, and quick on so few rows
        max_iter=NET_ITERATIONS,
        random_state=seed,
    )


_MAKERS = {"net": _net, "forest": _forest, "trees": _trees, "boosting": _boosting}


def size_of(estimator: Any) -> int:
    """Numbers that a fitted estimator's answers rest on: weights, or four of each node."""
    if hasattr(estimator, "coefs_"):
        return sum(int(a.size) for a in (*estimator.coefs_, *estimator.intercepts_))
    if hasattr(estimator, "estimators_"):
        return 4 * sum(int(tree.tree_.node_count) for tree in flat_trees(estimator))
    return 1


def flat_trees(estimator: Any) -> list[Any]:
    """The trees of a forest, or of boosting: those of a stage after those of the stage before."""
    return list(np.ravel(np.array(estimator.estimators_, dtype=object)))
