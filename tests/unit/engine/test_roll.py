"""Who is kept, and who goes first."""

from __future__ import annotations

import pytest

from plugin.engine.roll import Roll
from plugin.registry import Device, Location, Registry
from tests.playbook import START, A, B

C = "02:00:00:00:00:0c"


@pytest.fixture
def decided() -> set[str]:
    return set()


@pytest.fixture
def registry() -> Registry:
    found = Registry()
    found.restore(
        Device(mac=A, location=Location("sw1", 1, 100), first_seen=START, last_seen=START), START
    )
    return found


@pytest.fixture
def roll(registry: Registry, decided: set[str]) -> Roll:
    return Roll(registry, lambda mac: f"maker of {mac}", decided.__contains__)


def test_a_device_is_kept_once(roll: Roll) -> None:
    first = roll.track(A, START)
    assert first.vendor == f"maker of {A}"
    assert roll.track(A, START + 9) is first
    assert roll.get(A) is first
    assert roll.get(B) is None
    assert (len(roll), A in roll, B in roll) == (1, True, False)
    assert list(roll.all()) == [first]


def test_those_that_only_frames_have_shown_go_first_and_decided_ones_stay(
    roll: Roll, decided: set[str]
) -> None:
    for mac in (B, C, A):
        roll.track(mac, START)
    decided.add(B)
    assert roll.make_room(3) == []
    assert roll.make_room(1) == [C]
    assert roll.make_room(1) == []
    assert [one.mac for one in roll.all()] == [B, A]
    roll.learned(B, START)
    decided.clear()
    assert roll.make_room(1) == []  # the controller knows both


def test_silent_ones_go_but_not_while_something_is_judged_or_decided(
    roll: Roll, decided: set[str]
) -> None:
    for mac in (A, B, C):
        roll.track(mac, START)
    roll.track(C, START).judging = 1
    decided.add(B)
    assert roll.sweep(START + 101, 100) == []
    decided.clear()
    roll.track(C, START).judging = 0
    assert roll.sweep(START + 100, 100) == []
    assert roll.sweep(START + 101, 100) == [B, C]
    assert [one.mac for one in roll.all()] == [A]


def test_who_has_left_is_forgotten_unless_something_is_decided(
    roll: Roll, registry: Registry, decided: set[str]
) -> None:
    roll.track(A, START)
    decided.add(A)
    assert not roll.left(A)
    assert A in roll
    decided.clear()
    assert roll.sweep(START + 101, 100) == [A]  # from now on only frames know it
    roll.track(A, START)
    assert roll.left(A)
    assert A not in roll
    assert roll.left(B)
    del registry
