"""Known reasons for which tshark and the core may differ, each a small predicate.

Nothing is excused by a capture's name or by a protocol at large: a reason names the fields it
is about and the bytes or layers that make it true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.agree.dissect import Dissected, Value


class Difference(NamedTuple):
    """One field of one packet on which the two differ."""

    field: str
    expected: Value
    found: Value
    theirs: Dissected
    ours: Mapping[str, Value]


class Reason(NamedTuple):
    """Why a difference is none.

    Attributes:
        name: short, counted under.
        why: one sentence.
        holds: whether it explains a difference.
    """

    name: str
    why: str
    holds: Callable[[Difference], bool]


REASONS: tuple[Reason, ...] = ()
