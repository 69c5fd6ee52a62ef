from __future__ import annotations

import pytest

from plugin.policy.evaluate import chosen, missing
from plugin.policy.look import QUESTIONS, Look, asked_by
from plugin.policy.rules import AtLeast, Match, Policy
from plugin.policy.subject import RoleSeen, Subject
from tests.policies import MAC, NOW, device, policy, rule, seen, window

BAD = {"anomaly": "changed", "change": 2.0}


def _look(subject: Subject, tags: Policy | None = None) -> Look:
    return Look(subject, tags.tags if tags else {}, NOW)


def _lack(match: str, **changed: object) -> str | None:
    return missing(rule(f"match: {match}\naction: block"), _look(device(**changed)))


def _reasons(match: str, **changed: object) -> tuple[str, ...]:
    found = rule(f"match: {match}\naction: block")
    look = _look(device(**changed))
    assert missing(found, look) is None
    return chosen(found, look).reasons


@pytest.mark.parametrize(
    ("match", "changed", "words"),
    [
        ("{behaviours: [beacon, vertical-scan]}", {}, ("the rule asks for the behaviour beacon or"
         " vertical-scan; it did nothing that is known to be bad")),
        ("{behaviours: [beacon], min_packets: 501}", {"behaviours": (seen("beacon"),)},
         "the rule asks for 501 packets or more in a capture; its last judged capture has 500"),
        ("{anomalies: [changed]}", {"windows": (window(1, **BAD), window(2), window(3))},
         ("1 of its last 3 judged captures are as the rule asks (the rule asks for 2 of 3); in the"
         " last of the others: the rule asks for traffic that is changed; its traffic is normal")),
        ("{anomalies: [changed]}", {"windows": ()},
         "0 of its last 0 judged captures are as the rule asks (the rule asks for 2 of 3)"),
        ("{min_captures: 4}", {}, "the rule asks for 4 judged captures; there are 3"),
        ("{vlans: [101]}", {}, "the rule asks for one of the rule's VLANs; it has none of them"),
        ("{vlans: [100]}", {"place": None},
         "the rule asks for one of the rule's VLANs; nobody has told where it is"),
        ("{vlans: [100], macs: ['02:ff']}", {},
         "the rule asks for one of the rule's MAC addresses; it has none of them"),
        ("{sources: [other, third]}", {},
         "the rule asks for what other or third judged; halia did"),
        ("{os: [Windows, Linux]}", {},
         "the rule asks for the operating system Windows or Linux; nobody has told its"),
        ("{os: [Windows]}", {"os": "Linux"},
         "the rule asks for the operating system Windows; it has Linux"),
        ("{randomised: true}", {}, ("the rule asks for another kind of MAC address; this one is its"
         " manufacturer's")),
        ("{vlans: [100]}", {"twice": True}, ("it was heard on two ports in turn: somebody may"
         " pretend to be it, and an innocent device must not be cut off for that")),
        ("{vlans: [100]}", {"ignored": "a test"},
         "nothing is done about it, as somebody said: a test"),
    ],
)  # fmt: skip
def test_the_first_thing_that_is_missing(
    match: str, changed: dict[str, object], words: str
) -> None:
    assert _lack(match, **changed) == words


def test_hours_in_words() -> None:
    sundays = "{vlans: [100], hours: [{days: [sun], from: '02:00', to: '04:00'}]}"
    assert _lack(sundays) == "the rule is for sun 02:00-04:00 only"  # NOW is a Friday anywhere
    always = "{vlans: [100], hours: [{from: '00:00', to: '24:00'}]}"
    assert _reasons(always) == ("it has VLAN 100", "it is every day 00:00-24:00")


@pytest.mark.parametrize(
    ("match", "changed", "reasons"),
    [
        ("{behaviours: [beacon]}", {"behaviours": (seen("beacon"), seen("vertical-scan"))},
         ("it did beacon: it did beacon to 30 hosts",)),
        ("{behaviours: [beacon]}", {"behaviours": (seen("beacon", reasons=()),)},
         ("it did beacon: score 3, threshold 1",)),
        ("{anomalies: [changed], change: 1.5}",
         {"windows": (window(1, **BAD), window(2, **BAD), window(3))},
         (("2 of its last 3 judged captures are as the rule asks (the rule asks for 2 of 3): in the"
          " last of them its traffic is changed, its change is 2.00 (1 and more counts)"),)),
        ("{behaviours: [beacon], roles: [Workstation], min_confidence: 0.5}",
         {"behaviours": (seen("beacon"),)},
         ("it did beacon: it did beacon to 30 hosts", "its role is Workstation, 90% sure")),
        ("{os: [windows, Mac]}", {"os": "Windows"}, ("its operating system is Windows",)),
        ("{vlans: [100], macs: ['02:00'], min_captures: 3, sources: [halia], randomised: false}",
         {}, ("3 of its captures were judged", f"it has MAC address {MAC} (02:00...)",
              "it has VLAN 100", "halia judged it", "its MAC address is its manufacturer's")),
    ],
)  # fmt: skip
def test_reasons(match: str, changed: dict[str, object], reasons: tuple[str, ...]) -> None:
    assert _reasons(match, **changed) == reasons


def test_foreign_words_are_one_line() -> None:
    (reason,) = _reasons(
        "{behaviours: [beacon]}", behaviours=(seen("beacon", reasons=("a\nb\x1b",)),)
    )
    assert reason == "it did beacon: a\\nb\\x1b"


def test_who_is_ignored_may_be_told_of() -> None:
    told = rule("match: {vlans: [100]}\naction: notify")
    assert missing(told, _look(device(ignored="x", twice=True))) is None


def test_a_ladder_that_ends_in_a_block_isolates() -> None:
    hard = rule(
        "match: {vlans: [100]}\naction: limit:1M\nescalate: [{action: block, duration: 1d}]"
    )
    assert missing(hard, _look(device(twice=True))) is not None


def _evidence(match: str, **changed: object) -> tuple[str, ...]:
    return _look(device(**changed)).evidence(rule(f"match: {match}\naction: notify").match)


def test_evidence_is_what_the_rule_asked_for() -> None:
    bad = (window(1, **BAD), window(2), window(3, **BAD), window(4, **BAD))
    assert _evidence("{anomalies: [changed]}", windows=bad) == ("e1", "e3")
    assert _evidence("{anomalies: [changed]}", windows=(window(1, **BAD, evidence=""),)) == ("c1",)
    both = (seen("beacon"), seen("vertical-scan"))
    assert _evidence("{behaviours: [beacon]}", behaviours=both) == ("finding-beacon",)
    assert _evidence("{behaviours: [beacon], min_packets: 1}", behaviours=both) == (
        "finding-beacon",
        "e1",
    )
    assert _evidence("{vlans: [100]}") == ()


def test_evidence_of_a_role_is_the_capture_that_told_it() -> None:
    told = (
        window(1, decision="undetermined", label="Unknown"),
        window(2, decision="known", label="Printer"),
        window(3, decision="known", label="Printer"),
    )
    subject = {
        "windows": told,
        "role": RoleSeen("known", "Printer", 0.9, "m"),
        "behaviours": (seen("beacon"),),
    }
    found = _evidence("{behaviours: [beacon], roles: [Printer]}", **subject)
    assert found == ("finding-beacon", "e2")


def test_windows_that_do_not_count_are_no_evidence() -> None:
    asked = Match(anomalies=("changed",), windows=AtLeast(1, 2))
    look = _look(device(windows=(window(1), window(2, **BAD), window(3, **BAD))))
    assert [good.capture for good in look.good(asked)] == ["c2"]


def test_a_rule_that_the_reader_would_refuse_is_not_enforced_either() -> None:
    (dangerous,) = policy("- {name: r, match: {}, action: block}").rules
    import dataclasses

    forced = dataclasses.replace(dangerous, mode="enforce")
    assert missing(dangerous, _look(device())) is None
    assert missing(forced, _look(device())) == "the rule asks for too little to be enforced"
    for little in (Match(anomalies=("undetermined",)), Match(decisions=("undetermined",))):
        found = missing(dataclasses.replace(forced, match=little), _look(device()))
        assert found == "the rule asks for too little to be enforced"


def test_each_question_is_asked_by_some_rule_only() -> None:
    nothing = rule("match: {}\naction: notify")
    assert list(asked_by(nothing)) == []
    everything = rule(
        """
        match: {behaviours: [beacon], min_captures: 1, vlans: [1], sources: [x], randomised: true,
                os: [Linux], hours: [{from: "1:00", to: "2:00"}]}
        action: block
        """
    )
    assert len(list(asked_by(everything))) == len(QUESTIONS) - 1
