"""From what happens to what is decided and enforced: the real ledger, by policies as they are read.

Told through the engine, which is what brings both together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from plugin.actions import Action, Isolation, Place, Report
from plugin.broker.message import message_id
from plugin.engine import Engine, Options
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.engine.deciding import AT_ONCE
from plugin.ml.verdict import Anomaly
from plugin.policy import cases as told
from plugin.policy.rules import EMPTY
from plugin.registry import Limits
from tests.playbook import (
    PORTS,
    SCANNERS,
    START,
    A,
    B,
    case,
    done,
    found,
    learned,
    play,
    policy,
    role,
    verdict,
)  # fmt: skip

if TYPE_CHECKING:
    from plugin.engine.commands import Command
    from plugin.policy.rules import Policy

TRIAL = SCANNERS.replace("mode: enforce, ", "")
BLOCK = Action(kind="block")


def site(rules: Policy | None = None, restored: ev.Restored | None = None) -> Engine:
    """An engine at a site of two devices, whose files were read."""
    engine = Engine()
    if rules is not None:
        play(engine, (0, ev.PolicyRead(rules)))
    play(
        engine, (0, restored or ev.Restored((), ())), (0, PORTS), (0, learned()),
        (0, learned(B, port=2, address="10.0.0.2")), (0, ev.CaptureOpened(A, "one.pcap")),
    )  # fmt: skip
    return engine


def states(commands: list[Command]) -> list[str]:
    """Each decision's state, in order."""
    return [one.transition.case.state for one in commands if isinstance(one, do.AnnounceDecision)]


def enforced(commands: list[Command]) -> list[list[str]]:
    """MACs of each wish, in order."""
    return [[i.mac for i in one.isolations] for one in commands if isinstance(one, do.Enforce)]


def alarms(commands: list[Command]) -> list[str]:
    return [one.kind for one in commands if isinstance(one, do.Alarm)]


def scan(after: float = 1, mac: str = A) -> tuple[float, Any]:
    return after, ev.Behaved(found(mac, after=after))


def shown(engine: Engine, mac: str = A) -> tuple[str, str]:
    one = engine.view(mac)
    assert one is not None
    return one.state, one.why


def test_a_bad_device_is_isolated_proven_and_let_go_when_its_time_is_over() -> None:
    engine = site(policy(SCANNERS))
    commands = play(engine, scan())
    assert states(commands) == ["isolating"]
    (wish,) = [one for one in commands if isinstance(one, do.Enforce)]
    place = Place("sw1", 1, 100)
    assert wish == do.Enforce(
        (Isolation(cookie=1, mac=A, action=BLOCK, place=place, addresses=("10.0.0.1",)),),
        frozenset(),
    )
    order = [type(one) for one in commands]
    assert order.index(do.AnnounceFinding) < order.index(do.AnnounceDecision)
    assert order.index(do.AnnounceDecision) < order.index(do.Enforce)
    assert shown(engine)[0] == "isolating"
    assert states(play(engine, (2, done(1)))) == ["isolated"]
    assert shown(engine)[0] == "isolated"
    assert shown(engine, B)[0] == "unknown"
    assert engine.deciding.due() == START + 3_601
    assert [one.suspect for one in engine.spots()] == [True, False]

    assert states(play(engine, (3_599, ev.Tick()))) == []
    commands = play(engine, (3_601, ev.Tick()))
    assert (states(commands), enforced(commands)) == (["releasing"], [[]])
    assert states(play(engine, (3_602, done(absent=1)))) == ["released"]
    assert states(play(engine, (3_700, ev.Tick()))) == []
    assert states(play(engine, (4_300, ev.Tick()))) == ["over"]


def test_a_decision_names_the_message_of_the_finding_that_led_to_it() -> None:
    engine = site(policy(SCANNERS))
    (step,) = [c.transition for c in play(engine, scan()) if isinstance(c, do.AnnounceDecision)]
    assert step.case.evidence == (message_id("finding:horizontal-scan", A, "one.pcap"),)
    assert step.case.rule == step.case.actor == "scanners"
    assert "412 hosts on port 445" in step.case.reason


def test_a_fresh_install_isolates_nobody() -> None:
    engine = site()  # no policy: as after an installation
    commands: list[Command] = []
    bad = Anomaly("anomalous", None, None, (found().finding,))
    for hour in range(24 * 30):
        at = hour * 3_600.0
        commands += play(
            engine, scan(at), scan(at, B), (at, ev.CaptureFinished("c", "c", A, 0, "time")),
            (at + 1, ev.Judged("c", verdict(anomaly=bad), None)), (at + 2, ev.Tick()),
        )  # fmt: skip
    assert states(commands) == []
    assert enforced(commands) == []
    assert engine.deciding.cases() == ()
    assert engine.deciding.due() is None
    assert shown(engine)[0] == "suspect"


def test_without_a_mode_or_while_a_site_learns_it_is_only_said_what_would_be_done() -> None:
    engine = site(policy(TRIAL))
    commands = play(engine, scan())
    assert (states(commands), enforced(commands)) == (["simulated"], [])
    assert shown(engine)[0] == "suspect"
    learning = site(policy(SCANNERS, learning="1d"))
    commands = play(learning, scan(86_000))
    assert (states(commands), enforced(commands)) == (["simulated"], [])
    commands = play(learning, scan(86_401))
    assert (states(commands)[-1], enforced(commands)) == ("isolating", [[A]])


def test_the_learning_period_runs_from_the_first_start_and_not_from_the_last() -> None:
    rules = policy(SCANNERS, learning="1d")
    old = site(rules, ev.Restored((), (), began=START - 90_000))
    assert enforced(play(old, scan())) == [[A]]
    new = site(rules, ev.Restored((), (), began=START - 100))
    assert enforced(play(new, scan())) == []


def test_who_is_protected_is_told_and_left_alone() -> None:
    engine = site(policy(SCANNERS, head=f"protect: {{macs: ['{A}']}}"))
    commands = play(engine, scan())
    assert (states(commands), enforced(commands)) == ([], [])
    assert alarms(commands) == ["behaviour", "protected"]
    state, why = shown(engine)
    assert state == "protected"
    assert "never isolated" in why


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (ev.PortKind(hooked=True, stack=True), "stack"),
        (ev.PortKind(hooked=True, tagged=True), "tagged"),
        (ev.PortKind(hooked=False, words="nobody put a hook there"), "nobody put a hook there"),
    ],
)
def test_nobody_is_isolated_where_it_would_hit_others_or_not_hold(
    kind: ev.PortKind, word: str
) -> None:
    engine = site(policy(SCANNERS))
    play(engine, (0, ev.Ports({**PORTS.kinds, ("sw1", 1): kind})))
    commands = play(engine, scan())
    assert (states(commands), enforced(commands)) == ([], [])
    assert any(word in one.text for one in commands if isinstance(one, do.Alarm))


def test_before_faucets_files_are_read_nothing_is_begun_and_then_suspects_are_looked_at() -> None:
    engine = Engine()
    play(engine, (0, ev.PolicyRead(policy(SCANNERS))), (0, ev.Restored((), ())), (0, learned()))
    assert enforced(play(engine, (0, ev.CaptureOpened(A, "one.pcap")), scan())) == []
    commands = play(engine, (2, PORTS), (3, ev.Tick()))
    assert (states(commands), enforced(commands)) == (["isolating"], [[A]])


def test_a_suspect_is_looked_at_anew_once_its_port_has_the_hook() -> None:
    engine = site(policy(SCANNERS))
    bare = ev.Ports({("sw1", 1): ev.PortKind(hooked=False)})
    play(engine, (0, bare), scan())
    assert engine.deciding.cases() == ()
    assert enforced(play(engine, (2, PORTS), (3, ev.Tick()))) == [[A]]


def test_who_is_only_seen_in_frames_is_not_isolated_before_the_controller_tells_where_it_is() -> (
    None
):
    engine = site(policy(SCANNERS))
    guest = "02:00:00:00:00:0c"
    commands = play(engine, (0, ev.CaptureOpened(guest, "c.pcap")), scan(1, guest))
    assert (states(commands), enforced(commands)) == ([], [])
    assert "refused" in alarms(commands)
    with pytest.raises(told.DeniedOrder, match="not told where it is"):
        engine.order(told.Ordered(guest, BLOCK, 60.0, "ann", "-"), START + 2)
    commands = play(engine, (3, learned(guest, after=3, port=4)))
    assert (states(commands), enforced(commands)) == (["isolating"], [[guest]])


def test_one_mac_on_two_ports_is_told_and_never_acted_upon() -> None:
    engine = site(policy(SCANNERS))
    play(engine, *[(10 * i, learned(after=10 * i, port=1 + i % 2)) for i in range(8)])
    commands = play(engine, scan(71))
    assert (states(commands), enforced(commands)) == ([], [])


def test_an_uplink_with_many_devices_is_nobody_s_port() -> None:
    engine = site(policy(SCANNERS, head="protect: {many_macs: 5}"))
    play(engine, *[(0, learned(f"02:00:00:00:01:{n:02x}")) for n in range(5)])
    commands = play(engine, scan())
    assert enforced(commands) == []
    assert alarms(commands) == ["behaviour", "protected"]
    assert shown(engine)[0] == "protected"
    play(engine, (2, ev.PolicyRead(EMPTY)))
    assert shown(engine)[0] == "suspect"  # nothing would be done about it anyway


def test_an_isolated_device_is_followed_when_it_moves() -> None:
    engine = site(policy(SCANNERS))
    play(engine, scan(), (2, done(1)))
    (wish,) = [
        one
        for one in play(engine, (60, learned(after=60, port=5, dp_name="sw2")))
        if isinstance(one, do.Enforce)
    ]
    assert [one.place for one in wish.isolations] == [Place("sw2", 5, 100)]


def test_who_appears_at_the_port_of_an_isolated_one_is_isolated_with_it() -> None:
    engine = site(policy(SCANNERS[:-1] + ", scope: port}", head="caps: {percent: 100}"))
    play(engine, scan())
    commands = play(engine, (9, learned("02:00:00:00:00:0c", after=9)))
    assert enforced(commands)[-1] == [A, "02:00:00:00:00:0c"]
    assert play(engine, (10, learned("02:00:00:00:00:0d", after=10, port=3)))
    assert engine.deciding.case("02:00:00:00:00:0d") is None


def test_caps_stop_all_and_outlive_a_restart_until_somebody_allows_it_again() -> None:
    rules = policy(SCANNERS, head="caps: {devices: 1}")
    engine = site(rules)
    play(engine, (0, ev.CaptureOpened(B, "b.pcap")), scan())
    commands = play(engine, scan(2, B))
    frozen = engine.deciding.frozen()
    assert frozen is not None
    assert enforced(commands) == []
    assert do.Record("caps", {"frozen": frozen}) in commands
    assert "caps" in alarms(commands)

    again = site(rules, ev.Restored((), (), frozen=frozen))
    assert enforced(play(again, scan())) == []
    commands = again.order(told.Thawed("ann", "seen"), START + 3)
    assert do.Record("caps", {"frozen": None}, "ann") in commands
    assert enforced(play(again, scan(4))) == [[A]]


def test_an_order_is_carried_out_and_a_wrong_one_changes_nothing() -> None:
    engine = site()
    order = told.Ordered(A, BLOCK, 60.0, "ann", "a test")
    commands = engine.order(order, START + 1)
    assert (states(commands), enforced(commands)) == (["isolating"], [[A]])
    assert shown(engine)[1].startswith("block by ann is put in force")
    unknown = told.Ordered("02:00:00:00:00:99", BLOCK, 60.0, "ann", "a test")
    with pytest.raises(told.DeniedOrder, match="no such device"):
        engine.order(unknown, START + 2)
    with pytest.raises(told.DeniedOrder):
        engine.order(told.Released(B, "ann", "a test"), START + 2)
    commands = engine.order(told.Released(A, "ann", "done"), START + 3)
    assert (states(commands), enforced(commands)) == (["releasing"], [[]])


def test_an_order_is_taken_before_anything_else_has_come() -> None:
    engine = Engine()
    assert engine.deciding.learning_until() is None
    with pytest.raises(told.DeniedOrder):
        engine.order(told.Thawed("ann", "why not"), START)
    assert play(engine, (0, learned()), (0, PORTS))
    assert enforced(engine.order(told.Ordered(A, BLOCK, None, "ann", "-"), START)) == [[A]]


def test_a_question_is_asked_and_answered() -> None:
    engine = site(policy(SCANNERS[:-1] + ", approve: true, approve_within: 1h}"))
    commands = play(engine, scan())
    assert (states(commands), enforced(commands)) == (["pending"], [])
    assert shown(engine)[0] == "pending"
    number = engine.deciding.cases()[0].number
    commands = engine.order(told.Answered(number, True, "ann", "go"), START + 9)
    assert (states(commands), enforced(commands)) == (["isolating"], [[A]])


def test_what_nobody_answers_is_a_no() -> None:
    engine = site(policy(SCANNERS[:-1] + ", approve: true, approve_within: 1h}"))
    play(engine, scan())
    assert states(play(engine, (3_601, ev.Tick()))) == ["over"]


def test_a_watch_is_wanted_and_isolates_nobody() -> None:
    rule = "{name: eye, match: {behaviours: [horizontal-scan]}, action: watch, mode: enforce}"
    engine = site(policy(rule))
    (wish,) = [one for one in play(engine, scan()) if isinstance(one, do.Enforce)]
    assert wish == do.Enforce((), frozenset({A}))
    assert shown(engine)[0] == "suspect"
    assert [one.suspect for one in engine.spots()] == [True, False]


# Restarts


def stood(**changed: Any) -> ev.Restored:
    fields = {"state": "isolated", "until": START + 3_600, "cookie": 7, **changed}
    return ev.Restored((), (), (case(**fields),), began=START - 1e6)


def test_who_is_isolated_is_so_after_a_restart_and_proven_anew() -> None:
    engine = Engine()
    commands = play(engine, (0, ev.PolicyRead(policy(SCANNERS))), (0, stood()))
    assert enforced(commands) == [[A]]
    assert states(commands) == ["isolating"]
    assert shown(engine)[0] == "isolating"  # before anybody has told of the device
    assert states(play(engine, (1, done(7)))) == ["isolated"]
    assert states(play(engine, (3_601, ev.Tick()))) == ["releasing"]


def test_what_ended_meanwhile_is_let_go_at_once() -> None:
    engine = Engine()
    commands = play(engine, (0, ev.PolicyRead(policy(SCANNERS))), (0, stood(until=START - 5)))
    assert (states(commands), enforced(commands)) == (["releasing"], [[]])
    assert do.Enforce((), frozenset(), frozenset({7})) in commands  # it must be seen to be gone
    late = stood(state="pending", cookie=0, until=None, deadline=START - 5, proof="none")
    engine = Engine()
    play(engine, (0, ev.PolicyRead(policy(SCANNERS))), (0, late))
    assert states(play(engine, (1, ev.Tick()))) == ["over"]


def test_a_restart_without_a_policy_frees_nobody_before_his_time() -> None:
    engine = Engine()
    assert enforced(play(engine, (0, ev.PolicyRead(EMPTY)), (0, stood()))) == [[A]]


def test_nothing_is_known_and_it_is_said_what_is_to_stand() -> None:
    assert play(Engine(), (0, ev.Restored((), ()))) == [do.Enforce((), frozenset())]


def test_an_isolation_that_nobody_remembers_is_kept_told_and_ends() -> None:
    engine = site(policy(SCANNERS))
    stranger = Isolation(cookie=99, mac=A, action=BLOCK, place=Place("sw1", 1, 100))
    strange = ev.Reported(Report(probing=True, strangers=(stranger,)))
    commands = play(engine, (1, strange))
    (wish,) = [one for one in commands if isinstance(one, do.Enforce)]
    assert [(one.cookie, one.mac) for one in wish.isolations] == [(99, A)]
    assert "orphan" in alarms(commands)
    assert engine.deciding.cases()[0].origin == "found"
    assert states(play(engine, (2, done(99)), (3_700, ev.Tick())))[-1] == "releasing"


def test_a_case_s_device_is_kept_however_long_it_is_silent() -> None:
    engine = Engine(Options(limits=Limits(gone_after=100, devices=1), feed=False))
    play(engine, (0, stood()), (1, done(7)))
    play(engine, *[(i, ev.CaptureOpened(f"02:00:00:00:01:{i:02x}", f"{i}")) for i in range(5)])
    play(engine, (500, ev.Tick()), (1_000, ev.Tick()))
    assert shown(engine)[0] == "isolated"


# Another policy


def test_another_policy_is_recorded_and_all_devices_are_looked_at_by_it() -> None:
    engine = site()
    play(engine, scan())
    rules = policy(SCANNERS)
    commands = play(engine, (5, ev.PolicyRead(rules)))
    body = {"source": "policy.yaml", "digest": rules.digest, "rules": 1}
    assert commands[0] == do.Record("policy", body)
    assert enforced(play(engine, (6, ev.Tick()))) == [[A]]
    assert play(engine, (7, ev.PolicyRead(rules))) == []
    assert engine.deciding.policy is rules


def test_a_policy_that_protects_somebody_lets_him_go() -> None:
    engine = site(policy(SCANNERS))
    play(engine, scan(), (2, done(1)))
    commands = play(
        engine, (5, ev.PolicyRead(policy(SCANNERS, head=f"protect: {{macs: ['{A}']}}")))
    )
    assert (states(commands), enforced(commands)) == (["releasing"], [[]])


def test_many_devices_are_looked_at_some_at_a_time_and_suspects_first() -> None:
    engine = site()
    macs = [f"02:00:00:00:01:{n:02x}" for n in range(AT_ONCE + 5)]
    play(engine, *[(0, learned(mac, port=3)) for mac in macs])
    play(engine, (1, ev.CaptureOpened(macs[-1], "last.pcap")), scan(1, macs[-1]))
    everybody = "{name: everybody, match: {vlans: [100]}, action: watch, mode: enforce}"
    play(engine, (1, ev.PolicyRead(policy(everybody))))
    commands = play(engine, (2, ev.Tick()))
    steps = [one.transition for one in commands if isinstance(one, do.AnnounceDecision)]
    assert len(steps) == AT_ONCE
    assert steps[0].case.mac == macs[-1]
    assert len(states(play(engine, (3, ev.Tick())))) == 7
    assert states(play(engine, (4, ev.Tick()))) == []


def test_a_role_is_acted_upon_after_so_many_captures() -> None:
    rule = (
        "{name: printers, match: {roles: [Printer], windows: {at_least: 2, of: 3}},"
        " action: 'limit:1M', mode: enforce}"
    )
    engine = site(policy(rule))
    for n, seen in enumerate((role(), role("undetermined"), role())):
        commands = play(engine, (n, ev.Judged(f"{n}", verdict(role=seen), None)))
        assert bool(enforced(commands)) == (n == 2)


def test_so_many_captures_are_kept_as_a_rule_looks_back_at() -> None:
    rule = (
        "{name: printers, match: {roles: [Printer], windows: {at_least: 4, of: 5}},"
        " action: 'limit:1M', mode: enforce}"
    )
    engine = site(policy(rule))
    isolated = [
        bool(enforced(play(engine, (n, ev.Judged(f"{n}", verdict(role=role(seen)), None)))))
        for n, seen in enumerate(("known", "known", "known", "unknown", "known"))
    ]
    assert isolated == [False, False, False, False, True]
    assert engine.deciding.windows == 5
    assert site().deciding.windows < 5


def test_a_policy_is_explained_for_one_device() -> None:
    engine = site(policy(SCANNERS))
    assert engine.explain("02:00:00:00:00:99", START) is None
    before = engine.explain(A, START)
    assert before is not None
    assert before.enforced is None
    play(engine, scan())
    after = engine.explain(A, START + 2)
    assert after is not None
    assert after.enforced == "scanners"
    assert after.held is None


def test_what_keeps_a_rule_from_acting_is_explained() -> None:
    """A release by hand, the caps, the time of learning."""
    engine = site(policy(SCANNERS))
    play(engine, scan(), (2, done(1)))
    engine.order(told.Released(A, "ann", "an error"), START + 3)
    play(engine, (4, done(absent=1)))
    explained = engine.explain(A, START + 5)
    assert explained is not None
    assert "left alone by rules that are no harder than block until " in str(explained.held)
    fresh = site(policy(SCANNERS, learning="7d"))
    play(fresh, scan())
    explained = fresh.explain(A, START + 2)
    assert explained is not None
    assert "no rule isolates anybody new now: this site is learning until" in str(explained.held)


def test_a_policy_that_is_refused_is_remembered_until_one_is_read() -> None:
    engine, said = site(policy(SCANNERS)), []
    for events in (
        (),
        ((1, ev.Noticed("policy", "the policy stays as it was: p.yaml: line 3")),),
        ((2, ev.Noticed("drift", "x")),),
        ((3, ev.PolicyRead(policy(SCANNERS))),),
    ):
        play(engine, *events)
        said.append(engine.deciding.refused)
    words = "the policy stays as it was: p.yaml: line 3"
    assert said == [None, words, words, None]


def test_a_device_that_has_just_moved_is_looked_at_again_when_it_has_settled() -> None:
    engine = site(policy(SCANNERS))
    play(engine, (100, learned(after=100, port=3)))
    commands = play(engine, scan(110), (159, ev.Tick()))
    assert (states(commands), enforced(commands)) == ([], [])
    assert "spoofed" in alarms(commands)
    commands = play(engine, (160, ev.Tick()))
    assert (states(commands), enforced(commands)) == (["isolating"], [[A]])
    assert play(site(), (100, learned(after=100, port=3)), (161, ev.Tick()))


def test_a_clock_that_is_set_back_does_not_keep_a_device_from_being_looked_at() -> None:
    engine = site(policy(SCANNERS))
    play(engine, (100_000, learned(B, after=100_000, port=3, address=None)))
    commands = play(engine, (10, learned(after=10, port=2)), scan(11), (71, ev.Tick()))
    assert enforced(commands)[-1] == [A]
