"""What the arguments of asks may be."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.control.asks import (
    ASKS,
    NUMBER_MAX,
    REASON,
    REASON_MAX,
    SECONDS,
    SECONDS_MAX,
    TEXT,
    TEXT_MAX,
    WHOLE,
    YES_OR_NO,
    Argument,
    Right,
)


@pytest.mark.parametrize(
    ("argument", "good", "bad"),
    [
        (TEXT, ["", "x" * TEXT_MAX], ["x" * (TEXT_MAX + 1), None, 1, ["x"]]),
        (REASON, ["it scans", "ü" * REASON_MAX], ["", "  ", "a\nb", "\x1b[2J", "\ud800", None, 1]),
        (WHOLE, [1, NUMBER_MAX], [0, -1, 1.0, True, NUMBER_MAX + 1, "1", None]),
        (SECONDS, [1, 0.5, SECONDS_MAX], [0, -1, True, SECONDS_MAX * 2, "60", None]),
        (SECONDS, [], [float("nan"), float("inf"), 10**400]),
        (YES_OR_NO, [True, False], [0, 1, "true", None]),
    ],
)
def test_what_an_argument_takes(argument: Argument, good: list[Any], bad: list[Any]) -> None:
    assert [one for one in good if not argument.takes(one)] == []
    assert [one for one in bad if argument.takes(one)] == []
    assert len(REASON.words) < 80


def test_null_is_taken_where_it_means_something() -> None:
    null = {
        (name, given)
        for name, ask in ASKS.items()
        for given, argument in ask.arguments.items()
        if argument.takes(None)
    }
    assert null == {("isolate", "seconds"), ("release", "key")}


def test_nothing_that_acts_has_a_default() -> None:
    for ask in ASKS.values():
        needed = [argument.needed for argument in ask.arguments.values()]
        assert ask.right is Right.READ or (all(needed) and "reason" in ask.arguments)
