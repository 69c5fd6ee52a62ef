"""Lines that wait for one who watches."""

from __future__ import annotations

import select

import pytest

from plugin.control.watchers import Watcher


@pytest.fixture
def watcher() -> Watcher:
    return Watcher(most=10)


def is_woken(watcher: Watcher) -> bool:
    return bool(select.select([watcher.woken], [], [], 0)[0])


def test_lines_come_in_order_and_once(watcher: Watcher) -> None:
    assert not is_woken(watcher)
    watcher.put(b"a\n")
    watcher.put(b"b\n")
    assert is_woken(watcher)
    assert watcher.take() == ([b"a\n", b"b\n"], 0)
    assert not is_woken(watcher)
    assert watcher.take() == ([], 0)
    watcher.close()


def test_what_has_no_room_is_counted_and_nothing_comes_after_it(watcher: Watcher) -> None:
    for line in (b"123456\n", b"789\n", b"x\n"):
        watcher.put(line)
    assert watcher.take() == ([b"123456\n"], 2)
    watcher.put(b"y\n")  # there is room again, but a gap must be the end
    assert watcher.take() == ([], 3)
    watcher.close()


def test_nobody_waits_for_one_who_never_takes(watcher: Watcher) -> None:
    for _ in range(100_000):
        watcher.wake()
    assert is_woken(watcher)
    watcher.take()
    assert not is_woken(watcher)
    watcher.close()
    watcher.wake()
    watcher.put(b"z\n")
