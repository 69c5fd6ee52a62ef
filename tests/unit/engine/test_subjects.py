"""What a policy gets to see of a device, and of what is around it."""

from __future__ import annotations

import pytest

from plugin.actions import Place
from plugin.broker.message import message_id
from plugin.engine import events as ev
from plugin.engine import subjects
from plugin.engine.subjects import NOWHERE, judged, subject, window
from plugin.engine.view import Sighted, Tracked
from plugin.ml.behaviour.finding import Finding
from plugin.ml.verdict import Anomaly, judge, relay_reason
from plugin.policy.subject import WINDOWS_KEPT, RoleSeen, Surroundings
from plugin.registry import Device, Location, Moved, Registry, Twice
from tests.playbook import SECOND, START, A, B, found, role, verdict

DEVICE = Device(
    mac=A,
    location=Location("sw1", 3, 100),
    addresses=("10.0.0.1", "10.0.0.2"),
    first_seen=START - 10,
    last_seen=START + 1,
    name="ann-laptop",
    vendor="Brother",
)


def surroundings(one: Tracked, known: Registry, files: ev.Ports | None) -> Surroundings:
    return subjects.surroundings(one, known, files, now=START, many=8)


def tracked(**fields: object) -> Tracked:
    return Tracked(mac=A, first_seen=START, last_seen=START + 5, **fields)  # type: ignore[arg-type] # any field


def sighted(name: str, after: float, capture: str | None = "one.pcap") -> Sighted:
    return Sighted(int((START + after) * SECOND), found(name=name).finding, capture)


def registry(*devices: Device) -> Registry:
    made = Registry()
    for one in devices:
        made.restore(one, START + 99)
    return made


def test_controller_and_frames_each_tell_a_part() -> None:
    seen = subject(tracked(vendor="Forged", role=role(), captures=4), DEVICE, "ignored", START)
    assert seen.place == Place("sw1", 3, 100)
    assert seen.addresses == ("10.0.0.1", "10.0.0.2")
    assert (seen.vendor, seen.name, seen.randomised) == ("Brother", "ann-laptop", True)
    assert (seen.first_seen, seen.last_seen) == (START - 10, START + 5)
    assert seen.role == RoleSeen("known", "Printer", 0.9, "demo", stands_out=True)
    flat = role()._replace(confidences=(0.3, 0.3, 0.3))
    unlike = subject(tracked(role=flat), DEVICE, None, START).role
    assert unlike is not None
    assert not unlike.stands_out
    assert (seen.captures, seen.ignored, seen.source, seen.twice) == (4, "ignored", "halia", False)
    alone = subject(tracked(vendor="Brother"), None, None, START)
    assert (alone.place, alone.addresses, alone.role) == (None, (), None)
    assert (alone.vendor, alone.name, alone.first_seen) == ("Brother", None, START)


def test_each_judged_capture_is_a_window_and_the_last_few_are_kept() -> None:
    one = tracked()
    novel = Finding("novelty", 3.0, 1.5, ("new",), ())
    changed = Finding("change", 2.0, 0.0, ("changed",), ())
    anomaly = Anomaly("anomalous", novel, changed, (found().finding,))
    for number in range(WINDOWS_KEPT + 2):
        judged(one, verdict(packets=number, end=number), f"{number}.pcap", START + number)
    last_one = verdict(anomaly=anomaly, role=role("unknown"), end=50)
    judged(one, last_one, "last.pcap", START + 51)
    seen = subject(one, DEVICE, None, START).windows
    assert len(seen) == WINDOWS_KEPT
    assert [w.capture for w in seen[:2]] == ["last.pcap", f"{WINDOWS_KEPT + 1}.pcap"]
    last = seen[0]
    assert last.evidence == message_id("verdict", A, "last.pcap")
    assert (last.decision, last.label, last.confidence) == ("unknown", "Printer", 0.9)
    assert (last.anomaly, last.novelty, last.change) == ("anomalous", 2.0, 2.0)
    assert (last.behaviours, last.time, last.sessions) == (("horizontal-scan",), START + 50, 10)
    assert (seen[1].anomaly, seen[1].novelty, seen[1].change) == ("undetermined", None, None)
    assert seen[1].packets == WINDOWS_KEPT + 1
    assert (seen[1].behaviours, window(A, "x", 0.0, role(), judge(()), counted=(1, 2)).novelty) == (
        (),
        None,
    )


def test_behaviours_are_the_live_ones_and_those_of_the_last_capture_each_name_once() -> None:
    both = judge([found(name="beacon").finding, found(name="syn-flood").finding])
    one = tracked(sighted=[sighted("scan", 10), sighted("beacon", 20), sighted("odd", 15, None)])
    one.anomaly = both
    judged(one, verdict(anomaly=both, end=30), "cap.pcap", START + 31)
    seen = subject(one, DEVICE, None, START + 31).behaviours
    assert [(b.name, b.time - START, b.evidence) for b in seen] == [
        ("beacon", 20, message_id("finding:beacon", A, "one.pcap")),
        ("odd", 15, ""),
        ("scan", 10, message_id("finding:scan", A, "one.pcap")),
        ("syn-flood", 30, message_id("verdict", A, "cap.pcap")),
    ]
    assert (seen[0].score, seen[0].threshold) == (412.0, 25.0)
    assert seen[0].reasons == ("412 hosts on port 445 in 60 s",)


@pytest.mark.parametrize(("after", "names"), [(3_599, ["scan"]), (3_601, []), (-1, [])])
def test_what_a_capture_showed_long_ago_is_no_reason_any_more(
    after: float, names: list[str]
) -> None:
    anomaly = judge([found(name="scan").finding])
    one = tracked(anomaly=anomaly)
    judged(one, verdict(anomaly=anomaly), "cap.pcap", START)
    assert [b.name for b in subject(one, DEVICE, None, START + after).behaviours] == names


@pytest.mark.parametrize(("after", "twice"), [(0, True), (599, True), (601, False), (-1, False)])
def test_a_mac_on_two_ports_is_said_for_some_minutes(after: float, twice: bool) -> None:
    assert subject(tracked(twice=START), DEVICE, None, START + after).twice is twice


def test_many_devices_at_its_port_count_learned_or_not() -> None:
    others = [
        Device(mac=B[:-1] + str(n), location=Location("sw1", 3, 200), first_seen=1, last_seen=2)
        for n in range(3)
    ]
    elsewhere = Device(mac=B, location=Location("sw1", 4, 100), first_seen=1, last_seen=2)
    around = surroundings(
        tracked(), registry(DEVICE, *others, elsewhere), ports(ev.PortKind(hooked=True))
    )
    assert around == Surroundings(5, 4, None, None, None)


def ports(kind: ev.PortKind | None, own: frozenset[str] = frozenset()) -> ev.Ports:
    return ev.Ports({} if kind is None else {("sw1", 3): kind}, own)


@pytest.mark.parametrize(
    ("kind", "uplink", "unhooked"),
    [
        (ev.PortKind(hooked=True), None, None),
        (ev.PortKind(hooked=True, tagged=True), "its port carries tagged VLANs", None),
        (
            ev.PortKind(hooked=False, stack=True, words="a stack port"),
            "its port joins two switches (stack)",
            "a stack port",
        ),
        (
            ev.PortKind(hooked=False, output=True),
            "its port only sends (output_only)",
            "its port has no hook",
        ),
        (None, None, "its port is not in Faucet's files"),
    ],
)
def test_what_its_port_is(
    kind: ev.PortKind | None, uplink: str | None, unhooked: str | None
) -> None:
    around = surroundings(tracked(), registry(DEVICE), ports(kind))
    assert (around.uplink, around.unhooked) == (uplink, unhooked)


def test_before_faucets_files_are_read_nothing_would_hold() -> None:
    around = surroundings(tracked(), registry(DEVICE), None)
    assert around.unhooked == "Faucet's files have not been read yet"
    nowhere = surroundings(tracked(), registry(), None)
    assert nowhere == Surroundings(0, 0, None, None, NOWHERE)


def test_a_router_once_seen_stays_one_whatever_comes_of_it_later() -> None:
    one = tracked()
    judged(one, verdict(role=role("undetermined")._replace(reason=relay_reason(1, 8))), "a", START)
    judged(one, verdict(), "b", START + 1)
    around = surroundings(one, registry(DEVICE), ports(ev.PortKind(hooked=True)))
    assert around.gateway is not None
    assert around.gateway.startswith("sends from 9 addresses, 8 of them outside: a router")
    quiet = tracked()
    judged(quiet, verdict(role=role("undetermined")), "a", START)
    assert surroundings(quiet, registry(DEVICE), None).gateway is None


def test_faucets_own_address_is_a_gateway() -> None:
    own = "0e:00:00:00:00:01"
    mine = Tracked(mac=own, first_seen=START, last_seen=START)
    assert "Faucet's own" in (surroundings(mine, registry(), None).gateway or "")
    told = ports(None, frozenset({A}))
    assert "Faucet's own" in (surroundings(tracked(), registry(DEVICE), told).gateway or "")
    assert surroundings(mine, registry(), told).gateway is None


def test_whose_deeds_they_are_is_doubted_for_a_minute_after_a_move() -> None:
    one, known = tracked(), registry(DEVICE)
    before = Location("sw1", 2, 100)
    assert not subjects.moved(one, Moved(DEVICE, Location("sw1", 3, 7)), START)  # a VLAN only
    assert one.moved is None
    assert subjects.moved(one, Moved(DEVICE, before), START)
    told = subjects.surroundings(one, known, None, now=START + 59, many=8).doubt
    assert told == "it came to sw1:3 less than 60 s ago: somebody may pretend to be it"
    for now in (START + 60, START - 1):
        assert subjects.surroundings(one, known, None, now=now, many=8).doubt is None


def test_two_ports_in_turn_are_told() -> None:
    one = tracked()
    alarm = subjects.heard_twice(one, Twice(DEVICE, Location("sw1", 2, 100)), START)
    assert (alarm.kind, alarm.mac, one.twice) == ("twice", A, START)
    assert "heard in turn at sw1:3 and sw1:2" in alarm.text


def test_no_port_counts_for_more_devices_than_make_an_uplink() -> None:
    others = [
        Device(mac=f"{B[:-2]}{n + 32:02x}", location=Location("s", 1, 1), first_seen=1, last_seen=2)
        for n in range(30)
    ]
    around = surroundings(tracked(), registry(DEVICE, *others), None)
    assert around.devices == 9


def test_a_capture_that_is_judged_again_is_the_same_window() -> None:
    one = tracked()
    for name in ("a", "b", "a"):
        judged(one, verdict(end=5), name, START + 9)
    assert [w.capture for w in one.windows] == ["a", "b"]
    assert one.captures == 2


def test_a_capture_of_long_ago_is_of_then_and_none_is_of_a_time_to_come() -> None:
    one = tracked()
    for name, end in (("a", -9_000), ("b", 9_000)):
        judged(one, verdict(end=end), name, START)
    judged(one, verdict(end_ns=None), "c", START + 1)
    assert [w.time - START for w in one.windows] == [1, 0, -9_000]
