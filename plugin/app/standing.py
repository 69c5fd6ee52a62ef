"""What is to stand at the switches, handed on once the decisions that led to it are kept.

While nothing can be kept (the disk is full), nothing new is isolated; what stood stays as it was,
and what is released is released.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.engine.commands import Enforce

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plugin.actions import Action, Isolation
    from plugin.policy.cases import Case

_STOOD = frozenset({"isolating", "isolated"})


class _Last(NamedTuple):
    action: Action
    isolation: Isolation | None
    """As it was handed on; None: by the run before."""


class Standing:
    """The main thread's alone.

    Args:
        enforce: Takes what is to stand, who is to be watched on, and what is to be seen gone.
    """

    def __init__(
        self, enforce: Callable[[tuple[Isolation, ...], frozenset[str], frozenset[int]], None]
    ) -> None:
        self._hand_on = enforce
        self._wanted: Enforce | None = None
        """What is not handed on yet, or not all of it."""
        self._told: Enforce | None = None
        self._last: dict[int, _Last] = {}
        """By cookie: what stands, as far as it was decided and kept."""

    @property
    def waits(self) -> bool:
        """Something is not handed on yet."""
        return self._wanted is not None

    def restored(self, cases: Iterable[Case]) -> None:
        """These stand in the journal of the run before: they are nothing new."""
        stood = (case for case in cases if case.state in _STOOD)
        self._last = {case.cookie: _Last(case.action, None) for case in stood}

    def found(self, strangers: Iterable[Isolation]) -> None:
        """These stand in our file and in no journal: that they stand on is nothing new."""
        for one in strangers:
            self._last.setdefault(one.cookie, _Last(one.action, None))

    def wanted(self, command: Enforce) -> None:
        """This is to stand, as soon as what was said before it is kept."""
        self._wanted = command

    def settle(self, *, kept: bool) -> None:
        """Hand on what may stand now.

        Args:
            kept: All decisions are in the journal.
        """
        if self._wanted is None:
            return
        isolations, watched, leaving = self._wanted
        if kept:
            self._wanted = None
            self._last = {one.cookie: _Last(one.action, one) for one in isolations}
            self._tell(Enforce(isolations, watched, leaving))
            return
        standing = tuple(self._as_it_was(one) for one in isolations if one.cookie in self._last)
        self._tell(self._wanted._replace(isolations=standing))

    def _as_it_was(self, one: Isolation) -> Isolation:
        """It may follow its device; another action is a decision, and waits."""
        last = self._last[one.cookie]
        return one if last.action == one.action or last.isolation is None else last.isolation

    def _tell(self, what: Enforce) -> None:
        if self._told != what:
            self._told = what
            self._hand_on(*what)
