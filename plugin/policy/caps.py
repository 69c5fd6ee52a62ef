"""How much may be isolated by rules, and who has offended before. Pure.

Whatever a rule has begun counts while any of it may stand at a switch: until it is seen to be gone.
What was found in our file counts too: nobody knows whose it was.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from plugin.policy.rules import HARD_CAP, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plugin.actions import Place
    from plugin.policy.cases import Case
    from plugin.policy.rules import Caps, Rule

OFFENDERS = 20_000
"""Offences that are remembered, the oldest go first."""


class Starts:
    """When rules began isolations in the last hour."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def add(self, time: float) -> None:
        """Note one; they come in the order of time, but for a clock that is set back."""
        self._times.append(time)

    def lately(self, now: float) -> int:
        """How many of the last hour there are."""
        while self._times and self._times[0] <= now - HOUR:
            self._times.popleft()
        return len(self._times)

    def forget(self) -> None:
        """Begin anew: somebody allowed more."""
        self._times.clear()

    def set_back(self, seconds: float) -> None:
        """Follow a clock that was set back."""
        self._times = deque(time - seconds for time in self._times)


class _Offence(NamedTuple):
    step: int
    ended: float


class Ladder:
    """On which step of a rule's ladder a device stands: by its last offence against that rule."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], _Offence] = {}

    def note(self, case: Case) -> None:
        """Note a case that is over; it is no offence if no rule ever isolated by it."""
        if case.origin != "rule" or case.rule is None or case.until is None:
            return
        key = (case.mac, case.rule)
        self._last.pop(key, None)
        self._last[key] = _Offence(case.step, case.changed)
        if len(self._last) > OFFENDERS:
            del self._last[next(iter(self._last))]

    def step(self, mac: str, rule: Rule, now: float) -> int:
        """The step for a device that offends now: 0 the first time, and after long good conduct."""
        last = self._last.get((mac, rule.name))
        if last is None or now - last.ended > rule.forget:
            return 0
        return min(last.step + 1, len(rule.steps) - 1)


def counted(case: Case) -> bool:
    """Whether an isolation that stands counts for the caps of the policy: all but people's own."""
    return case.origin != "operator"


def full(standing: int) -> str | None:
    """Say that no more fit into the hook, whoever wants it; None: there is room."""
    if standing < HARD_CAP:
        return None
    return f"{standing} isolations stand or may stand: {HARD_CAP} is the most that is ever written"


def breach(
    caps: Caps, cases: Iterable[Case], place: Place | None, *, devices: int, lately: int
) -> str | None:
    """Say which cap one more isolation would break; None: none.

    Args:
        caps: what the policy allows.
        cases: all that stand or may stand at a switch.
        place: where the device is; those that are nowhere count as on one switch.
        devices: how many are known.
        lately: isolations that were begun in the last hour.
    """
    theirs = [case for case in cases if counted(case)]
    if len(theirs) >= caps.devices:
        return f"caps.devices: {len(theirs)} of {caps.devices} devices are isolated"
    # One is always allowed: on a small site every percentage would be none at all.
    allowed = max(1, int(devices * caps.percent / 100))
    if len(theirs) >= allowed:
        return f"caps.percent: {len(theirs)} of {devices} devices are isolated ({caps.percent:g}%)"
    dp = place and place.dp
    there = sum((case.place and case.place.dp) == dp for case in theirs)
    if there >= caps.per_switch:
        return f"caps.per_switch: {there} devices are isolated at {dp or 'no known switch'}"
    if lately >= caps.per_hour:
        return f"caps.per_hour: {lately} isolations were begun in the last hour"
    return None
