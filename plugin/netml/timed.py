"""Calls that tell how long they took, as netml's do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")
MINUTE = 60.0


class Timed(Generic[P, R]):
    """A call of one object that tells how long it took: ``tot_time``, in minutes as netml's."""

    def __init__(self, call: Callable[P, R]) -> None:
        """Wrap a bound method."""
        self._call = call
        self.__doc__ = call.__doc__
        self.tot_time = 0.0
        """Minutes of the last call."""

    def __call__(self, *args: P.args, **options: P.kwargs) -> R:
        """Call it and look at the clock."""
        begun = time.perf_counter()
        try:
            return self._call(*args, **options)
        finally:
            self.tot_time = (time.perf_counter() - begun) / MINUTE
