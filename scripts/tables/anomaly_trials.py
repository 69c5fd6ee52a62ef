"""Experiments that tell *new* from *bad*: every figure beside the same detector's on harmless news.

One family of harmless devices is left out at a time (all its captures), and of the others a fold:
the detector is fitted on the rest. Then three things are compared, case by case: attacks, the
harmless family that it has never seen, and harmless captures of families that it has seen. A
detector that only knows what is new puts the first two on one level. A detector that learns from
attacks too sees, while an attack is judged, none of its folder and none of its source.

A *case* is a capture, its score the highest of its rows. All comparisons are kept as matrices of
cases by cases, so that means and intervals come from the same numbers. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.novelty.conformal import threshold

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scripts.tables.anomaly_captures import Table

    Rows = NDArray[np.int64]
    Score = Callable[[Rows], NDArray[np.float64]]
    """Row numbers in, a score each out: higher is worse."""
    Fit = Callable[[Rows], Score]
    """Row numbers to learn from in (see :class:`Plan`), a score out."""

FOLDS = 5
FALSE_ALARMS = 0.05
"""Thresholds are fixed for at most this share of harmless captures."""


class Plan(NamedTuple):
    """How a detector is tried."""

    learns_attacks: bool = False
    """Its ``Fit`` gets rows of attacks too (of other folders and other sources)."""
    folds: int = FOLDS
    """Of the harmless captures of families that are seen."""
    false_alarms: float = FALSE_ALARMS
    threshold: float | None = None
    """Its own, fixed by its meaning; None: one for ``false_alarms`` of the captures seen."""
    seed: int = 1


class Outcome(NamedTuple):
    """What a trial found; n_attacks by n_harmless unless it says otherwise."""

    left: NDArray[np.float64]
    """Share of fits in which the attack scores above the harmless case, whose family was left out
    (a draw counts half); NaN: never compared."""
    seen: NDArray[np.float64]
    """The same where the harmless case was new but its family seen."""
    news: NDArray[np.float64]
    """(n_harmless, n_harmless) cases of left-out families (rows) against those of seen ones."""
    found: NDArray[np.float64]
    """(n_attacks, n_families) share of fits in which it was at or above the threshold."""
    alarms: NDArray[np.float64]
    """(n_harmless,) the same of harmless cases whose family was left out."""
    families: tuple[str, ...]
    """The families, in order; the columns of ``found``."""


def trial(table: Table, fit: Fit, plan: Plan = Plan()) -> Outcome:  # noqa: B008 - it is frozen
    """Leave every family out in turn.

    Args:
        table: cases and rows.
        fit: the detector.
        plan: how.
    """
    attack = table.attack
    bad, good = np.flatnonzero(attack), np.flatnonzero(~attack)
    family = table.column("family")
    families = tuple(sorted(set(family[good])))
    fold = folds_of(family, good, plan)
    tally = _Tally(len(bad), len(good), len(families))
    for number, name in enumerate(families):
        news = np.flatnonzero(~attack & (family == name))
        for part in range(plan.folds):
            known = good[(family[good] != name) & (fold[good] == part)]
            base = good[(family[good] != name) & (fold[good] != part)]
            for judged, taught in _taught(table, bad, plan):
                score = fit(rows_of(table, np.concatenate([base, taught])))
                s_known, s_news = (case_scores(table, score, some) for some in (known, news))
                s_bad = case_scores(table, score, judged)
                limit = plan.threshold
                if limit is None:
                    limit = conformal(s_known, plan.false_alarms)
                a = np.searchsorted(bad, judged)
                k, n = np.searchsorted(good, known), np.searchsorted(good, news)
                tally.left.add(a, n, above(s_bad, s_news))
                tally.seen.add(a, k, above(s_bad, s_known))
                tally.news.add(n, k, above(s_news, s_known))
                tally.found.add(a, np.array([number]), (s_bad >= limit).astype(np.float64)[:, None])
                tally.alarms.add(n, np.array([0]), (s_news >= limit).astype(np.float64)[:, None])
    return tally.outcome(families)


def _taught(table: Table, bad: Rows, plan: Plan) -> list[tuple[Rows, Rows]]:
    """Attacks that are judged together, and those that may be learned from meanwhile."""
    if not plan.learns_attacks:
        return [(bad, np.zeros(0, np.int64))]
    kind, source = table.column("kind"), table.column("source")
    pairs = sorted(set(zip(kind[bad].tolist(), source[bad].tolist(), strict=True)))
    return [
        (
            bad[(kind[bad] == one) & (source[bad] == where)],
            bad[(kind[bad] != one) & (source[bad] != where)],
        )
        for one, where in pairs
    ]


def folds_of(family: NDArray[np.str_], good: Rows, plan: Plan) -> NDArray[np.int64]:
    """(n_cases,) the fold of each harmless case: spread evenly within its family, by chance."""
    rng = np.random.default_rng(plan.seed)
    fold = np.zeros(len(family), np.int64)
    first = 0
    for name in sorted(set(family[good])):
        some = rng.permutation(good[family[good] == name])
        fold[some] = (first + np.arange(len(some))) % plan.folds
        first += len(some)
    return fold


def rows_of(table: Table, cases: Rows) -> Rows:
    """The rows of some cases."""
    wanted = np.zeros(len(table.cases), np.bool_)
    wanted[cases] = True
    return np.flatnonzero(wanted[table.owner])


def case_scores(table: Table, score: Score, cases: Rows) -> NDArray[np.float64]:
    """(n_cases,) the highest score of each case's rows; -inf without rows."""
    found = np.full(len(table.cases), -np.inf)
    rows = rows_of(table, cases)
    np.maximum.at(found, table.owner[rows], score(rows))
    return found[cases]


def conformal(scores: NDArray[np.float64], share: float) -> float:
    """The threshold that a new score of the same kind reaches with at most this probability.

    Just above the conformal one, as a score at the threshold counts as an alarm here. Too few
    scores: infinite.
    """
    return float(np.nextafter(threshold(scores, share), np.inf))


def above(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, m) 1 where one's score is above the other's, one half where they are the same."""
    difference = one[:, None] > other[None, :]
    same = one[:, None] == other[None, :]
    wins: NDArray[np.float64] = difference + 0.5 * same
    return wins


class _Sum:
    """Sums and counts of a matrix that is filled in parts."""

    def __init__(self, n: int, m: int) -> None:
        self._sum, self._count = np.zeros((n, m)), np.zeros((n, m))

    def add(self, rows: Rows, columns: Rows, values: NDArray[np.float64]) -> None:
        place = np.ix_(rows, columns)
        self._sum[place] += values
        self._count[place] += 1

    def mean(self) -> NDArray[np.float64]:
        return np.where(self._count > 0, self._sum / np.maximum(self._count, 1), np.nan)


class _Tally:
    def __init__(self, n_bad: int, n_good: int, n_families: int) -> None:
        self.left, self.seen = _Sum(n_bad, n_good), _Sum(n_bad, n_good)
        self.news = _Sum(n_good, n_good)
        self.found, self.alarms = _Sum(n_bad, n_families), _Sum(n_good, 1)

    def outcome(self, families: tuple[str, ...]) -> Outcome:
        return Outcome(
            self.left.mean(),
            self.seen.mean(),
            self.news.mean(),
            self.found.mean(),
            self.alarms.mean()[:, 0],
            families,
        )
