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
  anomalous, that is how the device is now;
* *strained*: windows farther than any before, and not so far that they have changed. They wait
  likewise, untold, until as many have come, and :attr:`Parameters.span` has passed since then; they
  raise a level by no more than :attr:`Parameters.growth`: else whoever goes a step each window
  would be anywhere soon.

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
_PAUSES = 4
"""A warm-up takes this many pauses, however long they were."""
_LAST = 5
"""Times whose middle is now."""


class Parameters(NamedTuple):
    """How a profile learns; docs/change.md tells where the figures come from."""

    windows: int = 12
    """The warm-up: windows in which it only learns."""
    span: float = DAY
    """Seconds that the warm-up lasts at least (:attr:`Profile.observed`): devices have days and
    nights."""
    packets: int = 20
    """A window with fewer shows too little to be learned or compared."""
    margin: float = 3.0
    """A window has changed from so many times the level on."""
    floor: float = 1.0
    """The least level of a group, in units of the distance."""
    growth: float = 2.0
    """A level grows by so many times at most when strained windows are learned: once a span."""
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
    strained: NDArray[np.float32]
    """(k, n_columns) windows between level and limit."""
    strains: NDArray[np.float64]
    """(k,) their times."""
    learned: int = 0
    """Windows that were learned in all, without those that wait."""
    since: float = 0.0
    """Time of the first one."""
    observed: float = 0.0
    """Seconds that passed from one learned window to the next, of each pause a quarter of the span
    at most: clocks jump, and a jump is no observation."""
    last: str = ""
    """The capture that was taken last: none is taken twice."""
    novel: tuple[float, ...] = ()
    """Times of those of all these windows that were novel (:func:`trusted`)."""


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
    novel: bool = False
    """It was found so: :func:`trusted` leaves it out for a while."""


def fresh(how: Layout) -> Profile:
    """The profile of a device of which nothing is known."""
    none = np.zeros((0, len(how.names)), np.float32)
    no = np.zeros(0)
    return Profile(how.schema, none, no, np.zeros(len(how.groups)), none, no, none, no)


def finite(row: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n_columns,) the row with 0 for what is no number, and what float32 can hold."""
    numbers = np.nan_to_num(row.astype(np.float64), posinf=0.0, neginf=0.0)
    return np.clip(numbers, -LARGEST, LARGEST)


def is_warm(profile: Profile, parameters: Parameters = DEFAULTS) -> bool:
    """Whether a profile has learned enough to compare with."""
    if profile.learned < parameters.windows or not len(profile.rows):
        return False
    return profile.observed >= parameters.span


def trusted(profile: Profile, parameters: Parameters = DEFAULTS) -> NDArray[np.float32]:
    """(n, n_columns) rows that novelty may compare with; n may be 0.

    None of a device that was not here for as long as a warm-up takes: who comes with something bad
    should not be what it is compared with two hours later. For the same reason not those that were
    novel, before they are as old: what is new is told for a day at least.
    """
    if not is_warm(profile, parameters):
        return profile.rows[:0]
    young = profile.times > np.median(profile.times[-_LAST:]) - parameters.span
    return profile.rows[~(young & np.isin(profile.times, profile.novel))]


def reach(profile: Profile, how: Layout, parameters: Parameters = DEFAULTS) -> NDArray[np.float64]:
    """(n_groups,) the level of each group, or its floor where that is more; above 0."""
    found: NDArray[np.float64] = np.maximum(profile.levels, parameters.floor * how.floors)
    return found


def limits(profile: Profile, how: Layout, parameters: Parameters = DEFAULTS) -> NDArray[np.float64]:
    """(n_groups,) the distances from which on a window has changed; above 0."""
    return parameters.margin * reach(profile, how, parameters)


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
    after = _learned(profile._replace(last=seen.capture), seen, how, parameters)
    novel = (*profile.novel, *((seen.time,) if seen.novel else ()))
    there = {*after.times.tolist(), *after.waits.tolist(), *after.strains.tolist()}
    return after._replace(novel=tuple(time for time in novel if time in there))


def _learned(profile: Profile, seen: Seen, how: Layout, parameters: Parameters) -> Profile:
    if seen.anomalous:
        none = profile.waiting[:0], profile.waits[:0]
        return profile._replace(waiting=none[0], waits=none[1], strained=none[0], strains=none[1])
    new = finite(seen.row).astype(np.float32)[None]
    at = np.array([seen.time])
    if not is_warm(profile, parameters):
        profile = _join(profile, new, at, how, parameters)
        if is_warm(profile, parameters):
            profile = profile._replace(levels=loneliest(profile.rows, how))
        return profile
    apart = nearest(new[0], profile.rows, how)
    if (apart >= limits(profile, how, parameters)).any():
        return _wait(profile, new, at, how, parameters)
    before = profile.levels
    levels = np.maximum(before * (1 - parameters.forget), np.minimum(apart, before))
    if (apart > reach(profile, how, parameters)).any():
        return _strain(profile._replace(levels=levels), new, at, how, parameters)
    levels = np.maximum(levels, apart)
    return _join(profile._replace(levels=levels), new, at, how, parameters)


def _wait(
    profile: Profile,
    new: NDArray[np.float32],
    at: NDArray[np.float64],
    how: Layout,
    parameters: Parameters,
) -> Profile:
    """Take a changed window; of enough of them, make it the device's way to be."""
    waiting, waits = _with(profile.waiting, profile.waits, new, at, parameters.memory)
    if len(waiting) < parameters.settled:
        return profile._replace(waiting=waiting, waits=waits)
    levels = np.maximum(profile.levels, loneliest(waiting, how))
    profile = profile._replace(levels=levels, waiting=waiting[:0], waits=waits[:0])
    return _join(profile, waiting, waits, how, parameters)


def _with(
    rows: NDArray[np.float32],
    times: NDArray[np.float64],
    new: NDArray[np.float32],
    at: NDArray[np.float64],
    memory: float,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Windows that wait and new ones, without those that are too old by now."""
    rows, times = np.concatenate([rows, new]), np.append(times, at)
    young = np.abs(at[-1] - times) <= memory
    return rows[young], times[young]


def _strain(
    profile: Profile,
    new: NDArray[np.float32],
    at: NDArray[np.float64],
    how: Layout,
    parameters: Parameters,
) -> Profile:
    """Take a window between level and limit; learn enough of them, over long enough."""
    rows, times = _with(profile.strained, profile.strains, new, at, parameters.memory)
    enough = parameters.settled
    if len(times) < enough or times[-1] - times[enough - 1] < parameters.span:
        if len(rows) > max(parameters.kept, enough):  # the first tell for how long they have come
            rows, times = np.delete(rows, enough, axis=0), np.delete(times, enough)
        return profile._replace(strained=rows, strains=times)
    most = np.max([nearest(row, profile.rows, how) for row in rows], axis=0)
    grown = np.minimum(most, parameters.growth * reach(profile, how, parameters))
    levels = np.maximum(profile.levels, grown)
    profile = profile._replace(levels=levels, strained=rows[:0], strains=times[:0])
    return _join(profile, rows, times, how, parameters)


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
    passed = np.clip(np.diff(at[-1 - len(times) :]), 0, parameters.span / _PAUSES).sum()
    # By the middle of the last times: a clock that was wrong once makes nothing old.
    old = np.flatnonzero(np.median(at[-_LAST:]) - at > parameters.memory)
    spare = max(0, len(rows) - parameters.windows)
    rows, at = np.delete(rows, old[:spare], axis=0), np.delete(at, old[:spare])
    while len(rows) > parameters.kept:
        gone = _most_like_others(rows, how, parameters.kept // 2)
        rows, at = np.delete(rows, gone, axis=0), np.delete(at, gone)
    return profile._replace(
        rows=rows,
        times=at,
        learned=profile.learned + len(times),
        since=float(first),
        observed=profile.observed + float(passed),
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
