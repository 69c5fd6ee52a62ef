"""Detectors for the trials: of what is new, on features; of what is suspicious, on signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.novelty.detectors import DETECTORS
from plugin.ml.signs import SIGNS, steps_of
from plugin.ml.suspicion import LEAST, floor_of, ratios, scores_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scripts.tables.anomaly_captures import Table
    from scripts.tables.anomaly_trials import Fit, Rows, Score

    Floats = NDArray[np.float64]

_SPREAD_LEAST = 0.05
_ROUNDS = 3
_RIDGE = 1.0


def of_news(table: Table, name: str) -> Fit:
    """One of ``plugin.ml.novelty.detectors`` on robustly scaled rows.

    Args:
        table: of features, a row a device.
        name: of the detector.
    """
    return _scaled(table, lambda known: lambda some: DETECTORS[name](known, some))


def control(table: Table, column: int) -> Fit:
    """A column as it is, which knows nothing of anomalies: what a detector has to do better than.

    Args:
        table: of a few numbers a row.
        column: which of them.
    """
    return lambda _: lambda some: table.values[some, column]


def isolation_forest(table: Table, seed: int = 1) -> Fit:
    """scikit-learn's Isolation Forest on the same rows."""
    from sklearn.ensemble import IsolationForest

    def made(known: Floats) -> Callable[[Floats], Floats]:
        forest = IsolationForest(random_state=seed).fit(known)
        return lambda some: -forest.score_samples(some)

    return _scaled(table, made)


def _scaled(table: Table, made: Callable[[Floats], Callable[[Floats], Floats]]) -> Fit:
    def learn(rows: Rows) -> Score:
        known = table.values[rows]
        centre = np.median(known, axis=0)
        spread = np.maximum(known.std(axis=0), _SPREAD_LEAST)
        score = made((known - centre) / spread)
        return lambda some: score((table.values[some] - centre) / spread)

    return learn


def suspicion(table: Table) -> Fit:
    """What Halia ships: floors from harmless devices; the threshold is its own."""
    return _beyond(table, lambda steps, floor: scores_of(steps, floor, LEAST))


def alone(table: Table) -> Fit:
    """The same, but every sign may accuse alone."""
    return _beyond(table, lambda steps, floor: ratios(steps, floor).max(axis=1))


def accusing(table: Table) -> Fit:
    """The same of those signs only that may accuse alone: at thresholds below 1, too."""
    may = np.array([sign.alone for sign in SIGNS])
    return _beyond(table, lambda steps, floor: ratios(steps[:, may], floor[may]).max(axis=1))


def _beyond(table: Table, score: Callable[[Floats, Floats], Floats]) -> Fit:
    steps = steps_of(table.values)
    family = _numbers(table.column("family"))

    def learn(rows: Rows) -> Score:
        rows = rows[~table.attack[table.owner[rows]]]
        floor = floor_of(steps[rows], family[table.owner[rows]])
        return lambda some: score(steps[some], floor)

    return learn


def weighed(table: Table) -> Fit:
    """Weights of the signs learned from attacks of other folders and other sources.

    Logistic, never below 0, drawn towards equal weights (ridge); of each case the row with the
    highest score is learned from, three rounds; families of harmless cases count by the square
    root of their size, so do sources.
    """
    steps = steps_of(table.values)
    family, source = (_numbers(table.column(name)) for name in ("family", "source"))

    def learn(rows: Rows) -> Score:
        bad = table.attack[table.owner[rows]]
        beyond = np.maximum(steps - np.quantile(steps[rows[~bad]], 0.98, axis=0), 0)
        weights = np.ones(len(SIGNS))
        for _ in range(_ROUNDS):
            most = [_foremost(table, beyond @ weights, some) for some in (rows[bad], rows[~bad])]
            groups = (source[table.owner[most[0]]], family[table.owner[most[1]]])
            by = [_by_root(one) for one in groups]
            weights = _logistic(beyond[most[0]], beyond[most[1]], by[0], by[1], weights)
        return lambda some: beyond[some] @ weights

    return learn


def _foremost(table: Table, score: Floats, rows: Rows) -> Rows:
    """Of each case the row with the highest score."""
    order = rows[np.lexsort((score[rows], table.owner[rows]))]
    owner = table.owner[order]
    found: Rows = order[np.append(owner[1:] != owner[:-1], [True])]
    return found


def _by_root(group: NDArray[np.int64]) -> Floats:
    weight = 1 / np.sqrt(np.bincount(group)[group])
    found: Floats = weight / weight.sum()
    return found


def _logistic(bad: Floats, good: Floats, w_bad: Floats, w_good: Floats, begin: Floats) -> Floats:
    from scipy.optimize import minimize

    n = len(bad)

    def loss(both: Floats) -> tuple[float, Floats]:
        w, b = both[:-1], both[-1]
        z_bad, z_good = bad @ w + b, good @ w + b
        value = w_bad @ np.logaddexp(0, -z_bad) + w_good @ np.logaddexp(0, z_good)
        g_bad = -w_bad / (1 + np.exp(np.clip(z_bad, -500, 500)))
        g_good = w_good / (1 + np.exp(np.clip(-z_good, -500, 500)))
        slope = n * (g_bad @ bad + g_good @ good) + _RIDGE * (w - 1)
        return (
            float(n * value + _RIDGE / 2 * ((w - 1) ** 2).sum()),
            np.append(slope, n * (g_bad.sum() + g_good.sum())),
        )

    bounds = [(0, None)] * len(begin) + [(None, None)]
    found = minimize(loss, np.append(begin, -3.0), jac=True, method="L-BFGS-B", bounds=bounds)
    weights: Floats = found.x[:-1]
    return weights


def first(table: Table, named: NDArray[np.bool_], other: Fit) -> Fit:
    """What has a name ranks before everything else.

    Args:
        table: the cases.
        named: (n_cases,) where a behaviour was found.
        other: what ranks the rest.
    """

    def learn(rows: Rows) -> Score:
        score = other(rows)
        return lambda some: np.where(named[table.owner[some]], np.inf, score(some))

    return learn


def _numbers(names: NDArray[np.generic]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.unique(names, return_inverse=True)[1]
    return found
