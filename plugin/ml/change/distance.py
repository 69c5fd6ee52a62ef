"""How far apart rows are, one number for each group of features. Pure.

The distance of two rows in a group is the sum over its columns of their absolute difference, each
divided by what counts as one there (city-block distance; for a histogram of shares this is twice
the total variation distance, 0 to 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class Layout(NamedTuple):
    """What rows are made of."""

    schema: str
    """The hash of the feature set: rows of another one cannot be compared."""
    names: tuple[str, ...]
    """(n_columns,) of the columns."""
    groups: tuple[str, ...]
    """(n_groups,) names, as reasons tell them."""
    columns: tuple[NDArray[np.int64], ...]
    """(n_groups,) the columns of each group."""
    units: NDArray[np.float64]
    """(n_columns,) what counts as one in a column; above 0."""
    floors: NDArray[np.float64]
    """(n_groups,) the least level of each group, as a part of the general one; above 0, 1 at most:
    what cannot lie far apart has changed sooner."""


def layout(
    schema: str,
    names: Sequence[str],
    groups: Mapping[str, Sequence[int]],
    units: NDArray[np.float64] | None = None,
    floors: Mapping[str, float] | None = None,
) -> Layout:
    """Put a layout together.

    Args:
        schema: hash of the feature set.
        names: of the columns, in order.
        groups: columns by the name of their group; a group may be empty, and is left out then.
        units: (n_columns,) what counts as one; by default 1, as for shares.
        floors: by the name of a group, the part of the general least level; 1 of others.

    Raises:
        ValueError: a column that is not there, or a unit or floor that is none.
    """
    kept = {name: np.asarray(columns, np.int64) for name, columns in groups.items() if len(columns)}
    for name, columns in kept.items():
        if columns.min() < 0 or columns.max() >= len(names):
            raise ValueError(f"group {name} names a column that is not there")
    ones = np.ones(len(names)) if units is None else np.asarray(units, np.float64)
    if ones.shape != (len(names),) or not (ones > 0).all():
        raise ValueError("a unit above 0 is needed for each column")
    parts = np.array([(floors or {}).get(name, 1.0) for name in kept])
    if not ((parts > 0) & (parts <= 1)).all():
        raise ValueError("a floor is a part of the general one: above 0, and 1 at most")
    return Layout(schema, tuple(names), tuple(kept), tuple(kept.values()), ones, parts)


def between(
    one: NDArray[np.floating], rows: NDArray[np.floating], how: Layout
) -> NDArray[np.float64]:
    """(n_rows, n_groups) how far a row is from each of some others.

    Args:
        one: (n_columns,).
        rows: (n_rows, n_columns).
        how: the layout of both.
    """
    apart = np.abs(rows - one.astype(np.float64)) / how.units
    found = np.empty((len(rows), len(how.groups)))
    for number, columns in enumerate(how.columns):
        found[:, number] = apart[:, columns].sum(axis=1)
    return found


def nearest(
    one: NDArray[np.floating], rows: NDArray[np.floating], how: Layout
) -> NDArray[np.float64]:
    """(n_groups,) how far a row is, in each group, from whichever of some is nearest there.

    Args:
        one: (n_columns,).
        rows: (n_rows, n_columns), at least one.
        how: the layout of both.
    """
    found: NDArray[np.float64] = between(one, rows, how).min(axis=0)
    return found


def loneliest(rows: NDArray[np.floating], how: Layout) -> NDArray[np.float64]:
    """(n_groups,) the largest distance of any row to the nearest of the others, in each group.

    Args:
        rows: (n_rows, n_columns); of fewer than two it is 0.
        how: their layout.
    """
    most = np.zeros(len(how.groups))
    if len(rows) > 1:
        for number in range(len(rows)):
            others = np.delete(rows, number, axis=0)
            most = np.maximum(most, nearest(rows[number], others, how))
    return most
