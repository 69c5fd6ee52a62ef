from __future__ import annotations

from typing import Any

import pytest

from plugin.actions import Action, Isolation, Place
from plugin.policy.cases import Wanted
from plugin.policy.rules import DURATION, HARD_CAP, Devices
from plugin.policy.transitions import PROOF_SECONDS, REMIND_SECONDS
from tests.ledgers import BLOCK, LIMIT, START, WATCH, Site, mac, policy, rule

ONE = frozenset({1})
NONE: frozenset[int] = frozenset()


def isolating(**fields: Any) -> Site:
    site = Site(policy(rule(duration=7_200.0), **fields))
    site.offend(1)
    return site


def isolated(**fields: Any) -> Site:
    site = isolating(**fields)
    site.report()
    assert site.state(1) == "isolated"
    return site


def stranger(number: int = 5, cookie: int = 77, action: Action = BLOCK) -> Isolation:
    return Isolation(cookie=cookie, mac=mac(number), action=action)


# What is called isolated


@pytest.mark.parametrize(
    ("report", "proof"),
    [
        ({}, "proven"),
        ({"proven": NONE}, "loaded"),
        ({"proven": NONE, "loaded": NONE}, "written"),
        ({"proven": NONE, "loaded": NONE, "written": NONE}, "none"),
        ({"wanted": NONE}, "none"),
        ({"refused": {1: "no"}}, "none"),
        ({"probing": False}, "loaded"),
    ],
)
def test_only_what_was_read_back_is_isolated(report: dict[str, Any], proof: str) -> None:
    site = isolating()
    site.report(**report)
    assert site.case(1).proof == proof
    assert site.state(1) == ("isolated" if proof == "proven" else "isolating")


def test_an_isolation_that_is_proven_ends_at_its_end() -> None:
    site = isolated()
    assert site.case(1).deadline == START + 7_200
    site.wait(7_200.0)
    assert (site.state(1), site.case(1).actor) == ("releasing", "nobody")


def test_a_proof_that_is_gone_is_told_and_it_is_not_called_isolated() -> None:
    site = isolated()
    site.report(proven=NONE, unproven={1: "sw2 has no rules"})
    assert (site.state(1), site.warned()) == ("isolating", ["proof"])
    assert "sw2 has no rules" in site.texts()
    site.report()
    assert (site.state(1), site.warned()) == ("isolated", [])
    assert site.case(1).notes == ()


def test_the_same_report_again_says_nothing() -> None:
    site = isolated()
    site.report()
    assert site.outcomes == []


def test_what_is_not_proven_in_its_time_alarms_and_is_tried_again() -> None:
    site = isolating()
    site.report(proven=NONE, unproven={1: "sw2 is away"})
    site.wait(PROOF_SECONDS - 1)
    assert site.outcomes == []
    site.wait(1.0)
    assert (site.warned(), site.outcomes[-1]) == (["proof"], Wanted())
    assert "sw2 is away" in site.texts()
    site.wait(60.0)
    assert site.outcomes == []
    site.wait(REMIND_SECONDS)
    assert (site.warned(), site.wanted()) == (["proof"], True)
    assert site.isolated() == {mac(1)}


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({"proven": NONE}, "not seen at every switch"),
        ({"proven": NONE, "loaded": NONE}, "not loaded"),
        ({"proven": NONE, "loaded": NONE, "written": NONE}, "not written"),
        ({"refused": {1: "no such VLAN"}}, "no such VLAN"),
    ],
)
def test_the_alarm_says_how_far_it_has_come(report: dict[str, Any], words: str) -> None:
    site = isolating()
    site.report(**report)
    site.wait(PROOF_SECONDS)
    assert words in site.texts()


def test_never_proven_ends_all_the_same() -> None:
    site = isolating()
    for _ in range(20):
        site.wait(600.0)
    assert site.state(1) == "releasing"


def test_where_switches_cannot_be_read_a_note_says_so_and_no_alarm_comes_again() -> None:
    site = isolating()
    site.report(probing=False, proven=NONE)
    assert "cannot be read" in site.case(1).notes[0]
    site.wait(PROOF_SECONDS)
    assert site.warned() == []
    assert site.state(1) == "isolating"


def test_switches_that_become_unreadable_are_one_alarm() -> None:
    site = isolated()
    site.offend(2)
    site.report()
    site.report(probing=False)
    assert site.warned() == ["proof"]
    assert (site.state(1), site.state(2)) == ("isolating", "isolating")
    site.report(probing=False)
    assert site.warned() == []
    site.report()
    assert site.state(1) == "isolated"
    site.report(probing=False)
    assert site.warned() == ["proof"]


def test_what_is_refused_or_left_out_is_told_and_noted() -> None:
    site = isolating()
    site.report(refused={1: "the hook is not installed"})
    assert site.warned() == ["refused"]
    assert site.case(1).notes == ("cannot be done: the hook is not installed",)
    assert site.transitions()[0].why == "cannot be done: the hook is not installed"
    site.report(refused={1: "the hook is not installed"})
    assert site.outcomes == []
    site.report(left_out={1: ("dns 10.0.0.53",)})
    assert site.case(1).notes == ("left out: dns 10.0.0.53",)
    site.report()
    assert site.transitions()[0].why == "as it should be again"


# What is called released


def test_released_is_proven_too() -> None:
    site = isolated()
    site.release(mac(1))
    site.report(absent=NONE)
    assert site.state(1) == "releasing"
    site.report(absent=ONE, wanted=ONE)  # about what was wanted before
    assert site.state(1) == "releasing"
    site.report()
    assert site.state(1) == "released"
    assert site.transitions()[-1].why == "gone from every switch"
    site.wait(600.0)
    assert site.state(1) is None


def test_a_release_says_what_it_waits_for() -> None:
    site = isolated()
    site.release(mac(1))
    (cookie,) = ONE
    site.report(absent=NONE, unproven={cookie: "Faucet has not loaded it"})
    case = site.ledger.case(mac(1))
    assert case is not None
    assert case.notes == ("not proven yet: Faucet has not loaded it",)
    site.report()
    case = site.ledger.case(mac(1))
    assert case is not None
    assert (case.state, case.notes) == ("released", ())


def test_without_a_probe_released_is_what_faucet_says() -> None:
    site = isolated()
    site.release(mac(1))
    site.report(probing=False)
    assert site.transitions()[-1].why == "Faucet has loaded a file without it"


def test_a_release_that_is_not_proven_alarms_and_is_tried_on() -> None:
    site = isolated()
    site.release(mac(1))
    for seconds in (PROOF_SECONDS, REMIND_SECONDS):
        site.wait(seconds)
        assert (site.warned(), site.state(1)) == (["proof"], "releasing")
        assert site.wanted()


def test_what_made_way_is_seen_to_be_gone() -> None:
    site = isolated()
    site.order(mac(1), LIMIT)
    assert site.ledger._steps.book.room() == 2
    site.report(wanted=frozenset({1}), absent=frozenset({1}))
    assert site.ledger.leaving() == {1}, "a report about what was wanted before proves no end"
    site.report()
    assert site.ledger._steps.book.room() == 1
    assert site.ledger.leaving() == frozenset()


# Problems


def test_a_problem_is_told_when_it_comes_and_when_it_goes() -> None:
    site = isolating()
    for problem, kinds in (
        ("Faucet is away", ["enforcing"]), ("Faucet is away", []), ("disk full", ["enforcing"]),
        (None, ["enforcing_ok"]), (None, []),
    ):  # fmt: skip
        site.report(problem=problem)
        assert site.warned() == kinds


# Strangers


def test_what_nobody_remembers_is_kept_with_an_end_and_an_alarm() -> None:
    site = Site(policy(learning=1e9))
    site.report(strangers=(stranger(),))
    case = site.case(5)
    assert (case.state, case.origin, case.cookie, case.action) == ("isolating", "found", 77, BLOCK)
    assert case.until == START + DURATION
    assert site.warned() == ["orphan"]
    site.wait(DURATION)
    assert site.state(5) == "releasing"


def test_a_known_device_is_kept_where_it_is() -> None:
    site = Site(policy())
    site.add(5, port=3)
    site.report(strangers=(stranger(),))
    assert site.ledger.desired()[0].place == Place("sw1", 3, 100)


def test_what_is_accounted_for_is_no_stranger() -> None:
    site = isolated()
    site.report(strangers=(stranger(1, 1),))
    assert site.outcomes == []
    site.release(mac(1))
    site.report(strangers=(stranger(1, 1),), absent=NONE)
    assert site.warned() == []


@pytest.mark.parametrize(
    ("fields", "action", "kind", "words"),
    [
        ({"protect": Devices(macs=(mac(5),))}, BLOCK, "protected", "protect: MAC address"),
        ({}, WATCH, "orphan", "isolates nobody"),
    ],
)
def test_a_stranger_that_must_not_be_is_taken_out_and_followed_to_the_end(
    fields: dict[str, Any], action: Action, kind: str, words: str
) -> None:
    site = Site(policy(**fields))
    site.report(strangers=(stranger(action=action),))
    assert (site.warned(), site.state(5), site.isolated()) == ([kind], "releasing", set())
    assert words in site.texts()
    site.report()
    assert site.state(5) == "released"


def test_a_second_isolation_of_a_device_is_followed_and_taken_out() -> None:
    site = isolated()
    site.report(strangers=(stranger(1),))
    assert site.ledger._steps.book.room() == 2
    assert len(site.ledger.cases()) == 1
    site.report(absent=frozenset({77}))
    assert site.ledger._steps.book.room() == 1


def test_what_had_ended_and_stands_again_is_taken_out() -> None:
    site = isolated()
    site.release(mac(1))
    site.report()
    site.wait(600.0)
    assert site.state(1) is None
    site.report(strangers=(stranger(1, 1),))
    assert site.state(1) == "releasing"
    assert "ended before" in site.texts()


def test_what_was_released_lately_and_stands_again_is_taken_out() -> None:
    site = isolated()
    site.release(mac(1))
    site.report()
    assert site.state(1) == "released"
    site.report(strangers=(stranger(1, 1),))
    assert (site.state(1), site.isolated()) == ("released", set())
    assert site.ledger.leaving() == {1}


def test_a_stranger_of_a_device_that_is_being_released_is_taken_out() -> None:
    site = isolated()
    site.release(mac(1))
    site.report(strangers=(stranger(1, 9),), absent=NONE)
    assert (site.warned(), site.isolated()) == (["orphan"], set())


def test_a_strangers_cookie_that_another_has_is_not_given_twice() -> None:
    site = isolated()
    site.report(strangers=(stranger(5, 1),))
    cookies = [case.cookie for case in site.ledger.cases()]
    assert len(set(cookies)) == 2
    # What stands under the other's cookie is seen to be gone too.
    site.release(mac(5))
    site.report(strangers=(stranger(5, 1),))
    assert (site.warned(), site.state(5)) == ([], "releasing")
    site.report()
    assert site.state(5) == "released"


def test_a_stranger_that_must_not_be_with_the_cookie_of_another_is_only_told() -> None:
    site = isolated(protect=Devices(macs=(mac(5),)))
    site.report(strangers=(stranger(5, 1),))
    assert (site.warned(), site.state(5), site.isolated()) == (["protected"], None, {mac(1)})
    site.report(strangers=(stranger(5, 1),))
    assert site.outcomes == []


def test_a_stranger_takes_the_place_of_what_was_only_thought_of() -> None:
    site = Site(policy(rule(mode="simulate")))
    site.judge(site.add(5), "bad")
    site.report(strangers=(stranger(),))
    assert site.case(5).origin == "found"


def test_more_strangers_than_fit_are_taken_out() -> None:
    site = Site(policy())
    site.report(strangers=tuple(stranger(n, n) for n in range(1, HARD_CAP + 3)))
    assert len(site.isolated()) == HARD_CAP
    assert [site.state(HARD_CAP + n) for n in (0, 1, 2)] == ["isolating", "releasing", "releasing"]
