from __future__ import annotations

from dataclasses import replace

import pytest

from plugin.actions import COOKIES, Isolation
from plugin.policy import transitions as to
from plugin.policy.book import IDLE_AT_ONCE, Book
from plugin.policy.cases import Case, Transition, Wanted
from tests.ledgers import BLOCK, START, WATCH, mac


def case(number: int, state: str = "isolating", cookie: int = 0, **fields: object) -> Case:
    values: dict[str, object] = {
        "number": number, "cookie": cookie, "mac": mac(number), "state": state, "action": BLOCK,
        "rule": "bad", "origin": "rule", "actor": "bad", "reason": "why", "opened": START,
        "changed": START, "deadline": START + 10, "until": START + 60, "duration": 60.0,
    }  # fmt: skip
    return Case(**{**values, **fields})  # type: ignore[arg-type] # made of parts


def put(book: Book, *cases: Case) -> list[object]:
    for one in cases:
        book.put(one, None, "why")
    return list(book.take())


def test_a_case_is_found_by_number_and_device_until_it_is_over() -> None:
    book, one = Book(), case(1, cookie=5)
    put(book, one)
    assert (book.of(one.mac), book.get(1), len(book)) == (one, one, 1)
    put(book, to.over(one, START))
    assert (book.of(one.mac), book.get(1), len(book)) == (None, None, 0)


def test_the_end_of_an_old_case_does_not_hide_the_new_one_of_its_device() -> None:
    book, old = Book(), case(1)
    new = replace(case(2), mac=old.mac)
    put(book, old, new, to.over(old, START))
    assert book.of(old.mac) == new


def test_desired_is_what_is_wanted_by_mac_and_told_when_it_changes() -> None:
    book = Book()
    said = put(book, case(2, cookie=1), case(1, "isolated", cookie=2), case(3, "releasing", 3))
    assert [one.mac for one in book.desired()] == [mac(1), mac(2)]
    assert said[-1] == Wanted()
    assert Wanted() not in put(book, case(2, "isolated", cookie=1))  # proven: nothing else wanted
    assert put(book, case(2, "releasing", cookie=1))[-1] == Wanted()
    assert [one.mac for one in book.desired()] == [mac(1)]


def test_insisting_tells_what_is_wanted_once_more_and_only_once() -> None:
    book = Book()
    book.insist()
    assert book.take() == [Wanted()]
    assert book.take() == []


def test_watched_are_those_observed_by_watch() -> None:
    book = Book()
    said = put(book, case(1, "observed", action=WATCH), case(2, "observed"))
    assert book.watched() == {mac(1)}
    assert said[-1] == Wanted()
    assert put(book, to.over(case(1, "observed", action=WATCH), START))[-1] == Wanted()
    assert book.watched() == frozenset()


def test_due_gives_each_deadline_once_in_order() -> None:
    book = Book()
    put(
        book, case(1, deadline=START + 9), case(2, deadline=START + 5), case(3, deadline=START + 20)
    )
    book.keep(case(1, deadline=START + 7))
    assert [one.number for one in book.due(START + 10)] == [2, 1]
    assert list(book.due(START + 10)) == []
    assert [one.number for one in book.due(START + 20)] == [3]


def test_of_many_that_hold_nobody_some_are_due_at_a_time_and_isolations_always() -> None:
    book, many = Book(), IDLE_AT_ONCE + 7
    put(book, *(case(n, "simulated", deadline=START + 1) for n in range(1, many + 1)))
    put(book, case(many + 1, cookie=1, deadline=START + 2))
    first = list(book.due(START + 9))
    assert len(first) == IDLE_AT_ONCE + 1
    assert first[-1].number == many + 1
    put(book, *(to.over(one, START + 9) for one in first))
    assert len(list(book.due(START + 9))) == 7
    assert list(book.due(START + 9)) == []


def test_due_passes_over_who_got_another_deadline_or_is_over() -> None:
    book = Book()
    put(book, case(1), case(2))
    book.keep(case(1, deadline=START + 500))
    book.keep(to.over(case(2), START))
    assert list(book.due(START + 100)) == []
    assert [one.number for one in book.due(START + 500)] == [1]


def test_many_new_deadlines_of_few_cases_take_no_room() -> None:
    book = Book()
    for second in range(1_000):
        book.keep(case(1, deadline=START + second))
    assert len(book._deadlines) < 100
    assert [one.deadline for one in book.due(START + 2_000)] == [START + 999]


def test_a_clock_set_back_takes_deadlines_and_ends_with_it() -> None:
    book = Book()
    put(book, case(1))
    book.set_back(1_000.0)
    found = book.get(1)
    assert found is not None
    assert (found.deadline, found.until) == (START - 990, START - 940)
    assert [one.number for one in book.due(START - 990)] == [1]


def test_numbers_count_on_after_those_of_a_former_run() -> None:
    book = Book()
    book.seen(41, 7)
    assert book.number() == 42
    assert book.cookie() == 8


def test_cookies_come_round_and_pass_over_those_that_may_stand() -> None:
    book = Book()
    book.seen(1, COOKIES[-1])
    put(book, case(1, "releasing", cookie=COOKIES[0]))
    book.linger(COOKIES[1], mac(9))
    assert book.cookie() == COOKIES[2]


def test_a_cookie_is_kept_if_nobody_else_has_it() -> None:
    book = Book()
    put(book, case(1, cookie=30))
    assert book.cookie(31) == 31
    assert book.cookie(30) != 30
    assert book.cookie(0) in COOKIES


def test_what_made_way_before_it_was_gone_takes_room_until_it_is() -> None:
    book, one = Book(), case(1, "isolated", cookie=4)
    put(book, one, to.over(one, START))
    assert book.room() == 1
    assert book.cookie(4) != 4
    book.vanished(frozenset({3}))
    assert book.room() == 1
    book.vanished(frozenset({4}))
    assert book.room() == 0


def test_what_was_seen_to_be_gone_takes_no_room() -> None:
    book, one = Book(), case(1, "releasing", cookie=4)
    put(book, one, to.waits(one, "released", START + 5, START, "halia"))
    assert book.room() == 0


@pytest.mark.parametrize(
    ("cookie", "number", "known"), [(4, 1, True), (5, 1, False), (4, 2, False), (9, 9, True)]
)
def test_a_stranger_is_known_by_device_and_cookie(cookie: int, number: int, known: bool) -> None:
    book = Book()
    put(book, case(1, "releasing", cookie=4))
    book.linger(9, mac(9))
    assert book.knows(Isolation(cookie=cookie, mac=mac(number), action=BLOCK)) is known


def test_leaving_is_what_is_not_wanted_and_may_stand() -> None:
    book, one = Book(), case(1, "isolated", cookie=4)
    put(book, one, case(2, "releasing", cookie=5), case(3, cookie=6), to.over(one, START))
    assert book.leaving() == {4, 5}
    book.vanished(frozenset({4}))
    put(book, to.waits(case(2, "releasing", cookie=5), "released", START + 5, START, "halia"))
    assert book.leaving() == frozenset()


def test_whose_cookie_it_was_is_remembered() -> None:
    book = Book()
    book.remember(case(1, "over", cookie=4))
    assert book.had_ended(Isolation(cookie=4, mac=mac(1), action=BLOCK))
    assert not book.had_ended(Isolation(cookie=4, mac=mac(2), action=BLOCK))


def test_what_is_wanted_is_told_when_something_ends_at_once_or_other_things_follow() -> None:
    book, one = Book(), case(1, "isolated", cookie=4)
    assert Wanted() in put(book, one, case(2, "simulated"))
    assert [found.mac for found in book.desired()] == [mac(1)]
    assert Wanted() in put(book, to.over(one, START))
    assert book.desired() == ()


def test_steps_are_told_in_order_and_once() -> None:
    book, one = Book(), case(1)
    assert put(book, one)[0] == Transition(one, None, "why")
    book.keep(replace(one, proof="written"))
    assert book.take() == []
