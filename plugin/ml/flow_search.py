"""Which features and which algorithm tell abnormal flows from normal ones best: one try of many.

A *trial* fits one algorithm with one set of options on one part of the labelled flows and measures
the area under the ROC curve on the rest. The parts are drawn by the seed of the trial alone, so
all algorithms and all features meet the same flows. Algorithms are fitted on all flows of their
part, the abnormal ones too, as they would be on traffic that nobody has labelled. Computes only.
"""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.errors import OptionError
from plugin.ml.holdout import split
from plugin.ml.novelty import fitted, registry
from plugin.ml.novelty.options import complete
from plugin.ml.roc import ABNORMAL, NORMAL, curve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

SPLITS, TEST_SIZE = 20, 0.33
KINDS = (NORMAL, ABNORMAL)
TRIALS_MAX = 100_000


class Point(NamedTuple):
    """An algorithm with its options."""

    algorithm: str
    """A canonical name."""
    options: Mapping[str, Any]
    """Those that differ from the defaults."""

    @property
    def name(self) -> str:
        """Both in a few words."""
        told = ", ".join(f"{key} {_word(value)}" for key, value in self.options.items())
        return f"{self.algorithm} ({told})" if told else self.algorithm


class Labelled(NamedTuple):
    """Labelled flows as rows of one feature: what all trials of that feature share."""

    rows: NDArray[np.float64]
    """(n, columns)."""
    labels: NDArray[np.int8]
    """(n,) 0 normal, 1 abnormal."""
    test_size: float = TEST_SIZE
    """Share of the flows that is left for the test, rounded up."""


class Trial(NamedTuple):
    """One fit and its test."""

    point: Point
    split: int
    """Seed of the draw of the test's flows."""
    seed: int
    """Of what the algorithm draws."""

    def document(self) -> list[Any]:
        """The same as JSON values."""
        return [self.point.algorithm, dict(self.point.options), self.split, self.seed]


class Tried(NamedTuple):
    """What a trial came to."""

    auc: float | None
    """None: it could not be fitted, or the test has no flow of one of the two kinds."""
    reason: str = ""
    """Why there is no figure."""


class Standing(NamedTuple):
    """How one point did on one feature."""

    feature: str
    point: Point
    tried: tuple[Tried, ...]
    """One for each split, in their order."""

    @property
    def aucs(self) -> NDArray[np.float64]:
        """(k,) areas of the splits that have one."""
        return np.array([t.auc for t in self.tried if t.auc is not None], np.float64)

    @property
    def mean(self) -> float:
        """Mean area; NaN without any."""
        return float(self.aucs.mean()) if len(self.aucs) else float("nan")

    @property
    def spread(self) -> float:
        """Standard deviation of the area over the splits; NaN with fewer than two."""
        return float(self.aucs.std(ddof=1)) if len(self.aucs) > 1 else float("nan")

    @property
    def reason(self) -> str:
        """Why splits have no figure: the first reason."""
        return next((t.reason for t in self.tried if t.auc is None), "")


def grid(algorithms: Mapping[str, Mapping[str, Any] | None]) -> tuple[Point, ...]:
    """All combinations of options of each algorithm, in the order given.

    Args:
        algorithms: by name, options by name; a list stands for one point for each of its values.

    Raises:
        OptionError: no such algorithm or option, or too many points.
    """
    points: list[Point] = []
    for name, options in algorithms.items():
        algorithm = registry.canonical(name)
        given = {key: _values(value) for key, value in (options or {}).items()}
        n = len(points) + int(np.prod([len(values) for values in given.values()], dtype=object))
        if n > TRIALS_MAX:
            raise OptionError(f"{n} points are too many", advice="give fewer values")
        for values in product(*given.values()):
            point = Point(algorithm, dict(zip(given, values, strict=True)))
            complete(algorithm, point.options)  # told before the work, not in the middle of it
            points.append(point)
    if not points:
        raise OptionError("there is no algorithm to try")
    return tuple(points)


def trials(points: Sequence[Point], splits: int, seed: int) -> list[Trial]:
    """Every point on every split.

    Raises:
        OptionError: no splits, or too many trials.
    """
    if not 1 <= splits * len(points) <= TRIALS_MAX:
        raise OptionError(
            f"{len(points)} points on {splits} splits are no number of trials from 1 to"
            f" {TRIALS_MAX}"
        )
    return [Trial(point, seed + k, seed) for point in points for k in range(splits)]


def attempt(flows: Labelled, trial: Trial) -> Tried:
    """Fit on one part, test on the other.

    Raises:
        OptionError: the share of the test is none.
        InputError: there are too few flows for it.
    """
    learn, check = split(len(flows.rows), flows.test_size, trial.split)
    if len(set(flows.labels[check].tolist())) < len(KINDS):
        return Tried(None, "the test has flows of one kind only")
    algorithm, options = trial.point
    try:
        scorer = fitted.fit(algorithm, options, flows.rows[learn], trial.seed)
    except OptionError as error:
        return Tried(None, error.reason)
    found = curve(flows.labels[check], scorer.score(flows.rows[check]))
    return Tried(None, "no area") if found is None else Tried(found.auc)


def ranked(found: Sequence[Standing]) -> list[Standing]:
    """The best first, by mean area; of equals the earlier; those without a figure last."""
    return sorted(found, key=lambda one: -one.mean if len(one.aucs) else np.inf)


def _values(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
