"""What a device was like: rows of its own earlier windows, and how far apart they were. Pure.

A window is compared with the nearest of the device's own earlier ones (:mod:`.score`), so that a
device may have several ways to be (day and night, at work and idle). What is kept:

* *rows*: the last windows, and of older ones those most unlike the others;
* *levels*: in each group of features, how far a window ever was from its nearest, slowly
  forgotten. This is the one-step-ahead nonconformity of conformal anomaly detection (Laxhammar and
  Falkman 2011, "Sequential conformal anomaly detection in trajectories"), with the maximum in
  place of ranks, for which a device has too few windows;
* *waiting*: windows that have changed. They are not compared with, so that a change is told
  for as long as it lasts; when :attr:`Parameters.settled` of them have come, and nothing
  anomalous, that is how the device is now.

In its first :attr:`Parameters.windows` windows, and its first day, a profile only learns. Nothing
is learned from a window that was judged anomalous.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.change.distance import loneliest, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.change.distance import Layout

DAY = 86_400.0
LARGEST = 1e30
"""Of a value in a row."""


class Parameters(NamedTuple):
    """How a profile learns; docs/change.md tells where the figures come from."""

    windows: int = 12
    """The warm-up: windows in which it only learns."""
    span: float = DAY
    """Seconds that the warm-up lasts at least: devices have days and nights."""
    packets: int = 20
    """A window with fewer shows too little to be learned or compared."""
    margin: float = 3.0
    """A window has changed from so many times the level on."""
    floor: float = 1.0
    """The least level of a group, in units of the distance."""
    forget: float = 0.005
    """The part of a level that is forgotten with each window."""
    settled: int = 12
    """So many changed windows are how the device is from now on."""
    kept: int = 48
    """Rows that are kept; of these the newer half are the last windows."""
    memory: float = 30 * DAY
    """Seconds after which an older row is forgotten, unless it is needed for the warm-up."""


DEFAULTS = Parameters()


class Profile(NamedTuple):
    """The past of one device. Times are seconds since 1970-01-01 UTC."""

    schema: str
    """The hash of the feature set that its rows are of."""
    rows: NDArray[np.float32]
    """(n, n_columns), in the order in which they were learned."""
    times: NDArray[np.float64]
    """(n,)."""
    levels: NDArray[np.float64]
    """(n_groups,); 0 while it warms up."""
    waiting: NDArray[np.float32]
    """(m, n_columns) changed windows."""
    waits: NDArray[np.float64]
    """(m,) their times."""
    learned: int = 0
    """Windows that were learned in all, without those that wait."""
    since: float = 0.0
    """Time of the first one."""
    last: str = ""
    """The capture that was taken last: none is taken twice."""


class Seen(NamedTuple):
    """One window of a device."""

    row: NDArray[np.floating]
    """(n_columns,)."""
    time: float
    """When it ended."""
    capture: str = ""
    """Its name."""
    anomalous: bool = False
    """It was judged so: nothing is learned from it, and what waits is no change that anybody
    should get used to."""


def fresh(how: Layout) -> Profile:
    """The profile of a device of which nothing is known."""
    none = np.zeros((0, len(how.names)), np.float32)
    return Profile(how.schema, none, np.zeros(0), np.zeros(len(how.groups)), none, np.zeros(0))


def finite(row: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n_columns,) the row with 0 for what is no number, and what float32 can hold."""
    numbers = np.nan_to_num(row.astype(np.float64), posinf=0.0, neginf=0.0)
    return np.clip(numbers, -LARGEST, LARGEST)


def is_warm(profile: Profile, parameters: Parameters = DEFAULTS) -> bool:
    """Whether a profile has learned enough to compare with."""
    if profile.learned < parameters.windows or not len(profile.rows):
        return False
    return float(profile.times.max()) - profile.since >= parameters.span


def limits(profile: Profile, parameters: Parameters = DEFAULTS) -> NDArray[np.float64]:
    """(n_groups,) the distances from which on a window has changed; above 0."""
    floor: NDArray[np.float64] = np.maximum(profile.levels, parameters.floor)
    return parameters.margin * floor


def update(profile: Profile, seen: Seen, how: Layout, parameters: Parameters = DEFAULTS) -> Profile:
    """Learn a window.

    Args:
        profile: the device's past.
        seen: the window; the capture that was taken last is not taken again.
        how: the layout of rows.
        parameters: how to learn.

    Returns:
        The past with this window in it.

    Raises:
        ValueError: the row is not of this layout, or the profile is not.
    """
    if profile.schema != how.schema or seen.row.shape != (len(how.names),):
        raise ValueError("the row and the profile are of another feature set")
    if seen.capture and seen.capture == profile.last:
        return profile
    profile = profile._replace(last=seen.capture)
    if seen.anomalous:
        return profile._replace(waiting=profile.waiting[:0], waits=profile.waits[:0])
    new = finite(seen.row).astype(np.float32)[None]
    at = np.array([seen.time])
    if not is_warm(profile, parameters):
        profile = _join(profile, new, at, how, parameters)
        if is_warm(profile, parameters):
            profile = profile._replace(levels=loneliest(profile.rows, how))
        return profile
    apart = nearest(new[0], profile.rows, how)
    if (apart >= limits(profile, parameters)).any():
        return _wait(profile, new, at, how, parameters)
    levels = np.maximum(profile.levels * (1 - parameters.forget), apart)
    return _join(profile._replace(levels=levels), new, at, how, parameters)


def _wait(
    profile: Profile,
    new: NDArray[np.float32],
    at: NDArray[np.float64],
    how: Layout,
    parameters: Parameters,
) -> Profile:
    """Take a changed window; of enough of them, make it the device's way to be."""
    waiting = np.concatenate([profile.waiting, new])
    waits = np.append(profile.waits, at)
    young = at[-1] - waits <= parameters.memory
    waiting, waits = waiting[young], waits[young]
    if len(waiting) < parameters.settled:
        return profile._replace(waiting=waiting, waits=waits)
    levels = np.maximum(profile.levels, loneliest(waiting, how))
    profile = profile._replace(levels=levels, waiting=waiting[:0], waits=waits[:0])
    return _join(profile, waiting, waits, how, parameters)


def _join(
    profile: Profile,
    rows: NDArray[np.float32],
    times: NDArray[np.float64],
    how: Layout,
    parameters: Parameters,
) -> Profile:
    """Put rows behind those that are kept, and make room."""
    rows = np.concatenate([profile.rows, rows])
    at = np.concatenate([profile.times, times])
    first = times[0] if not profile.learned else profile.since
    old = np.flatnonzero(at[-1] - at > parameters.memory)
    spare = max(0, len(rows) - parameters.windows)
    rows, at = np.delete(rows, old[:spare], axis=0), np.delete(at, old[:spare])
    while len(rows) > parameters.kept:
        gone = _most_like_others(rows, how, parameters.kept // 2)
        rows, at = np.delete(rows, gone, axis=0), np.delete(at, gone)
    return profile._replace(
        rows=rows, times=at, learned=profile.learned + len(times), since=float(first)
    )


def _most_like_others(rows: NDArray[np.float32], how: Layout, newest: int) -> int:
    """The row, not among the ``newest``, that is nearest to any other: the one missed least."""
    weights = np.zeros(len(how.names))
    for columns in how.columns:
        weights[columns] += 1 / how.units[columns]
    least, found = np.inf, 0
    for number in range(len(rows) - newest):
        apart = np.abs(rows - rows[number]) @ weights
        apart[number] = np.inf
        if apart.min() < least:
            least, found = float(apart.min()), number
    return found
