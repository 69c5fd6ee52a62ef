"""Which decisions are told, and what stands in a notice."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.actions import parse_action
from plugin.broker.message import decision_message
from plugin.notices.notice import (
    ERROR,
    NOTICE,
    WARNING,
    ChannelError,
    Choice,
    alarm_notice,
    decision_notice,
    is_refusal,
)
from plugin.policy.decision import decision_document
from plugin.settings.table import BY_KEY
from tests.cases import AT, MAC, step

DEFAULT = BY_KEY["notify.states"].default


def told(choice: Choice, *steps: tuple[Any, Any]) -> list[str]:
    return [state for state, before in steps if choice.wants(step(state, before))]


def test_of_an_isolation_its_beginning_and_its_end_are_told() -> None:
    life = (
        ("delayed", None), ("pending", "delayed"), ("isolating", "pending"),
        ("isolated", "isolating"), ("releasing", "isolated"), ("released", "releasing"),
        ("over", "released"),
    )  # fmt: skip
    assert told(Choice(DEFAULT), *life) == ["pending", "isolated", "released"]
    assert told(Choice({"over"}), *life) == ["over"]


@pytest.mark.parametrize(
    ("before", "refused"),
    [("pending", True), ("isolating", True), ("delayed", False), ("released", False)],
)
def test_the_end_is_told_if_nothing_came_of_it(before: Any, refused: bool) -> None:
    transition = step("over", before)
    assert is_refusal(transition) is refused
    assert Choice(DEFAULT).wants(transition) is refused
    assert not Choice({"isolated"}).wants(transition)
    assert decision_notice(transition).fields["state"] == ("refused" if refused else "over")


def test_what_is_proven_again_is_no_news_but_another_end_is() -> None:
    choice = Choice(DEFAULT)
    assert choice.wants(step())
    assert not choice.wants(step(before="isolated", proof="loaded"))
    assert not choice.wants(step("isolating", "isolated"))
    assert not choice.wants(step())
    assert choice.wants(step(before="isolated", until=AT + 7200))
    assert choice.wants(step(before="isolated", until=AT + 7200, action=parse_action("block")))
    assert choice.wants(step(number=8))


def test_only_so_many_cases_are_remembered() -> None:
    choice = Choice(DEFAULT)
    for number in range(1, 5_001):
        assert choice.wants(step(number=number))
    assert len(choice._told) == 4_096
    assert not choice.wants(step(number=5_000))


def test_a_decision_says_the_same_everywhere() -> None:
    notice = decision_notice(step())
    document = decision_document(step())
    assert notice.document == document
    assert notice.id == decision_message(document).message_id
    assert (notice.kind, notice.time, notice.severity) == ("decision", AT, WARNING)
    assert notice.title == f"{MAC}: quarantine isolated (case 7)"
    assert notice.text.startswith("case 7, quarantine is in force until 2023-11-14T23:13:20.25Z: h")
    assert notice.fields == {
        "case": "7", "state": "isolated", "mac": MAC, "addresses": "10.0.0.12,2001:db8::12",
        "place": "sw1:3", "vid": "100", "action": "quarantine", "rule": "scanners",
        "actor": "halia", "until": "2023-11-14T23:13:20.25Z", "proof": "proven",
    }  # fmt: skip


def test_what_is_good_news_is_less_grave() -> None:
    assert decision_notice(step("released", "releasing")).severity == NOTICE
    assert decision_notice(step("pending", None)).severity == WARNING


def test_what_is_not_known_has_no_field() -> None:
    fields = decision_notice(step(place=None, rule=None, until=None, addresses=())).fields
    assert not {"place", "vid", "rule", "until", "addresses"} & set(fields)


def test_an_alarm_is_a_notice_with_an_id_of_its_own() -> None:
    notice = alarm_notice(AT, "caps", None, "10 devices are isolated: nothing new is")
    assert (notice.kind, notice.severity, notice.title) == ("alarm", ERROR, "alarm caps")
    assert notice.document == {
        "schema": 1, "kind": "alarm", "time": "2023-11-14T22:13:20.25Z", "alarm": "caps",
        "mac": None, "text": "10 devices are isolated: nothing new is",
    }  # fmt: skip
    assert notice.fields == {"alarm": "caps"}
    assert alarm_notice(AT, "proof", MAC, "x").title == f"alarm proof about {MAC}"
    ids = {notice.id, alarm_notice(AT + 1, "caps", None, notice.text).id}
    ids |= {alarm_notice(AT, "caps", MAC, notice.text).id, alarm_notice(AT, "caps", None, "x").id}
    assert len(ids) == 4
    assert alarm_notice(AT, "caps", None, notice.text).id == notice.id


def test_hostile_text_stays_in_its_line() -> None:
    evil = 'x\r\nBcc: all@example.org\x1b[2J\u2028"'
    notices = (
        decision_notice(step(reason=evil, rule=evil, actor=evil, why=evil)),
        alarm_notice(AT, "spoofed", MAC, evil),
    )
    for notice in notices:
        for text in (notice.title, notice.text, *notice.fields.values()):
            assert text.isprintable(), text
    assert str(ChannelError(evil)).isprintable()
