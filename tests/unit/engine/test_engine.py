"""Playbooks: what happens, and what the engine wants done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin import events as faucet
from plugin.engine import Engine, Options
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.faucet.reach import Spot
from plugin.ml.verdict import Anomaly
from plugin.registry import Device, Limits, Location
from tests.playbook import HEAD, SECOND, START, A, B, found, learned, play, role, verdict

if TYPE_CHECKING:
    from plugin.engine.commands import Command


def kinds(commands: list[Command]) -> list[str]:
    """The commands' names, records and alarms with their kind."""
    return [
        f"{type(c).__name__} {c.kind}" if isinstance(c, do.Record | do.Alarm) else type(c).__name__
        for c in commands
    ]


def state(engine: Engine, mac: str = A) -> str:
    one = engine.view(mac)
    assert one is not None
    return one.state


def finished(capture: str = "trace_a.pcap", mac: str | None = A) -> ev.CaptureFinished:
    return ev.CaptureFinished(f"captures/{capture}", capture, mac, 0, "time")


def test_a_device_goes_from_unknown_to_ok() -> None:
    engine = Engine(vendor=lambda mac: f"maker of {mac[:2]}")
    commands = play(engine, (0, learned()))
    assert kinds(commands) == ["Record device", "Show"]
    assert isinstance(commands[0], do.Record)
    assert commands[0].body["vendor"] == "maker of 02"
    assert state(engine) == "unknown"
    play(engine, (1, ev.CaptureOpened(A, "trace_a.pcap")))
    assert state(engine) == "mirrored"
    commands = play(engine, (60, finished()))
    assert commands[0] == do.Judge("captures/trace_a.pcap", "trace_a.pcap", A, 0)
    assert state(engine) == "classifying"
    commands = play(engine, (61, ev.Judged("trace_a.pcap", verdict(end=60), None)))
    assert commands == [do.Announce("trace_a.pcap", verdict(end=60), "sw1 1"), do.Show(A)]
    assert state(engine) == "ok"
    shown = engine.view(A)
    assert shown is not None
    assert shown.why == "looks like Printer (0.90) in trace_a.pcap"
    assert (shown.captures, shown.last_capture) == (1, "trace_a.pcap")


@pytest.mark.parametrize("decision", ["unknown", "undetermined"])
def test_a_role_that_is_not_known_is_said_with_its_reason(decision: str) -> None:
    engine = Engine()
    play(engine, (0, ev.Judged("t", verdict(role=role(decision)), None)))
    shown = engine.view(A)
    assert shown is not None
    assert (shown.state, shown.why) == ("undetermined", f"{decision}: too little")


def test_too_little_evidence_does_not_undo_what_was_seen() -> None:
    engine = Engine()
    play(engine, (0, ev.Judged("one", verdict(), None)))
    play(engine, (1, ev.Judged("two", verdict(role=role("undetermined")), None)))
    shown = engine.view(A)
    assert shown is not None
    assert (shown.state, shown.last_capture, shown.captures) == ("ok", "two", 2)
    assert shown.why.endswith("in one")
    play(engine, (2, ev.Judged("three", verdict(role=role("unknown")), None)))
    assert state(engine) == "undetermined"


def test_each_finished_capture_is_announced_once() -> None:
    engine = Engine()
    commands = play(
        engine,
        (0, finished("one.pcap")),
        (0, finished("two.pcap")),
        (1, ev.Judged("one.pcap", verdict(), None)),
        (2, ev.Judged("two.pcap", verdict(), None)),
    )
    assert [c.capture for c in commands if isinstance(c, do.Judge)] == ["one.pcap", "two.pcap"]
    assert [c.capture for c in commands if isinstance(c, do.Announce)] == ["one.pcap", "two.pcap"]


def test_a_finding_is_announced_at_once_and_once_for_a_capture() -> None:
    engine = Engine()
    commands = play(
        engine,
        (0, learned()),
        (0, ev.CaptureOpened(A, "one.pcap")),
        (5, ev.Behaved(found(after=5))),
        (6, ev.Behaved(found(after=6))),
    )
    told = [c for c in commands if isinstance(c, do.AnnounceFinding)]
    assert [(c.capture, c.ips, c.role) for c in told] == [("one.pcap", ("10.0.0.1",), None)]
    assert kinds(commands).count("Alarm behaviour") == 1
    assert state(engine) == "suspect"
    later = play(
        engine, (9, finished("one.pcap")), (9, ev.CaptureOpened(A, "two.pcap")),
        (10, ev.Behaved(found(after=10))),
    )  # fmt: skip
    assert [c.capture for c in later if isinstance(c, do.AnnounceFinding)] == ["two.pcap"]


def test_a_finding_waits_for_its_file_but_not_for_ever() -> None:
    engine = Engine()
    assert kinds(play(engine, (0, ev.Behaved(found())))) == ["Show"]
    opened = play(engine, (1, ev.CaptureOpened(A, "one.pcap")))
    assert [c.capture for c in opened if isinstance(c, do.AnnounceFinding)] == ["one.pcap"]

    play(engine, (5, ev.Behaved(found(B, after=5))))
    assert "AnnounceFinding" not in kinds(play(engine, (7, ev.Tick())))
    late = play(engine, (8, ev.Tick()), (9, ev.Tick()))
    told = [c for c in late if isinstance(c, do.AnnounceFinding)]
    assert [c.capture for c in told] == [f"live_02000000000b_{int(START) + 5}"]


def test_a_suspect_is_none_any_more_when_a_later_capture_is_clean() -> None:
    engine = Engine()
    play(engine, (0, ev.CaptureOpened(A, "one.pcap")), (5, ev.Behaved(found(after=5))))
    early = verdict(end=4)
    play(engine, (6, ev.Judged("zero.pcap", early, None)))
    assert state(engine) == "suspect"  # that capture ended before the finding
    with_it = verdict(end=60, anomaly=Anomaly("anomalous", None, None, (found().finding,)))
    play(engine, (61, ev.Judged("one.pcap", with_it, None)))
    assert state(engine) == "suspect"
    play(engine, (121, ev.Judged("two.pcap", verdict(end=120), None)))
    assert state(engine) == "suspect"  # a device's own capture may not show it again
    assert do.Show(A) in play(engine, (606, ev.Tick()))
    assert state(engine) == "ok"


def test_what_was_found_meanwhile_is_in_the_verdict_of_the_capture_too() -> None:
    engine = Engine()
    play(engine, (0, ev.CaptureOpened(A, "one.pcap")), (5, ev.Behaved(found(after=5))))
    play(engine, (9, finished("one.pcap")), (9, ev.CaptureOpened(A, "two.pcap")))
    (said, _) = play(engine, (10, ev.Judged("one.pcap", verdict(end=9), None)))
    assert isinstance(said, do.Announce)
    assert said.verdict.anomaly == Anomaly("anomalous", None, None, (found().finding,))
    (other, _) = play(engine, (20, ev.Judged("two.pcap", verdict(end=19), None)))
    assert isinstance(other, do.Announce)
    assert other.verdict.anomaly is None
    own = Anomaly("anomalous", None, None, (found(name="beacon").finding,))
    play(engine, (21, ev.CaptureOpened(B, "b.pcap")), (22, ev.Behaved(found(B, after=22))))
    (both, _) = play(engine, (30, ev.Judged("b.pcap", verdict(B, anomaly=own), None)))
    assert isinstance(both, do.Announce)
    assert both.verdict.anomaly is not None
    names = [one.name for one in both.verdict.anomaly.behaviour]
    assert names == ["beacon", "horizontal-scan"]


def test_forged_macs_cost_little_when_the_table_is_full() -> None:
    engine = Engine(Options(limits=Limits(devices=50)))
    for n in range(50):
        play(engine, (n, learned(f"02:00:00:00:01:{n:02x}")))
    for n in range(50):
        commands = play(engine, (n, ev.CaptureOpened(f"02:00:00:00:02:{n:02x}", "x")))
        assert kinds(commands) == ["Show", "Forget"]
    assert len(engine) == 50
    assert not engine._roll._only_frames


def test_a_finding_and_the_capture_s_own_are_one() -> None:
    engine = Engine()
    both = Anomaly("anomalous", None, None, (found().finding, found(name="beacon").finding))
    play(engine, (0, ev.Judged("one.pcap", verdict(anomaly=both), None)))
    play(engine, (1, ev.Behaved(found(after=1))))
    shown = engine.view(A)
    assert shown is not None
    assert shown.anomaly is not None
    assert [one.name for one in shown.anomaly.behaviour] == ["horizontal-scan", "beacon"]
    assert shown.why.startswith("horizontal scan: 412 hosts on port 445 in 60 s (at 20")


def test_a_capture_that_cannot_be_judged_is_recorded_and_told() -> None:
    engine = Engine()
    commands = play(engine, (0, finished()), (1, ev.Unjudged("trace_a.pcap", A, "torn")))
    assert kinds(commands)[1:] == ["Record unjudged", "Alarm unjudged", "Record alarm"]
    play(engine, (2, learned()), (2, finished("b")), (3, ev.Unjudged("b", A, "torn")))
    assert state(engine) == "unknown"


def test_a_finding_that_waits_when_all_ends_is_told_of_the_file_that_has_just_ended() -> None:
    engine = Engine()
    play(engine, (0, ev.CaptureOpened(A, "one.pcap")), (1, finished("one.pcap")))
    play(engine, (1, ev.Behaved(found(after=1))), (1, ev.Behaved(found(B, after=1))))
    told = [c for c in play(engine, (1, ev.Ending())) if isinstance(c, do.AnnounceFinding)]
    assert [(c.mac, c.capture) for c in told] == [(A, "one.pcap"), (B, told[1].capture)]
    assert told[1].capture.startswith("live_")
    assert not play(engine, (9, ev.Ending()))


def test_ignored_devices_are_neither_judged_nor_suspected() -> None:
    options = Options(ignore_vlans=frozenset({100}), ignore_ports=frozenset({("sw1", 7)}))
    engine = Engine(options)
    play(engine, (0, learned()), (0, learned(B, vid=200, port=7)))
    assert (state(engine), state(engine, B)) == ("ignored", "ignored")
    commands = play(engine, (1, finished()), (1, ev.Behaved(found())), (9, ev.Tick()))
    assert {"Judge", "AnnounceFinding"}.isdisjoint(kinds(commands))
    shown = engine.view(B)
    assert shown is not None
    assert shown.why == "sw1:7 is among mirror.ignore_ports"


def test_one_mac_on_two_ports_is_an_alarm_and_told_once() -> None:
    engine = Engine()
    turns = [(10 * i, learned(after=10 * i, port=1 + i % 2)) for i in range(8)]
    commands = play(engine, *turns)
    assert kinds(commands).count("Alarm twice") == 1


def test_a_device_that_is_silent_for_long_is_gone() -> None:
    engine = Engine(Options(limits=Limits(gone_after=100), feed=False))
    expired = faucet.DeviceExpired(**HEAD, time=START, port=1, vid=100, mac=A)
    play(engine, (0, learned()), (1, expired))
    seen = ev.CaptureSeen(((A, int((START + 90) * SECOND)),))
    assert kinds(play(engine, (95, seen), (150, ev.Tick()))) == []
    assert kinds(play(engine, (250, ev.Tick()))) == ["Record gone", "Forget"]
    assert engine.view(A) is None


def test_devices_that_only_the_mirror_has_shown_go_too_and_stay_bounded() -> None:
    engine = Engine(Options(limits=Limits(gone_after=100, devices=3)))
    play(engine, (0, learned()))
    for i in range(5):
        play(engine, (i, ev.CaptureOpened(f"02:00:00:00:01:{i:02x}", f"{i}.pcap")))
    assert len(engine) == 3
    assert engine.view(A) is not None  # what the controller knows outlives what frames claim
    assert kinds(play(engine, (200, ev.Tick()))) == ["Forget", "Forget"]


def test_after_a_restart_it_knows_what_it_knew() -> None:
    engine = Engine(vendor=lambda _: "asked")
    device = Device(
        mac=A, location=Location("sw1", 3, 100), first_seen=START - 9, last_seen=START,
        vendor="maker",
    )  # fmt: skip
    kept = ev.Kept(A, role(), "older.pcap", None, 7, "old.pcap", START + 50)
    assert play(engine, (99, ev.Restored((device,), (kept,)))) == [do.Enforce((), frozenset())]
    shown = engine.view(A)
    assert shown is not None
    assert (shown.state, shown.captures, shown.vendor, shown.port) == ("ok", 7, "maker", 3)
    assert shown.last_seen == START + 50
    assert (shown.last_capture, shown.why[-13:]) == ("old.pcap", " in older.pcap"[-13:])


def test_no_capture_is_finished_while_nothing_can_be_kept() -> None:
    engine = Engine()
    full = ev.Room(there=False, reason="the spool is full")
    assert kinds(play(engine, (0, full), (1, full))) == ["Hold", "Alarm held", "Record alarm"]
    again = play(
        engine, (2, ev.Room(there=True, reason="room")), (3, ev.Room(there=True, reason=""))
    )
    assert again[0] == do.Hold(on=False)
    assert kinds(again).count("Hold") == 1


def test_what_is_wrong_with_the_hook_is_told_once_and_its_end_too() -> None:
    engine = Engine()
    commands = play(
        engine, (0, ev.Covered(("a",))), (30, ev.Covered(("a", "b"))), (60, ev.Covered(())),
        (90, ev.Covered(())),
    )  # fmt: skip
    assert [c.text for c in commands if isinstance(c, do.Alarm)] == [
        "a", "b", "the hook is whole again",
    ]  # fmt: skip


def test_the_name_of_a_device_is_kept() -> None:
    engine = Engine()
    play(engine, (0, learned()))
    commands = play(engine, (1, ev.Judged("t", verdict(), "lobby-printer")))
    assert kinds(commands) == ["Announce", "Record device", "Show"]
    shown = engine.view(A)
    assert shown is not None
    assert shown.name == "lobby-printer"
    assert kinds(play(engine, (2, ev.Judged("u", verdict(), "lobby-printer")))) == [
        "Announce",
        "Show",
    ]


def test_an_alarm_of_the_shell_is_not_repeated_at_once() -> None:
    engine = Engine()
    notice = ev.Noticed("disk_full", "no room")
    commands = play(engine, (0, notice), (10, notice), (400, notice))
    assert kinds(commands).count("Alarm disk_full") == 2


def test_what_was_written_into_faucets_files_is_kept() -> None:
    (command,) = Engine().step(ev.Written("halia_isolation.yaml", "+ rule", (A,)), 1)
    body = {"file": "halia_isolation.yaml", "diff": "+ rule", "macs": [A]}
    assert command == do.Record("config", body)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_happens_every_finished_capture_is_judged_and_every_judgement_told(
    data: st.DataObject,
) -> None:
    engine = Engine(Options(limits=Limits(devices=4)))
    macs = [f"02:00:00:00:00:{i:02x}" for i in range(6)]
    made: list[Any] = []
    told: list[str] = []
    for number in range(data.draw(st.integers(1, 40))):
        mac = data.draw(st.sampled_from(macs))
        name = f"{number}.pcap"
        event = data.draw(
            st.sampled_from(
                [
                    learned(mac, after=number, port=number % 3 + 1),
                    ev.CaptureOpened(mac, name),
                    ev.CaptureFinished(name, name, mac, 0, "time"),
                    ev.Behaved(found(mac, after=number)),
                    ev.Tick(),
                    faucet.FaucetRestarted(last=3),
                    faucet.FeedGap(missed=2, before=9),
                ]
            )
        )
        commands = play(engine, (number, event))
        orders = [c for c in commands if isinstance(c, do.Judge)]
        made += [event] if isinstance(event, ev.CaptureFinished) else []
        for order in orders:
            answers = play(engine, (number, ev.Judged(order.capture, verdict(order.mac), None)))
            told += [c.capture for c in answers if isinstance(c, do.Announce)]
        assert len(engine) <= 4
        assert all(one.state for one in engine.views())
    assert told == [event.capture for event in made]


def test_other_options_count_at_once() -> None:
    engine = Engine()
    play(engine, (0, learned()))
    assert state(engine) == "unknown"
    limits = Limits(gone_after=10)
    engine.use(Options(limits=limits, ignore_vlans=frozenset({100})))
    assert state(engine) == "ignored"
    play(engine, (1, faucet.DeviceExpired(**HEAD, time=START, port=1, vid=100, mac=A)))
    assert kinds(play(engine, (100, ev.Tick()))) == ["Record gone", "Forget"]
    assert A not in engine


def test_a_capture_without_frames_of_its_device_is_no_alarm() -> None:
    engine = Engine()
    quiet = ev.Unjudged("one.pcap", A, "the device sent nothing", quiet=True)
    assert kinds(play(engine, (0, learned()), (1, finished()), (2, quiet)))[-2:] == [
        "Record unjudged", "Show"
    ]  # fmt: skip
    assert state(engine) == "unknown"


def test_whom_the_mirror_does_not_show_is_said_of_the_device() -> None:
    engine = Engine()
    play(engine, (0, learned()), (0, learned(B)))
    plan = ev.Mirrored(frozenset({B}), {A: "sw1 port 1 has no collector port"}, frozenset())
    assert play(engine, (1, plan)) == [do.Show(A), do.Show(B)]
    assert play(engine, (2, plan)) == []
    unseen, ignored = engine.view(A), engine.view(B)
    assert unseen is not None
    assert ignored is not None
    assert (unseen.state, unseen.why) == ("unknown", "sw1 port 1 has no collector port")
    assert (ignored.state, ignored.why) == ("ignored", "its VLAN or port is not to be looked at")
    play(engine, (3, ev.Mirrored(frozenset(), {}, frozenset({A}))))
    waiting = engine.view(A)
    assert waiting is not None
    assert waiting.why == "its turn at the mirror port will come"
    assert state(engine, B) == "unknown"


def test_the_plan_of_the_mirror_is_told_where_devices_are_and_who_is_suspect() -> None:
    engine = Engine()
    play(engine, (0, learned()), (0, learned(B, port=2)), (1, ev.Behaved(found(B, after=1))))
    ours = ("10.0.0.1",)
    assert engine.spots() == [
        Spot(A, "sw1", 1, 100, addresses=ours),
        Spot(B, "sw1", 2, 100, suspect=True, addresses=ours),
    ]


def test_the_end_of_an_older_file_does_not_end_the_open_one() -> None:
    engine = Engine()
    play(engine, (0, ev.CaptureOpened(A, "two.pcap")), (1, finished("one.pcap")))
    commands = play(engine, (2, ev.Behaved(found(after=2))))
    assert [c.capture for c in commands if isinstance(c, do.AnnounceFinding)] == ["two.pcap"]


def test_a_frame_is_never_seen_in_the_future() -> None:
    engine = Engine()
    play(engine, (0, learned()), (5, ev.CaptureSeen(((A, int((START + 99) * SECOND)),))))
    shown = engine.view(A)
    assert shown is not None
    assert shown.last_seen == START + 5


def test_captures_judged_twice_are_not_owed_later() -> None:
    engine = Engine()
    play(engine, (0, learned()), (1, ev.Unjudged("a", A, "", quiet=True)))
    play(engine, (2, finished("b")))
    assert state(engine) == "classifying"


def test_what_stays_wrong_with_the_hook_is_not_told_again() -> None:
    engine = Engine()
    play(engine, (0, ev.Covered(("a",))))
    assert play(engine, (400, ev.Covered(("a",)))) == []


def test_a_clock_that_is_set_back_does_not_stop_the_search_for_who_is_gone() -> None:
    engine = Engine(Options(limits=Limits(gone_after=100), feed=False))
    play(engine, (50_000, ev.Tick()), (0, ev.CaptureOpened(A, "a")))
    assert "Forget" in kinds(play(engine, (150, ev.Tick())))


def test_a_silent_device_is_kept_while_its_capture_is_judged() -> None:
    engine = Engine(Options(limits=Limits(gone_after=100), feed=False))
    play(engine, (0, ev.CaptureOpened(A, "a")), (1, finished("a")))
    assert play(engine, (150, ev.Tick())) == []
    play(engine, (151, ev.Unjudged("a", A, "", quiet=True)))
    assert kinds(play(engine, (220, ev.Tick()))) == ["Forget"]


def test_of_two_captures_of_too_little_the_last_is_told() -> None:
    engine = Engine()
    first, second = role("undetermined"), role("undetermined", "Camera")
    play(engine, (0, ev.Judged("one", verdict(role=first), None)))
    play(engine, (1, ev.Judged("two", verdict(role=second), None)))
    shown = engine.view(A)
    assert shown is not None
    assert shown.role == second
