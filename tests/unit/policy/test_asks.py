from __future__ import annotations

from typing import Any

import pytest

from plugin.policy.asks import ASKS, NAME_MAX, failing, given, present, short
from plugin.policy.rules import Match
from plugin.policy.subject import RoleSeen
from tests.policies import device, seen, window


@pytest.mark.parametrize(
    ("asked", "good", "bad"),
    [
        (Match(behaviours=("beacon",)), {"behaviours": ("x", "beacon")}, {"behaviours": ("x",)}),
        (Match(decisions=("unknown",)), {"decision": "unknown"}, {"decision": "known"}),
        (Match(roles=("PRINTER",)), {"label": "Printer"}, {"label": "Workstation"}),
        (Match(roles=("Printer",)), {"label": "Printer"},
         {"label": "Printer", "decision": "unknown"}),
        (Match(min_confidence=0.8), {"confidence": 0.8}, {"confidence": 0.79}),
        (Match(anomalies=("novel",)), {"anomaly": "novel"}, {"anomaly": "changed"}),
        (Match(anomalies=("anomalous",)), {"behaviours": ("x",)}, {"anomaly": "normal"}),
        (Match(anomalies=("novel",)), {"anomaly": "novel"}, {"behaviours": ("x",)}),
        (Match(novelty=1.5), {"novelty": 1.5}, {"novelty": 1.49}),
        (Match(novelty=0.1), {"novelty": 0.2}, {"novelty": None}),
        (Match(change=1.5), {"change": 1.5}, {"change": 1.49}),
        (Match(change=0.1), {"change": 0.2}, {"change": None}),
        (Match(min_packets=500), {"packets": 500}, {"packets": 499}),
        (Match(min_sessions=50), {"sessions": 50}, {"sessions": 49}),
    ],
)  # fmt: skip
def test_each_ask(asked: Match, good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert failing(asked, window(**good)) is None
    lacking = failing(asked, window(**bad))
    assert lacking is not None
    assert getattr(asked, lacking.field) not in (None, ())


def test_all_that_is_asked_must_hold() -> None:
    asked = Match(behaviours=("beacon",), min_packets=100)
    few = failing(asked, window(behaviours=("beacon",), packets=99))
    assert few is not None
    assert few.field == "min_packets"
    assert failing(Match(), window()) is None


def test_a_role_that_is_not_known_counts_only_where_the_rule_says_so() -> None:
    doubtful = window(label="Printer", decision="unknown")
    assert failing(Match(roles=("Printer",), decisions=("unknown",)), doubtful) is None


def test_only_what_is_asked_is_looked_at() -> None:
    assert [ask.field for ask in given(Match(novelty=1.0, roles=("x",)))] == ["roles", "novelty"]
    asked = {
        "roles": ("x",), "decisions": ("known",), "min_confidence": 0.1, "anomalies": ("novel",),
        "behaviours": ("x",), "novelty": 1.0, "change": 1.0, "min_packets": 1, "min_sessions": 1,
    }  # fmt: skip
    assert {ask.field for ask in ASKS} == set(asked)
    assert [ask.field for ask in given(Match(**asked))] == [ask.field for ask in ASKS]  # type: ignore[arg-type]  # one of each kind


def test_what_is_known_now_is_as_a_capture() -> None:
    both = window(1, packets=7), window(2)
    now = present(device(behaviours=(seen("beacon"),), windows=both))
    assert (now.capture, now.packets, now.behaviours) == ("c1", 7, ("beacon",))
    assert (now.decision, now.label, now.confidence) == ("known", "Workstation", 0.9)


def test_the_role_of_now_is_the_devices_not_that_of_its_last_capture() -> None:
    now = present(device(role=RoleSeen("unknown", "Printer", 0.2, "m"), windows=(window(1),)))
    assert (now.decision, now.label, now.confidence) == ("unknown", "Printer", 0.2)


def test_of_whom_nothing_is_known() -> None:
    now = present(device(role=None, windows=()))
    assert (now.decision, now.anomaly, now.packets) == ("undetermined", "undetermined", 0)
    assert (now.novelty, now.change, now.behaviours) == (None, None, ())
    assert failing(Match(novelty=1.0), now) is not None


@pytest.mark.parametrize(
    ("field", "changed", "words"),
    [
        ("behaviours", {}, "it did nothing that is known to be bad"),
        ("behaviours", {"behaviours": ("beacon", "x")}, "it did: beacon, x"),
        ("roles", {}, "its role is Workstation, 90% sure"),
        ("roles", {"decision": "unknown"}, "its role is not known (likeliest Workstation, 90%)"),
        ("roles", {"decision": "undetermined"}, "too little was seen to tell its role"),
        ("anomalies", {}, "its traffic is normal"),
        ("novelty", {}, "its novelty is 0.20 (1 and more counts)"),
        ("change", {"change": None}, "nothing has measured its change"),
        ("min_packets", {}, "its last judged capture has 500"),
    ],
)
def test_words_for_what_there_is(field: str, changed: dict[str, Any], words: str) -> None:
    (ask,) = (ask for ask in ASKS if ask.field == field)
    assert ask.has(window(**changed)) == words


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Match(behaviours=("a", "b")), "the behaviour a or b"),
        (Match(decisions=("known", "unknown")), "a role that is known or unknown"),
        (Match(roles=("Printer",)), "the role Printer"),
        (Match(min_confidence=0.85), "a role that is 85% sure"),
        (Match(anomalies=("novel",)), "traffic that is novel"),
        (Match(novelty=1.5), "a novelty of 1.5 or more"),
        (Match(change=2.0), "a change of 2 or more"),
        (Match(min_packets=10), "10 packets or more in a capture"),
        (Match(min_sessions=3), "3 sessions or more in a capture"),
    ],
)
def test_words_for_what_is_asked(asked: Match, words: str) -> None:
    (ask,) = given(asked)
    assert ask.wants(asked) == words


def test_foreign_names_are_cut() -> None:
    assert short("x" * NAME_MAX) == "x" * NAME_MAX
    assert short("x" * (NAME_MAX + 1)) == "x" * (NAME_MAX - 1) + "…"
