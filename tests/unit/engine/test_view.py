"""What is shown of a device: the state, and a sentence that says why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plugin.actions import Action
from plugin.engine.view import (
    STATES,
    Besides,
    Sighted,
    Tracked,
    current_anomaly,
    decided,
    to_document,
    view,
)
from plugin.ml.behaviour.finding import Finding
from plugin.ml.verdict import Anomaly, judge
from plugin.registry import Device, Location
from tests.playbook import SECOND, START, A, case, found, role

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
    shown = view(tracked(vendor="Forged"), DEVICE)
    assert (shown.dp, shown.port, shown.vid) == ("sw1", 3, 100)
    assert (shown.first_seen, shown.last_seen) == (START - 10, START + 5)
    assert (shown.vendor, shown.name, shown.randomised) == ("Brother", "ann-laptop", True)
    alone = view(tracked(vendor="Brother"), None)
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
    shown = view(one, None)
    assert (shown.state, shown.why) == (state, why)
    assert shown.state in STATES


def test_what_the_operator_ignores_is_said_to_be_so_whatever_it_does() -> None:
    shown = view(
        tracked(role=role("unknown"), sighted=[sighted()]),
        DEVICE,
        Besides(ignored="VLAN 100 is ignored"),
    )
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
    document = to_document(view(one, DEVICE))
    assert json.loads(json.dumps(document)) == document
    assert document["role"]["labels"][0] == "Printer"
    assert document["anomaly"]["verdict"] == "undetermined"
    assert (document["captures"], document["last_capture"]) == (1, "t")
    bare = to_document(view(tracked(), None))
    assert bare.keys() == document.keys()
    assert (bare["role"], bare["anomaly"]) == (None, None)


ASKS = "rule scanners asks for block:"
BLOCKED = "block by rule scanners"
FLOODS = "broadcasts and floods of others still reach it"


@pytest.mark.parametrize(
    ("state", "changed", "why"),
    [
        (
            "pending",
            {"deadline": START + 60},
            f"{ASKS} approve or deny it before 2027-01-15T08:01:00Z: it scans",
        ),
        (
            "isolating",
            {"proof": "written"},
            f"{BLOCKED} is put in force (written, not loaded yet): it scans",
        ),
        ("isolated", {}, f"{BLOCKED} until 2027-01-15T09:00:00Z: it scans; {FLOODS}"),
        (
            "isolated",
            {"rule": None, "actor": "ann", "until": None, "notes": ("dns 10.0.0.53 is left out",)},
            f"block by ann until it is released: it scans; dns 10.0.0.53 is left out; {FLOODS}",
        ),
        (
            "isolated",
            {"notes": ("floods reach it",)},
            f"{BLOCKED} until 2027-01-15T09:00:00Z: it scans; floods reach it",
        ),
        (
            "isolated",
            {"action": Action(kind="limit", rate=500)},
            "limit:500k by rule scanners until 2027-01-15T09:00:00Z: it scans",
        ),
        (
            "releasing",
            {"notes": ("x",)},
            f"{BLOCKED} is taken back; not yet seen gone from the switches: it scans",
        ),
    ],
)
def test_what_is_decided_is_its_state_and_said_by_whom_until_when_and_what_it_leaves(
    state: Any, changed: dict[str, Any], why: str
) -> None:
    one = case(state, **changed)
    shown = view(tracked(role=role()), DEVICE, Besides(ignored="its VLAN", case=one))
    assert (shown.state, shown.why) == (state, why)
    assert decided(one) == why
    assert shown.state in STATES


@pytest.mark.parametrize("state", ["simulated", "delayed", "released"])
def test_a_case_that_takes_nothing_leaves_the_device_s_own_state(state: Any) -> None:
    shown = view(tracked(role=role(), role_capture="t"), DEVICE, Besides(case=case(state)))
    assert (shown.state, shown.why) == ("ok", "looks like Printer (0.90) in t")
    assert to_document(shown)["case"]["state"] == state


def test_a_device_that_is_only_watched_is_not_said_to_be_isolated() -> None:
    watched = case("isolated", action=Action(kind="watch"))
    shown = view(tracked(role=role(), role_capture="t"), DEVICE, Besides(case=watched))
    assert shown.state == "ok"


def test_a_suspect_that_is_protected_is_said_to_be_both() -> None:
    protected = Besides(protected="protected by p.yaml (protect: VLAN 100)")
    shown = view(tracked(sighted=[sighted()]), DEVICE, protected)
    assert shown.state == "protected"
    assert shown.why.startswith(
        "never isolated: protected by p.yaml (protect: VLAN 100); yet beacon"
    )
    assert view(tracked(role=role()), DEVICE, protected).state == "ok"


def test_the_case_in_the_document_is_what_a_table_needs() -> None:
    document = to_document(view(tracked(), DEVICE, Besides(case=case(notes=("a", "b")))))
    assert document["case"] == {
        "number": 7, "state": "isolated", "action": "block", "until": START + 3_600,
        "deadline": START + 3_600, "rule": "scanners", "origin": "rule", "actor": "scanners",
        "reason": "it scans", "proof": "proven", "notes": ["a", "b"],
    }  # fmt: skip
    assert json.loads(json.dumps(document)) == document
    assert to_document(view(tracked(), DEVICE))["case"] is None


def test_an_order_that_was_proven_is_still_by_hand() -> None:
    proven = case(rule=None, origin="operator", actor="halia")
    assert view(tracked(), DEVICE, Besides(case=proven)).why.startswith("block by hand until")
    ann = case(rule=None, origin="operator", actor="ann")
    assert view(tracked(), DEVICE, Besides(case=ann)).why.startswith("block by ann until")


UNLIKE = Finding("x", 2.0, 1.0, ("whom it talks to: 4.0 times", "and more"), ())


@pytest.mark.parametrize(
    ("anomaly", "words"),
    [
        (judge((), None, UNLIKE), "; changed: whom it talks to: 4.0 times"),
        (judge((), UNLIKE), "; novel: whom it talks to: 4.0 times"),
        (judge((), UNLIKE._replace(score=0.5), UNLIKE._replace(score=0.5)), ""),
        (Anomaly("changed"), "; changed: no reason given"),
    ],
)
def test_what_is_unlike_before_is_told_and_suspects_nobody(anomaly: Anomaly, words: str) -> None:
    shown = view(tracked(role=role(), role_capture="t", anomaly=anomaly), None)
    assert (shown.state, shown.why) == ("ok", f"looks like Printer (0.90) in t{words}")
    shown = view(tracked(role=role("unknown"), anomaly=anomaly), None)
    assert (shown.state, shown.why) == ("undetermined", f"unknown: too little{words}")
