"""What stands at the switches follows what is kept, never the other way round."""

from __future__ import annotations

import pytest

from plugin.actions import Action, Isolation, Place
from plugin.app.standing import Standing
from plugin.engine.commands import Enforce
from tests.playbook import A, B, case

BLOCK, LIMIT = Action(kind="block"), Action(kind="limit", rate=500)
WATCHED = frozenset({B})


def isolation(cookie: int, action: Action = BLOCK, port: int = 1) -> Isolation:
    return Isolation(cookie=cookie, mac=A, action=action, place=Place("sw1", port, 100))


@pytest.fixture
def told() -> list[tuple[tuple[Isolation, ...], frozenset[str]]]:
    return []


@pytest.fixture
def standing(told: list[tuple[tuple[Isolation, ...], frozenset[str]]]) -> Standing:
    return Standing(lambda isolations, watched, _: told.append((isolations, watched)))


Told = list[tuple[tuple[Isolation, ...], frozenset[str]]]


def test_nothing_is_handed_on_before_it_is_kept_and_then_once(
    standing: Standing, told: Told
) -> None:
    waits = [standing.waits]
    standing.wanted(Enforce((isolation(1),), WATCHED))
    assert told == []
    waits.append(standing.waits)
    standing.settle(kept=True)
    waits.append(standing.waits)
    standing.settle(kept=True)
    assert told == [((isolation(1),), WATCHED)]
    assert waits == [False, True, False]


def test_who_stands_by_nobody_knows_whom_stands_on_while_nothing_can_be_kept(
    standing: Standing, told: Told
) -> None:
    standing.found([isolation(1)])
    standing.wanted(Enforce((isolation(1), isolation(2)), frozenset()))
    standing.settle(kept=False)
    assert told == [((isolation(1),), frozenset())]


def test_an_empty_wish_is_handed_on_too(standing: Standing, told: Told) -> None:
    standing.settle(kept=True)
    assert told == []  # nobody has said yet what is to stand
    standing.wanted(Enforce((), frozenset()))
    standing.settle(kept=True)
    assert told == [((), frozenset())]


def test_of_several_wishes_the_last_counts(standing: Standing, told: Told) -> None:
    standing.wanted(Enforce((isolation(1),), frozenset()))
    standing.wanted(Enforce((isolation(2),), frozenset()))
    standing.settle(kept=True)
    assert told == [((isolation(2),), frozenset())]


def test_while_nothing_can_be_kept_only_releases_are_done(standing: Standing, told: Told) -> None:
    standing.wanted(Enforce((isolation(1), isolation(2)), frozenset()))
    standing.settle(kept=True)
    standing.wanted(Enforce((isolation(2), isolation(3)), WATCHED))
    standing.settle(kept=False)
    assert told[-1] == ((isolation(2),), WATCHED)
    standing.settle(kept=False)
    assert len(told) == 2
    standing.settle(kept=True)
    assert list(told[-1][0]) == [isolation(2), isolation(3)]


def test_a_device_is_followed_but_another_action_is_a_decision(
    standing: Standing, told: Told
) -> None:
    standing.wanted(Enforce((isolation(1, LIMIT), isolation(2)), frozenset()))
    standing.settle(kept=True)
    standing.wanted(Enforce((isolation(1, BLOCK), isolation(2, port=5)), frozenset()))
    standing.settle(kept=False)
    assert told[-1][0] == (isolation(1, LIMIT), isolation(2, port=5))
    standing.settle(kept=True)
    assert told[-1][0] == (isolation(1, BLOCK), isolation(2, port=5))


def test_what_the_run_before_has_kept_stands_though_the_disk_is_full(
    standing: Standing, told: Told
) -> None:
    standing.restored(
        [case(cookie=1), case("isolating", cookie=2), case("pending", cookie=3), case("over")]
    )
    wish = (isolation(1), isolation(2, LIMIT), isolation(3), isolation(4))
    standing.wanted(Enforce(wish, frozenset()))
    standing.settle(kept=False)
    assert told == [((isolation(1), isolation(2, LIMIT)), frozenset())]


def test_what_is_to_be_seen_gone_is_handed_on_whether_it_ever_was_or_not() -> None:
    told: list[frozenset[int]] = []
    standing = Standing(lambda _, __, leaving: told.append(leaving))
    standing.wanted(Enforce((isolation(1),), frozenset()))
    standing.settle(kept=False)
    standing.wanted(Enforce((), frozenset(), frozenset({1})))
    standing.settle(kept=False)
    standing.settle(kept=True)
    assert told == [frozenset(), frozenset({1})]
