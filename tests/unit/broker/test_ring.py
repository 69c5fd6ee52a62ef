from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plugin.broker.message import Message, event_message
from plugin.broker.ring import Ring


def numbered(n: int, size: int = 10) -> Message:
    return event_message(b"%0*d" % (size, n))


def bodies(ring: Ring, after: int = 0, most: int = 100) -> list[int]:
    return [int(kept.message.body) for kept in ring.waiting(after, most)]


def test_the_oldest_go_and_are_counted() -> None:
    ring = Ring(max_bytes=30)
    assert [ring.put(numbered(n)) for n in range(5)] == [1, 2, 3, 4, 5]
    assert (len(ring), ring.dropped, ring.full) == (3, 2, False)
    assert bodies(ring) == [2, 3, 4]
    assert bodies(ring, after=3) == [3, 4]
    assert bodies(ring, after=3, most=1) == [3]


def test_what_is_confirmed_makes_room() -> None:
    ring = Ring(max_bytes=20)
    ring.put(numbered(0))
    second = ring.put(numbered(1))
    ring.confirm(second)
    ring.confirm(second)
    ring.put(numbered(2))
    assert (bodies(ring), ring.dropped) == ([0, 2], 0)


def test_a_message_beyond_all_room_is_dropped_alone() -> None:
    ring = Ring(max_bytes=20)
    ring.put(numbered(0, size=21))
    assert (len(ring), ring.dropped) == (0, 1)
    ring.put(numbered(1))
    assert bodies(ring) == [1]


puts = st.tuples(st.just("put"), st.integers(1, 12))
confirms = st.tuples(st.just("confirm"), st.integers(0, 40))


@given(st.lists(puts | confirms, max_size=60))
def test_nothing_is_lost_without_being_counted(steps: list[tuple[str, int]]) -> None:
    ring = Ring(max_bytes=30)
    put = confirmed = 0
    for step, n in steps:
        if step == "put":
            put = ring.put(numbered(0, size=n))
        else:
            before = len(ring)
            ring.confirm(n)
            confirmed += before - len(ring)
        waiting = list(ring.waiting())
        assert sum(len(kept.message.body) for kept in waiting) <= 30
        assert [kept.number for kept in waiting] == sorted(kept.number for kept in waiting)
        assert put == len(ring) + ring.dropped + confirmed
