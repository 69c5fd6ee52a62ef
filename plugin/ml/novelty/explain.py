"""What of a row is unlike its references, feature by feature. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

USUAL = (5.0, 50.0, 95.0)
"""Percentiles: from where to where references usually are, and their middle."""


class Feature(NamedTuple):
    """One feature of a row beside the references."""

    name: str
    value: float
    low: float
    """Of the references, 5 % have less."""
    middle: float
    high: float
    """5 % have more."""
    beyond: float
    """How far outside low to high, in what counts as one; negative: below. 0: within."""


class Explanation(NamedTuple):
    """All features of a device's row, the farthest outside what is usual first."""

    role: str | None
    """Whose references; None: of all that is known."""
    references: int
    features: tuple[Feature, ...]


def explain(
    role: str | None,
    names: Sequence[str],
    row: NDArray[np.floating],
    references: NDArray[np.floating],
    unit: NDArray[np.float64],
    *,
    all_features: bool = True,
) -> Explanation:
    """Hold a row against its references.

    Args:
        role: whose references they are.
        names: (d,) of the columns.
        row: (d,) as extracted.
        references: (n, d) likewise, at least one.
        unit: (d,) what counts as one in each column.
        all_features: else only some, all of those that are outside what is usual among them: then
            most columns need not be sorted.
    """
    some = np.arange(len(row)) if all_features else _suspects(row, references)
    low, middle, high = percentiles(references[:, some], USUAL)
    value = np.asarray(row, np.float64)[some]
    beyond = (np.minimum(value - low, 0) + np.maximum(value - high, 0)) / unit[some]
    # Of those within, the ones farthest from the middle first; a stable order for equal ones.
    within = np.abs(value - middle) / unit[some]
    order = np.lexsort((-within, -np.abs(beyond)))
    columns = np.stack([value, low, middle, high, beyond], axis=1)[order].tolist()
    which = some[order].tolist()
    features = tuple(Feature(names[k], *numbers) for k, numbers in zip(which, columns, strict=True))
    return Explanation(role, len(references), features)


def _suspects(row: NDArray[np.floating], references: NDArray[np.floating]) -> NDArray[np.intp]:
    """Columns in which nearly all references are on one side of the row: none is outside else."""
    least = int((len(references) - 1) * USUAL[-1] / 100)
    below, above = (references < row).sum(axis=0), (references > row).sum(axis=0)
    return np.flatnonzero((below >= least) | (above >= least))


def percentiles(rows: NDArray[np.floating], wanted: Sequence[float]) -> NDArray[np.float64]:
    """(n_wanted, d) percentiles of the columns, between neighbours in proportion.

    What numpy.percentile finds, without the masked arrays that it imports (20 ms of a start).

    Args:
        rows: (n, d), at least one row.
        wanted: from 0 to 100.
    """
    # Columns as rows: numpy sorts along memory, and float32 as it comes.
    ordered = np.sort(np.ascontiguousarray(rows.T), axis=1)
    place = np.asarray(wanted) / 100 * (len(rows) - 1)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, len(rows) - 1)
    first, second = (ordered[:, which].astype(np.float64) for which in (below, above))
    return np.asarray((first + (second - first) * (place - below)).T)


def outside(explanation: Explanation, most: int) -> tuple[Feature, ...]:
    """The features farthest outside what is usual, none that is within."""
    return tuple(one for one in explanation.features[:most] if one.beyond)


def words(feature: Feature) -> str:
    """A feature for people: its name, its value, and what is usual."""
    return f"{feature.name.replace('_', ' ')} {values(feature)}"


def readable(feature: Feature, meaning: str) -> tuple[Feature, str, str]:
    """A feature in the unit in which people read it, what it means, and that unit.

    Logarithms become the numbers they stand for; ``beyond`` stays as it is.

    Args:
        feature: as extracted.
        meaning: its definition with the unit in brackets at its end; empty: nobody tells.
    """
    words, found, unit = meaning.removesuffix("]").rpartition(" [")
    if not found:
        return feature, meaning, ""
    if unit not in _LOGARITHMS:
        return feature, words, unit
    less, more, unit = _LOGARITHMS[unit]
    low, high, value = (10 ** (x - less) - more for x in (feature.low, feature.high, feature.value))
    return feature._replace(low=low, high=high, value=value), words, unit


_LOGARITHMS = {"log10(1 + n)": (0, 1, ""), "3 + log10(0.001 s + seconds)": (3, 0.001, "s")}
"""Units, and what is taken from the exponent and from the power; then the unit."""
_PLAIN = {"", "0 or 1"}
"""Units that say nothing behind a number."""


def values(feature: Feature, unit: str = "") -> str:
    """The value, and what is usual."""
    return beside(feature.value, feature.low, feature.high, unit)


def beside(value: float, low: float, high: float, unit: str = "") -> str:
    """A value with its unit, and from where to where it usually is."""
    usual = f"{number(low)} to {number(high)}"
    if number(low) == number(high):
        usual = number(low)
    told = number(value) if unit in _PLAIN else f"{number(value)} [{unit}]"
    return f"{told}, usual {usual}"


def number(value: float) -> str:
    """Three digits, no exponent for what people read: ``0.123``, ``12.3``, ``1,230``."""
    if abs(value) >= _WHOLE:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= _SMALL or not value else f"{value:.3f}"


_WHOLE, _SMALL = 1000, 1e-3
