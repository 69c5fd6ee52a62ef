"""Windows and bounded tables."""

from __future__ import annotations

from plugin.ml.behaviour.finding import Bounded, Window, middle


def test_a_window_forgets_what_is_older_than_its_span() -> None:
    window: Window[str] = Window(10)
    for time, item in ((0, "a"), (5, "b"), (6, "a"), (10, "c")):
        window.add(time, item)
    assert (window.distinct, window.total) == (3, 4)
    window.add(15, "d")  # the a of time 0 is gone, the b of time 5 is not
    assert (window.distinct, window.total) == (4, 4)
    window.trim(16)
    assert window.examples() == ["a", "c", "d"]
    assert window.examples(1) == ["a"]


def test_an_episode_is_told_once() -> None:
    window: Window[int] = Window(10)
    assert [window.due(now, 100) for now in (5, 6, 104, 105)] == [True, False, False, True]


def test_a_bounded_table_forgets_what_was_touched_first() -> None:
    table: Bounded[str, list[int]] = Bounded(2)
    table.touch("a", lambda: [0]).append(1)
    table.touch("b", lambda: [0])
    assert table.touch("a", lambda: [0]) == [0, 1]
    table.touch("c", lambda: [0])
    assert list(table) == ["a", "c"]


def test_the_middle_is_the_median() -> None:
    assert [middle([3]), middle([4, 1]), middle([9, 1, 5])] == [3, 2.5, 5]
