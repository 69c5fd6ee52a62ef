from __future__ import annotations

from typing import Any

import pytest

from plugin.actions import Place
from plugin.broker.message import message_id
from plugin.engine.subjects import CAPTURE_SECONDS, TWICE_SECONDS
from plugin.ml.behaviour.finding import Finding
from plugin.ml.verdict import RELAY, Anomaly, Role
from plugin.offline.history import Change, History, Told
from plugin.policy.subject import RoleSeen, Seen, Window
from tests import sayings as say

MAC = say.MAC
C1 = message_id("verdict", say.MAC, "c1")
SCAN = Finding("vertical-scan", 4.0, 2.0, ("30 ports",), ("c1",))


def _history(*told: Told) -> History:
    history = History()
    for one in told:
        history.take(one)
    assert history.unreadable == 0
    return history


def _look(history: History) -> Any:
    found = history.look(MAC)
    assert found is not None
    return found[0]


def test_a_device_is_where_it_was_heard_last() -> None:
    history = History()
    assert history.take(say.device(10.0)) == Change(MAC, moved=True)
    assert history.take(say.device(11.0, name="cam")) == Change(MAC, moved=False)
    subject = _look(history)
    assert (subject.place, subject.name, subject.addresses) == (
        Place("sw1", 7, 100), "cam", ("10.0.0.7",),
    )  # fmt: skip
    assert history.take(say.device(12.0, port=8)) == Change(MAC, moved=True)
    assert list(history.mates(Place("sw1", 8, 100))) == [MAC]
    assert list(history.mates(Place("sw1", 7, 100))) == []


def test_who_is_gone_is_not_known_any_more() -> None:
    history = _history(say.device(1.0), say.gone(2.0), say.gone(3.0))
    assert history.look(MAC) is None
    assert len(history) == 0
    assert history.take(say.device(4.0)) == Change(MAC, moved=True)


def test_devices_at_one_port_are_counted() -> None:
    other = "02:00:00:00:00:08"
    history = _history(say.device(1.0), say.device(2.0, mac=other), say.device(3.0, mac=other))
    found = history.look(MAC)
    assert found is not None
    assert (found[1].devices, found[1].macs_on_port, found[1].uplink) == (2, 2, None)
    history.take(say.device(4.0, mac=other, port=9))
    found = history.look(MAC)
    assert found is not None
    assert found[1].macs_on_port == 1


def test_a_verdict_is_a_window() -> None:
    anomaly = Anomaly("anomalous", Finding("novelty", 3.0, 2.0, (), ()), None, (SCAN,))
    history = _history(say.verdict(10.0, "c1", anomaly=anomaly))
    subject = _look(history)
    assert subject.windows == (
        Window("c1", C1, 10.0, 500, 50, "known", "Printer", 0.9, "anomalous", 1.5, None,
               ("vertical-scan",)),
    )  # fmt: skip
    assert subject.behaviours == (Seen("vertical-scan", 4.0, 2.0, ("30 ports",), 10.0, C1),)
    assert (subject.role, subject.captures) == (RoleSeen("known", "Printer", 0.9, "m1"), 1)
    assert subject.addresses == ("10.0.0.7",)


def test_the_last_window_stands_first() -> None:
    told = [say.verdict(float(n), f"c{n}") for n in range(20)]
    subject = _look(_history(*told))
    assert [one.capture for one in subject.windows] == [f"c{n}" for n in range(19, 3, -1)]
    assert subject.captures == 20
    assert subject.windows[0].anomaly == "undetermined"


def test_a_capture_with_too_little_in_it_tells_no_role() -> None:
    little = Role("undetermined", ("Unknown",) * 3, (0.0,) * 3, "m1", "too little")
    assert _look(_history(say.verdict(1.0, "c1", role=little))).role.decision == "undetermined"
    subject = _look(_history(say.verdict(1.0, "c1"), say.verdict(2.0, "c2", role=little)))
    assert subject.role.decision == "known"
    assert subject.windows[0].decision == "undetermined"


def test_a_router_is_a_gateway_from_then_on() -> None:
    relay = Role("undetermined", ("Unknown",) * 3, (0.0,) * 3, "m1", f"9 addresses: {RELAY}")
    history = _history(say.verdict(1.0, "c1", role=relay), say.verdict(2.0, "c2"))
    found = history.look(MAC)
    assert found is not None
    assert found[1].gateway == f"9 addresses: {RELAY}"


def test_a_finding_counts_for_some_time() -> None:
    history = _history(say.device(1.0), say.finding(10.0, SCAN))
    assert [one.name for one in _look(history).behaviours] == ["vertical-scan"]
    history.take(say.device(10.0 + 599.0))
    assert _look(history).behaviours != ()
    history.take(say.device(10.0 + 600.0))
    assert _look(history).behaviours == ()


def test_what_the_last_capture_showed_counts_longer() -> None:
    anomaly = Anomaly("anomalous", None, None, (SCAN,))
    history = _history(say.verdict(10.0, "c1", anomaly=anomaly))
    history.take(say.device(10.0 + CAPTURE_SECONDS - 1))
    assert _look(history).behaviours != ()
    history.take(say.verdict(10.0 + CAPTURE_SECONDS - 0.5, "c2"))
    assert _look(history).behaviours == ()


def test_of_each_behaviour_the_last_finding_counts() -> None:
    again = SCAN._replace(score=9.0)
    other = SCAN._replace(name="beacon")
    history = _history(say.finding(1.0, SCAN), say.finding(2.0, other), say.finding(3.0, again))
    assert [(one.name, one.score) for one in _look(history).behaviours] == [
        ("vertical-scan", 9.0),
        ("beacon", 4.0),
    ]


def test_one_mac_on_two_ports() -> None:
    history = _history(say.device(1.0), say.twice(10.0))
    assert _look(history).twice
    history.take(say.device(10.0 + TWICE_SECONDS))
    assert not _look(history).twice


def test_a_clock_that_goes_back_undoes_nothing() -> None:
    history = _history(say.device(100.0), say.finding(50.0, SCAN))
    assert history.now == 100.0
    assert _look(history).behaviours[0].time == 100.0


def test_entries_of_other_kinds_say_nothing() -> None:
    history = _history(Told(1.0, "decision", {}), Told(2.0, "policy", {}), Told(3.0, "new", {}))
    assert len(history) == 0


def test_a_capture_without_link_addresses_is_nobodys() -> None:
    told = say.verdict(1.0, "c1")
    assert History().take(told._replace(body={**told.body, "mac": None})) is None


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("device", {"mac": MAC}),
        ("gone", {}),
        ("verdict", {"mac": MAC, "verdict": {"role": None}}),
        ("verdict", {"mac": MAC, "capture": "c", "message_id": "i", "verdict": {"role": {
            "decision": "known", "labels": [], "confidences": [], "model": "m", "reason": None},
            "anomaly": None, "packets": 1, "sessions": 1}}),
        ("finding", {"mac": MAC, "verdict": {"anomaly": {"verdict": "x"}}}),
        ("alarm", {}),
        ("device", {**say.device(1.0).body, "mac": "zz"}),
        ("finding", {**say.finding(1.0, SCAN).body, "mac": "02:00"}),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_counted(kind: str, body: dict[str, Any]) -> None:
    history = History()
    assert history.take(Told(1.0, kind, body)) is None
    assert history.unreadable == 1
