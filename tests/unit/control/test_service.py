"""Requests joined with what the app brings."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.control.asks import ASKS, Right
from plugin.control.peer import Peer
from plugin.control.protocol import Request
from plugin.control.service import (
    Service,
    actor_of,
    alarm_event,
    answers,
    decision_event,
    device_event,
)
from plugin.errors import DeniedError
from tests.services import GHOST, LAPTOP, NOW, PRINTER, STATUS, Office, case, step

ANN = Peer(pid=1, uid=1000, gid=1000, groups=frozenset({1000}), user="ann")
GIVEN: dict[str, dict[str, Any]] = {
    "device": {"key": PRINTER},
    "explain": {"key": PRINTER},
    "isolate": {"key": PRINTER, "action": "block", "seconds": None, "reason": "it burns"},
    "release": {"key": None, "reason": "all is well"},
    "answer": {"number": 3, "approve": True, "reason": "yes"},
    "extend": {"number": 3, "seconds": 60.0, "reason": "not yet"},
    "thaw": {"reason": "it was a drill"},
}


def asked(name: str, service: Service | None = None, **arguments: Any) -> list[Any]:
    given = Request(ask=name, arguments=arguments)
    return list(answers(service or Office())(given, ANN))


def test_each_ask() -> None:
    assert asked("status") == [STATUS]
    assert [d["mac"] for d in asked("devices")] == [PRINTER, LAPTOP, GHOST]
    (one,) = asked("device", key="fe80::2")
    assert one["mac"] == LAPTOP
    assert one["history"]
    assert asked("device", key="10.9.9.9") == []


def test_a_watch_begins_with_what_is() -> None:
    *devices, last = asked("watch")
    assert [d["device"]["mac"] for d in devices] == [PRINTER, LAPTOP, GHOST]
    assert {d["event"] for d in devices} == {"device"}
    assert last == {"event": "current", "devices": 3}


@pytest.mark.parametrize("name", ASKS)
def test_every_ask_is_answered(name: str) -> None:
    office = Office()
    office.steps, office.looks, office.explained = [step(case())], [[case()]], {"rules": []}
    assert asked(name, office, **GIVEN.get(name, {}))


@pytest.mark.parametrize("name", [name for name, ask in ASKS.items() if ask.right is Right.ACT])
def test_who_acts_is_told_by_the_kernel_and_all_else_is_handed_on(name: str) -> None:
    office = Office()
    office.steps = [step(case())]
    assert asked(name, office, **GIVEN[name]) == office.steps
    assert office.orders == [(name, {**GIVEN[name], "actor": "ann"})]


def test_what_is_denied_is_told() -> None:
    office = Office()
    office.denied = "it is protected"
    with pytest.raises(DeniedError, match="it is protected"):
        asked("thaw", office, **GIVEN["thaw"])


def test_decisions_without_and_with_what_is_over() -> None:
    office = Office()
    office.looks = [[case(1), case(2, state="over")]]
    assert [one["number"] for one in asked("decisions", office)] == [1]
    assert [one["number"] for one in asked("decisions", office, all=False)] == [1]
    assert [one["number"] for one in asked("decisions", office, all=True)] == [1, 2]


def test_a_device_that_is_not_known_is_not_explained() -> None:
    office = Office()
    office.explained = {"rules": []}
    assert asked("explain", office, key="10.9.9.9") == []


@pytest.mark.parametrize("user", ["halia", "nobody"])
def test_no_person_is_called_as_halia_calls_itself(user: str) -> None:
    one = Peer(pid=1, uid=998, gid=998, groups=frozenset({998}), user=user)
    assert actor_of(one) == f"{user} (uid 998)"
    assert actor_of(ANN) == "ann"


def test_events() -> None:
    assert device_event({"mac": PRINTER}) == {"event": "device", "device": {"mac": PRINTER}}
    assert decision_event({"number": 7}) == {"event": "decision", "decision": {"number": 7}}
    alarm = alarm_event(NOW, "disk", None, "the disk is full")
    assert alarm["event"] == "alarm"
    assert (alarm["alarm"], alarm["mac"], alarm["text"]) == ("disk", None, "the disk is full")
