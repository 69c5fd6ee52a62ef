"""Who wants to have others isolated, or not to be isolated himself: by lies, by hopping, by masses.

Told through the engine with the real ledger, as it is behind ``halia run``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plugin.engine import Engine, Options
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.ml.behaviour.finding import Finding, Found
from plugin.policy import cases as told
from plugin.registry import Limits
from tests.playbook import PORTS, SCANNERS, SECOND, START, found, learned, play, policy

if TYPE_CHECKING:
    from plugin.engine.commands import Command
    from plugin.policy.rules import Policy

SERVER, THIEF = "02:00:00:00:00:01", "02:00:00:00:00:66"
CAPS = "caps: {devices: 6, percent: 100, per_switch: 6, per_hour: 6}"


def mac(number: int) -> str:
    return (0x020000010000 + number).to_bytes(6, "big").hex(":")


def site(rules: Policy, devices: int = 0, most: int = 20_000) -> Engine:
    """A server, so many devices at ports of their own, and a policy."""
    engine = Engine(Options(limits=Limits(devices=most)))
    ports = {**PORTS.kinds, **{("sw1", n): ev.PortKind(hooked=True) for n in range(9, 200)}}
    play(
        engine, (0, ev.PolicyRead(rules)), (0, ev.Restored((), ())), (0, ev.Ports(ports)),
        (0, learned(SERVER, port=1)), *[(0, learned(mac(n), port=n + 10)) for n in range(devices)],
    )  # fmt: skip
    return engine


def scans(engine: Engine, who: str, after: float) -> list[Command]:
    """A device scans, and the file that shows it is open."""
    return play(
        engine, (after, ev.CaptureOpened(who, f"{who}.pcap")),
        (after, ev.Behaved(found(who, after=after))),
    )  # fmt: skip


def isolated(engine: Engine) -> set[str]:
    return set(engine.deciding.wanted())


def alarms(commands: list[Command]) -> list[str]:
    return [one.kind for one in commands if isinstance(one, do.Alarm)]


def test_a_thief_of_a_servers_address_does_not_have_it_isolated() -> None:
    for head in ("", f"protect: {{macs: ['{SERVER}']}}"):
        engine = site(policy(SCANNERS, head=head))
        commands: list[Command] = []
        for turn in range(20):
            after = 10.0 * turn
            commands += play(engine, (after, learned(SERVER, after=after, port=1 + 6 * (turn % 2))))
            commands += scans(engine, SERVER, after) if turn > 8 else []
        assert "twice" in alarms(commands)
        assert isolated(engine) == set()


def test_whoever_is_isolated_is_not_freed_by_a_lie_about_where_he_is() -> None:
    engine = site(policy(SCANNERS))
    play(engine, (0, learned(THIEF, port=5)))
    scans(engine, THIEF, 1)
    for turn in range(20):
        after = 10.0 + turn
        play(engine, (after, learned(THIEF, after=after, port=5 + turn % 2)))
    play(engine, (40, ev.Tick()))
    assert isolated(engine) == {THIEF}


def test_who_takes_another_address_at_the_port_of_an_isolated_one_is_isolated_again() -> None:
    engine = site(policy(SCANNERS[:-1] + ", scope: port}", head=CAPS), devices=40)
    neighbours = {SERVER, *(mac(n) for n in range(40))}
    play(engine, (0, learned(THIEF, port=5)))
    scans(engine, THIEF, 1)
    commands: list[Command] = []
    hops = [f"02:00:00:00:07:{n:02x}" for n in range(30)]
    for turn, hop in enumerate(hops):
        commands += play(engine, (2 + turn, learned(hop, after=2 + turn, port=5)))
    assert THIEF in isolated(engine)
    assert len(isolated(engine)) == 6  # then the caps stop it, and say so
    assert "caps" in alarms(commands)
    assert not isolated(engine) & neighbours


def test_verdicts_that_name_half_the_network_isolate_a_few_and_then_nobody() -> None:
    engine = site(policy(SCANNERS, head=CAPS), devices=100)
    commands: list[Command] = []
    for n in range(50):
        commands += scans(engine, mac(n), 1 + n / 10)
    assert isolated(engine) == {mac(n) for n in range(6)}
    assert alarms(commands).count("caps") == 1
    play(engine, (4_000, ev.Tick()))  # their hour is over, and the frost is not
    scans(engine, mac(60), 4_001)
    assert isolated(engine) == set()
    engine.order(told.Thawed("ann", "the detector is mended"), START + 4_002)
    scans(engine, mac(61), 4_003)
    # Six are still to be seen gone from the switches: they count until then.
    assert isolated(engine) == set()
    assert engine.deciding.frozen() is not None


def test_ten_thousand_forged_addresses_cost_nobody_else_anything() -> None:
    engine = site(policy(SCANNERS, head=CAPS), devices=20, most=2_000)
    commands: list[Command] = []
    for n in range(10_000):
        forged = (0x020000990000 + n).to_bytes(6, "big").hex(":")
        commands += scans(engine, forged, 1 + n / 1_000)
    assert len(engine) <= 2_000
    assert isolated(engine) == set()  # the controller has told of none of them
    assert {SERVER, mac(0), mac(19)} <= {one.mac for one in engine.views()}
    scans(engine, mac(3), 20)
    assert isolated(engine) == {mac(3)}


@pytest.mark.parametrize(
    "hostile", ["\x1b[2Jgone", "a\nb\x00c", "${jndi:x}'; DROP TABLE--", "𝕏" * 500]
)
def test_what_strangers_wrote_stays_in_one_line(hostile: str) -> None:
    engine = site(policy(SCANNERS))
    play(engine, (0, learned(THIEF, port=5)))
    finding = Finding("horizontal-scan", 30.0, 25.0, (hostile,), ())
    commands = play(
        engine, (1, ev.CaptureOpened(THIEF, "t.pcap")),
        (1, ev.Behaved(Found(int((START + 1) * SECOND), THIEF, finding))),
    )  # fmt: skip
    (step,) = [one.transition for one in commands if isinstance(one, do.AnnounceDecision)]
    assert step.case.reason.isprintable()
    assert step.why.isprintable()
