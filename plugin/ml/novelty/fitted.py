"""Fitted algorithms as numbers and arrays: fitted once, kept as data, scored in plain numpy.

Scores are larger for what is less usual, whatever the algorithm. A score depends on its row alone,
bit for bit, however many are scored together. Learning from many rows is bounded: algorithms that
keep reference rows (one-class SVM, kernel density, nearest neighbours, outlier selection, local
outlier factor) draw at most ``references`` of them by the seed. Computes only.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.errors import ModelError, OptionError
from plugin.ml import fields
from plugin.ml.novelty import foreign, registry
from plugin.ml.novelty.explain import USUAL, percentiles
from plugin.ml.novelty.kept import (
    autoencoder,
    components,
    density,
    factor,
    forest,
    mixture,
    neighbours,
    selection,
    svm,
)
from plugin.ml.novelty.kept.kind import Kept, Kind, require
from plugin.ml.novelty.options import OF_ALL, complete
from plugin.ml.novelty.rows import checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

KINDS: Mapping[str, Kind] = {
    "one-class-svm": svm,
    "kernel-density": density,
    "isolation-forest": forest,
    "autoencoder": autoencoder,
    "gaussian-mixture": mixture,
    "pca": components,
    "sos": selection,
    "knn": neighbours,
    "local-outlier-factor": factor,
}
"""By canonical name (:func:`plugin.ml.novelty.registry.canonical`)."""
COMMON: Mapping[str, tuple[str, int]] = {
    "usual": ("f8", 2),
    "centre_0": ("f8", 1),
    "unit_0": ("f8", 1),
}
"""Arrays that all have: ``usual`` (3, columns), what 5, 50 and 95 % of the training rows are below;
``centre_0`` and ``unit_0`` (columns,), subtracted from and divided out of each row."""
LEAST_ROWS = 2
_MOST = 1e300
_FLOOR = 1e-12
"""Of a unit, in parts of the largest number of the column: less is rounding."""

_FEW: Mapping[str, int] = {
    "n_estimators": 2, "epochs": 1, "n_init": 1, "max_iter": 9, "batch_size": 8, "hid_dim": 8,
    "lat_dim": 8, "n_neighbors": 3, "n_components": 2, "n_selected_components": 2,
    "references": 32, "max_samples": 8, "max_features": 4, "perplexity": 4,
}  # fmt: skip
"""Of options whose largest value depends on the rows, or whose cost grows with it."""
_SIZES = (1.0, 1e-6)
"""Of made-up rows: what overflows with large rows goes with small ones."""


class Reason(NamedTuple):
    """Why a row is unusual: one column of it."""

    name: str
    value: float
    low: float
    """Of the training rows, 5 % have less."""
    middle: float
    high: float
    """5 % have more."""
    weight: float
    """Share of the score's rise over all columns that is this one's, 0 to 1."""


class Scorer(NamedTuple):
    """A fitted algorithm."""

    algorithm: str
    """A canonical name."""
    options: Mapping[str, Any]
    """All of them."""
    columns: int
    kept: Kept
    """Of the algorithm, and the arrays of ``COMMON``."""
    detector: registry.Detector | None = None
    """Of another package only, fitted; None until :func:`ready` has seen to it."""

    def score(self, rows: ArrayLike) -> Floats:
        """(n,) how unusual each row is: larger = more; finite.

        Args:
            rows: (n, columns) finite numbers.

        Raises:
            ValueError: rows of another shape, or numbers that are not finite.
            ModelError: of another package, and not made :func:`ready`, or refuses the rows.
        """
        taken = checked(rows, self.columns)
        arrays = self.kept.arrays
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            scaled = (taken - arrays["centre_0"]) / arrays["unit_0"]
            scaled = np.nan_to_num(scaled, posinf=_MOST, neginf=-_MOST)
            found = self._raw(scaled)
        return np.nan_to_num(found, nan=_MOST, posinf=_MOST, neginf=-_MOST)

    def _raw(self, rows: Floats) -> Floats:
        if self.algorithm in KINDS:
            return KINDS[self.algorithm].score(self.kept, rows)
        if self.detector is None:
            said = f"{self.algorithm} is another package's and was not fitted again"
            raise ModelError(said, advice="load it as a model of flows")
        try:
            return foreign.scores(self.detector, rows)
        except (ValueError, TypeError) as error:
            told = " ".join(str(error).split())
            raise ModelError(f"{self.algorithm} does not score these rows: {told}") from error

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays, for a file."""
        return dict(self.kept.arrays)

    def document(self) -> dict[str, Any]:
        """All else, as JSON's types."""
        return {
            "algorithm": self.algorithm,
            "options": dict(self.options),
            "columns": self.columns,
            "numbers": dict(self.kept.numbers),
        }

    def reasons(self, row: ArrayLike, columns: Sequence[str], most: int = 5) -> tuple[Reason, ...]:
        """The columns that make a row unusual, the weightiest first.

        Each column in turn is given the middle of the training rows: what the score falls by is
        the column's part. Where no column alone makes a difference (the row is far in many), the
        distance outside what is usual, in widths of what is usual, stands in.

        Args:
            row: (columns,) finite numbers.
            columns: their names.
            most: so many at most; those without weight are left out.

        Raises:
            ValueError: another number of columns, or numbers that are not finite.
        """
        taken = checked(np.asarray(row, np.float64)[None, :], self.columns)[0]
        low, middle, high = self.kept.arrays["usual"]
        others = np.repeat(taken[None, :], self.columns + 1, axis=0)
        np.fill_diagonal(others, middle)
        scores = self.score(others)
        with np.errstate(over="ignore"):
            fall = np.maximum(scores[-1] - scores[:-1], 0.0)
            if not 0 < fall.sum() < _MOST:
                width = np.maximum(high - low, _FLOOR * np.maximum(np.abs(middle), 1.0))
                fall = np.abs(np.minimum(taken - low, 0) + np.maximum(taken - high, 0)) / width
                fall = np.minimum(fall, _MOST / self.columns)
        weight = fall / (fall.sum() or 1.0)
        order = [k for k in np.argsort(-weight, kind="stable")[:most].tolist() if weight[k] > 0]
        return tuple(
            Reason(columns[k], *(float(of[k]) for of in (taken, low, middle, high, weight)))
            for k in order
        )


def fit(
    name: str,
    options: Mapping[str, Any] | None,
    rows: ArrayLike,
    seed: int = 0,
    others: Iterable[registry.Foreign] = (),
) -> Scorer:
    """Learn what is usual.

    Args:
        name: of an algorithm, or a short one.
        options: by name; the others have their defaults (:mod:`plugin.ml.novelty.options`).
        rows: (n, columns) finite numbers, at least two rows.
        seed: of what is drawn: references, first weights, cuts of trees.
        others: entry points of other packages (:data:`plugin.ml.novelty.registry.GROUP`).

    Raises:
        OptionError: no such algorithm or option, or rows and options that do not work together.
        ValueError: rows of another shape, or numbers that are not finite.
    """
    entries = tuple(others)
    algorithm = _named(name, entries)
    chosen = complete(algorithm, options or {})
    taken = checked(rows)
    if len(taken) < LEAST_ROWS:
        raise OptionError(f"{algorithm}: {len(taken)} rows, at least {LEAST_ROWS} are needed")
    common = _common(taken, scale=chosen["scale"])
    own = {key: value for key, value in chosen.items() if key not in OF_ALL}
    try:
        some = _drawn(taken, chosen.get("references"), seed)
        scaled = (some - common["centre_0"]) / common["unit_0"]
        scaled = np.ascontiguousarray(scaled)
        detector = None
        if algorithm in KINDS:
            found = KINDS[algorithm].fit(own, scaled, seed)
            KINDS[algorithm].check(found, taken.shape[1])
        else:
            detector = _foreign(algorithm, own, seed, entries)
            detector.fit(scaled)
            found = foreign.keep(detector, scaled, seed)
    except (ValueError, TypeError) as error:
        said = " ".join(str(error).split())
        raise OptionError(f"{algorithm}: {said}") from error
    kept = found._replace(arrays={**found.arrays, **common})
    return Scorer(algorithm, chosen, taken.shape[1], kept, detector)


def check_values(name: str, options: Mapping[str, Any]) -> None:
    """Refuse values that no rows go with, before there are any: a fit on a few made-up rows.

    What only many rows or columns go with (a number of neighbours) is cut down to what these few
    do. Of another package's algorithm nothing is known before it meets its rows.

    Raises:
        OptionError: what the fit would say.
    """
    if name not in KINDS:
        return
    chosen = complete(name, options)
    small = {key: _fewer(key, value) for key, value in chosen.items()}
    rows = np.random.default_rng(0).uniform(size=(64, 8))
    refused: list[OptionError] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such few steps end before anything is found
        for size in _SIZES:
            try:
                fit(name, small, rows * size)
            except OptionError as error:
                refused.append(error)
            else:
                return
    raise refused[0]


def _fewer(key: str, value: Any) -> Any:
    """A number that a few rows and columns go with, if any do."""
    if key not in _FEW or isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, float) and 0 < value <= 1:
        return 1.0  # a share
    return min(value, _FEW[key])


def load(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Scorer:
    """What :meth:`Scorer.document` and :meth:`Scorer.arrays` gave, checked.

    Args:
        document: may be foreign.
        arrays: of the types and dimensions that :func:`layout` says; finite.

    Raises:
        ValueError: the first thing that is wrong, in words.
    """
    algorithm = document.get("algorithm")
    known(algorithm)
    algorithm = str(algorithm)
    given = fields.free("options", document.get("options"))
    try:
        options = complete(algorithm, given)
    except OptionError as error:
        raise ValueError(str(error)) from error
    columns = fields.count("columns", document.get("columns"))
    kept = Kept(fields.free("numbers", document.get("numbers")), arrays)
    wanted = {"usual": (len(USUAL), columns), "centre_0": (columns,), "unit_0": (columns,)}
    for one, shape in wanted.items():
        require(arrays[one].shape == shape, f"the array {one} has not the shape {shape}")
    require(bool((arrays["unit_0"] > 0).all()), "a unit of a column is not above 0")
    check = KINDS[algorithm].check if algorithm in KINDS else foreign.check
    check(kept, columns)
    return Scorer(algorithm, options, columns, kept)


def ready(scorer: Scorer, others: Iterable[registry.Foreign] = ()) -> Scorer:
    """The scorer, with the detector of another package fitted again if it needs one.

    Only this runs what another package brought: :func:`load` does not.

    Args:
        scorer: of :func:`load`.
        others: entry points of other packages.

    Raises:
        OptionError: the package is not installed, or takes no such options.
        ModelError: it scores otherwise than where the model was learned.
    """
    if scorer.algorithm in KINDS or scorer.detector is not None:
        return scorer
    own = {key: value for key, value in scorer.options.items() if key not in OF_ALL}
    seed = int(scorer.kept.numbers["seed"])
    detector = _foreign(scorer.algorithm, own, seed, tuple(others))
    return scorer._replace(detector=foreign.again(detector, scorer.kept, scorer.algorithm))


def known(algorithm: object) -> None:
    """Refuse the name of an algorithm that no scorer can have.

    Raises:
        ValueError: it is none of ours, and does not say that it is another package's.
    """
    if not isinstance(algorithm, str) or not (algorithm in KINDS or foreign.is_foreign(algorithm)):
        raise ValueError(f"the algorithm {fields.show(algorithm)} is one that Halia has not")


def layout(algorithm: str) -> dict[str, tuple[str, int]]:
    """Type and dimensions of each array of an algorithm's scorer."""
    return {**COMMON, **(KINDS[algorithm].LAYOUT if algorithm in KINDS else foreign.LAYOUT)}


def _named(name: str, entries: tuple[registry.Foreign, ...]) -> str:
    """The name that a manifest has: an entry point's says that it is one."""
    found = registry.canonical(name.removeprefix(foreign.ENTRY), entries)
    return found if found in KINDS or foreign.is_foreign(found) else foreign.ENTRY + found


def _foreign(
    algorithm: str, options: Mapping[str, Any], seed: int, entries: tuple[registry.Foreign, ...]
) -> registry.Detector:
    name = algorithm.removeprefix(foreign.ENTRY)
    return registry.make(name, options, seed=seed, foreign=entries)


def _drawn(rows: Floats, most: object, seed: int) -> Floats:
    """At most so many of the rows, in their order."""
    if most is None:
        return rows
    if not isinstance(most, int) or isinstance(most, bool) or most < LEAST_ROWS:
        raise ValueError(f"references = {most}, no whole number from {LEAST_ROWS}")
    if len(rows) <= most:
        return rows
    chosen = np.random.default_rng(seed).choice(len(rows), most, replace=False)
    return rows[np.sort(chosen)]


def _common(rows: Floats, *, scale: bool) -> dict[str, Floats]:
    centre, unit = np.zeros(rows.shape[1]), np.ones(rows.shape[1])
    if scale:
        centre, spread = rows.mean(axis=0), rows.std(axis=0)
        # A column that is constant but for rounding keeps its unit.
        unit = np.where(spread > _FLOOR * np.abs(rows).max(axis=0), spread, 1.0)
    return {"usual": percentiles(rows, USUAL), "centre_0": centre, "unit_0": unit}
