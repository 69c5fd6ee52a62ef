"""Whether a window of a device is unlike all its own earlier ones, and in what. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.behaviour.finding import Finding, shown
from plugin.ml.change.distance import nearest
from plugin.ml.change.profile import DEFAULTS, finite, is_warm, limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from plugin.ml.change.distance import Layout
    from plugin.ml.change.profile import Parameters, Profile

NAME = "change"
THRESHOLD = 1.0
"""The score is how many times the limit the window is away in the group where this is most."""
_GROUPS, _COLUMNS = 3, 4
_MOST = 1e6
"""A larger score says no more."""


def score(
    profile: Profile,
    row: NDArray[np.floating],
    how: Layout,
    parameters: Parameters = DEFAULTS,
) -> Finding | None:
    """Compare a window with the device's own past.

    Args:
        profile: the device's past, without this window.
        row: (n_columns,) of the window.
        how: the layout of rows.
        parameters: as it was learned with.

    Returns:
        A finding, with a score below its threshold if nothing has changed; None: the profile only
        learns yet, or is of another feature set.
    """
    if profile.schema != how.schema or not is_warm(profile, parameters):
        return None
    row = finite(row)
    times = nearest(row, profile.rows, how) / limits(profile, how, parameters)
    most = min(float(times.max(initial=0.0)), _MOST)
    windows = f"{len(profile.rows)} kept of {profile.learned} earlier windows of its own"
    if most < THRESHOLD:
        return Finding(NAME, shown(most, THRESHOLD), THRESHOLD, (f"as in one of {windows}",), ())
    order = [g for g in np.argsort(-times, kind="stable") if times[g] >= THRESHOLD][:_GROUPS]
    reasons = tuple(
        f"{how.groups[g]}: {parameters.margin * min(times[g], _MOST):.1f} times as unlike"
        " itself as it ever was"
        for g in order
    )
    evidence = tuple(_evidence(profile, row, how, order))
    compared = f"compared with {windows}"
    return Finding(NAME, round(most, 3), THRESHOLD, (*reasons, compared), evidence)


def _evidence(
    profile: Profile, row: NDArray[np.float64], how: Layout, groups: list[int]
) -> Iterator[str]:
    """The columns of these groups that lie farthest outside of what they were."""
    low, high = profile.rows.min(axis=0), profile.rows.max(axis=0)
    beyond = np.maximum(row - high, low - row) / how.units
    for group in groups:
        columns = how.columns[group]
        first = columns[np.argsort(-beyond[columns], kind="stable")][:_COLUMNS]
        for column in first:
            if beyond[column] > 0:
                usual = f"{low[column]:.4g}"
                if high[column] > low[column]:
                    usual += f" to {high[column]:.4g}"
                yield f"{how.names[column]} is {row[column]:.4g}, was {usual}"
