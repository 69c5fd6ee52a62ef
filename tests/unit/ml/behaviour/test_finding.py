"""Windows and bounded tables."""

from __future__ import annotations

from plugin.ml.behaviour.finding import LEAST_KEPT, Bounded, Window, Windows, middle, shown


def test_no_score_is_told_as_on_the_other_side_of_its_threshold() -> None:
    some = (0.12345, 0.9994, 0.9996, 1.0, 1.0004)
    assert [shown(one, 1.0) for one in some] == [0.123, 0.999, 0.9996, 1.0, 1.0]


def test_a_window_forgets_what_is_older_than_its_span() -> None:
    window: Window[str] = Window(10, 100)
    grown = [window.add(time, item) for time, item in ((0, "a"), (5, "b"), (6, "a"), (10, "c"))]
    assert grown == [1, 1, 0, 1]
    assert window.count == 3
    assert window.add(15, "d") == 1  # the b of time 5 is not gone
    assert window.held().examples == ("a", "b", "c", "d")  # first come first, the a at 0
    assert window.add(16, "d") == -1  # nor the a of time 6
    assert window.items == ["a", "c", "d"]
    held = window.held(lambda item: item > "b")
    assert (held.number, held.cut, held.examples) == (3, False, (False, True))
    assert held.words == "3"


def test_an_item_counts_from_when_it_came_last_whatever_the_order() -> None:
    window: Window[str] = Window(10, 100)
    for time in (8, 3):
        window.add(time, "a")
    window.add(18, "b")
    assert "".join(window.items) == "ab"
    window.add(19, "b")
    assert "".join(window.items) == "b"


def test_a_finding_names_few_of_many() -> None:
    window: Window[int] = Window(10, 100)
    for item in range(20):
        window.add(item // 10, item)
    assert window.held() == (20, False, (0, 1, 2, 3, 4))


def test_of_too_many_items_the_last_are_kept_and_the_count_says_so() -> None:
    window: Window[int] = Window(10, 3)
    said = []
    for time in range(5):
        window.add(time, time)
        said.append(window.held().words)
    assert said == ["1", "2", "3", "at least 3", "at least 3"]
    assert window.items == [2, 3, 4]
    # Item 1 was dropped, and was last seen at 1: until 11 it would have counted.
    assert [(window.add(time, 4), window.held().words)[1] for time in (11, 12)] == [
        "at least 3",
        "3",
    ]
    window.add(13, 4)
    assert window.held().words == "2"


def test_all_windows_together_keep_so_many_items() -> None:
    windows: Windows[int, int] = Windows(30, 60, 10)
    assert windows.items_max == 150
    for number in range(40_000):  # each of 40 keys comes up for 100 items
        key = number // 100 % 40
        assert windows.add(key, number, number).count >= 1
        assert windows.held == sum(window.count for window in windows.values())
        assert windows.held <= 150
        assert next(reversed(windows)) == key
    assert len(windows) <= 2
    for key in range(100):  # few items each: then it is the windows that are too many
        windows.add(key, 50_000, 1)
    assert list(windows) == list(range(70, 100))
    assert windows.held == 30


def test_a_window_keeps_a_few_times_the_threshold_and_never_few() -> None:
    for threshold, kept in ((3, LEAST_KEPT), (25, 100), (200, 800)):
        windows: Windows[int, int] = Windows(20_000, 60, threshold)
        counts = [windows.add(0, number, number).count for number in range(2_000)]
        assert max(counts) == kept
    one: Windows[int, int] = Windows(1, 60, 25)  # one window always has its room
    assert [one.add(0, number, number).count for number in range(100)][-1] == 100


def test_an_episode_is_told_once() -> None:
    window: Window[int] = Window(10, 100)
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
