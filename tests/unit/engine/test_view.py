"""What is shown of a device: the state, and a sentence that says why."""

from __future__ import annotations

import json

import pytest

from plugin.engine.view import STATES, Sighted, Tracked, current_anomaly, to_document, view
from plugin.ml.verdict import Anomaly, judge
from plugin.registry import Device, Location
from tests.playbook import SECOND, START, A, found, role

QUIET = judge(())


def tracked(**fields: object) -> Tracked:
    return Tracked(mac=A, first_seen=START, last_seen=START + 5, **fields)  # type: ignore[arg-type] # any field


def sighted(name: str = "beacon") -> Sighted:
    return Sighted(int(START * SECOND) + 123, found(name=name).finding, None)


DEVICE = Device(
    mac=A,
    location=Location("sw1", 3, 100),
    addresses=("10.0.0.1",),
    first_seen=START - 10,
    last_seen=START + 1,
    name="ann-laptop",
    vendor="Brother",
)


def test_controller_and_frames_each_tell_a_part() -> None:
    shown = view(tracked(vendor="Forged"), DEVICE, None)
    assert (shown.dp, shown.port, shown.vid) == ("sw1", 3, 100)
    assert (shown.first_seen, shown.last_seen) == (START - 10, START + 5)
    assert (shown.vendor, shown.name, shown.randomised) == ("Brother", "ann-laptop", True)
    alone = view(tracked(vendor="Brother"), None, None)
    assert alone.vendor == "Brother"
    assert (alone.dp, alone.addresses, alone.learned) == (None, (), False)


@pytest.mark.parametrize(
    ("one", "state", "why"),
    [
        (tracked(), "unknown", "nothing of it has passed the mirror port yet"),
        (tracked(mirrored=True), "mirrored", "its first capture is being written"),
        (tracked(mirrored=True, judging=1), "classifying", "its first capture is being judged"),
        (tracked(role=role(), role_capture="t"), "ok", "looks like Printer (0.90) in t"),
        (tracked(role=role("unknown"), judging=1), "undetermined", "unknown: too little"),
        (
            tracked(role=role(), anomaly=judge([found().finding])),
            "suspect",
            "horizontal scan: 412 hosts on port 445 in 60 s",
        ),
        (
            tracked(role=role(), anomaly=QUIET, sighted=[sighted()]),
            "suspect",
            "beacon: 412 hosts on port 445 in 60 s (at 2027-01-15T08:00:00Z)",
        ),
    ],
)
def test_each_state_is_said_with_its_reason(one: Tracked, state: str, why: str) -> None:
    shown = view(one, None, None)
    assert (shown.state, shown.why) == (state, why)
    assert shown.state in STATES


def test_what_the_operator_ignores_is_said_to_be_so_whatever_it_does() -> None:
    shown = view(tracked(role=role("unknown"), sighted=[sighted()]), DEVICE, "VLAN 100 is ignored")
    assert (shown.state, shown.why) == ("ignored", "VLAN 100 is ignored")


def test_fresh_findings_come_before_those_of_the_capture_and_are_not_told_twice() -> None:
    before = judge([found(name="beacon").finding, found(name="syn-flood").finding])
    now = current_anomaly(tracked(anomaly=before, sighted=[sighted("beacon"), sighted("scan")]))
    assert now is not None
    assert [one.name for one in now.behaviour] == ["beacon", "scan", "syn-flood"]
    assert current_anomaly(tracked(anomaly=QUIET)) == QUIET
    assert current_anomaly(tracked()) is None
    first = current_anomaly(tracked(sighted=[sighted()]))
    assert isinstance(first, Anomaly)
    assert first.verdict == "anomalous"


def test_the_document_is_json_and_has_what_the_command_line_shows() -> None:
    one = tracked(role=role(), anomaly=QUIET, role_capture="t", last_capture="t", captures=1)
    document = to_document(view(one, DEVICE, None))
    assert json.loads(json.dumps(document)) == document
    assert document["role"]["labels"][0] == "Printer"
    assert document["anomaly"]["verdict"] == "undetermined"
    assert (document["captures"], document["last_capture"]) == (1, "t")
    bare = to_document(view(tracked(), None, None))
    assert bare.keys() == document.keys()
    assert (bare["role"], bare["anomaly"]) == (None, None)
