from __future__ import annotations

import time
from ipaddress import ip_address
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from plugin.errors import InputError
from plugin.lab import bad
from plugin.lab.deeds import floods, hidden
from plugin.lab.offices import office
from plugin.lab.outcome import NAMED_WITHIN
from plugin.lab.schema import parse_topology
from plugin.ml.behaviour.parameters import Parameters
from tests.labs import QUIET

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPOLOGY = parse_topology(
    QUIET.replace("10.0.0.13/24}", "10.0.0.13/24, profile: mail relay}").replace(
        "[198.51.100.80/32]", "[198.51.100.80/32], profile: outside"
    )
)


def test_targets_fit_the_kind() -> None:
    assert bad.plan(TOPOLOGY, "h1", "brute").target == "10.0.0.13"
    assert bad.plan(TOPOLOGY, "h1", "beacon").target == "198.51.100.80"
    assert bad.plan(TOPOLOGY, "h1", "scan", target="outside").target == "10.0.0.1"
    assert bad.plan(TOPOLOGY, "h1", "sweep").target == "10.0.0.0/24"
    spoof = bad.plan(TOPOLOGY, "h1", "arp-spoof", target="h2")
    assert (spoof.target, spoof.target_mac) == ("10.0.0.12", "02:00:00:00:00:02")
    assert (spoof.about, spoof.mac) == ("10.0.0.1", "02:00:00:00:00:01")
    assert bad.plan(TOPOLOGY, "h1", "scan") == bad.plan(TOPOLOGY, "h1", "scan")
    assert bad.plan(TOPOLOGY, "h1", "flood", rate=7, seconds=2)[3:5] == (7, 2)


@pytest.mark.parametrize(
    ("host", "kind", "target", "problem"),
    [
        ("h1", "scn", None, "no such kind; did you mean 'scan'"),
        ("h9", "scan", None, "no such host"),
        ("col", "scan", None, "has no address"),
        ("remedy", "scan", None, "is alone in its VLAN"),
        ("h1", "scan", "h1", "cannot be the target of h1"),
        ("h1", "scan", "col", "cannot be the target of h1"),
    ],
)
def test_what_cannot_be_is_refused(host: str, kind: str, target: str | None, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        bad.plan(TOPOLOGY, host, kind, target=target)


def test_where_it_goes_is_the_kinds() -> None:
    topology = office(2, machines=bad.FARM_MACHINES)
    outside = topology.host("outside")
    beyond = str(outside.addresses[1].ip)
    for kind in ("beacon", "exfiltrate", "icmp-tunnel", "amplify"):
        assert bad.plan(topology, "ben", kind).target == beyond
    assert bad.plan(topology, "ben", "ping-sweep").target == beyond.rpartition(".")[0] + ".0/24"
    assert bad.plan(topology, "ben", "dhcp-flood").target == bad.EVERYBODY
    fan_out = bad.plan(topology, "ben", "fan-out")
    assert fan_out.target == topology.host("farm").ip
    assert len(set(fan_out.targets)) == bad.FARM_MACHINES
    for kind in bad.KINDS.keys() - {"sweep", "ping-sweep"}:
        ip_address(bad.plan(topology, "ben", kind).target)
    alone = parse_topology(QUIET.replace(", addresses: [198.51.100.80/32]", ""))
    assert bad.plan(alone, "h1", "ping-sweep").target == "10.0.0.0/24"


def test_nobody_to_be_bad_to() -> None:
    quiet = parse_topology(QUIET)
    with pytest.raises(InputError, match="nobody in its VLAN serves imap"):
        bad.plan(quiet, "h1", "brute")


def test_a_target_is_at_another_port_for_the_switch_sees_nothing_behind_one() -> None:
    shared = office(1)  # ben and the mail relay are behind one port
    with pytest.raises(InputError, match=r"fits \(mail\) is behind its own port") as caught:
        bad.plan(shared, "ben", "brute")
    assert caught.value.exit_code == 2
    assert bad.plan(shared, "ben", "brute", target="mail").host == "ben"
    mail = shared.host("mail").mac
    for seed in range(30):
        plan = bad.plan(shared._replace(seed=seed), "ben", "scan")
        assert plan.target_mac != mail


def test_what_is_bad_is_bad_enough_to_be_named() -> None:
    known = Parameters()
    assert bad.KINDS["scan"].rate * known.vertical_scan.window > 2 * known.vertical_scan.targets
    assert bad.KINDS["sweep"].rate * known.arp_scan.window > 2 * known.arp_scan.targets
    assert bad.KINDS["brute"].rate * known.brute_force.window > 2 * known.brute_force.sessions
    assert bad.KINDS["flood"].rate >= 2 * known.flood.udp
    assert bad.KINDS["syn-flood"].rate >= 2 * known.flood.syn
    assert bad.KINDS["icmp-flood"].rate >= 2 * known.flood.icmp
    assert bad.KINDS["arp-spoof"].rate * known.arp_spoofing.window > 2 * known.arp_spoofing.claims
    assert 1 / bad.KINDS["beacon"].rate >= 2 * known.beacon.period
    sweep, tunnel = known.icmp_sweep, known.dns_tunnel
    assert bad.KINDS["ping-sweep"].rate * sweep.window > 2 * sweep.targets
    assert 2 * known.admin_fan_out.hosts < bad.FARM_MACHINES
    assert bad.KINDS["dhcp-flood"].rate * known.dhcp_flood.window > 2 * known.dhcp_flood.messages
    assert bad.KINDS["dns-tunnel"].rate * tunnel.window > 2 * tunnel.queries
    assert 2 * hidden.NAME_BYTES[0] > tunnel.query
    pinged = bad.KINDS["icmp-tunnel"].rate * 2 * sum(hidden.PING_BYTES) / 2
    assert pinged * known.icmp_tunnel.window > 2 * known.icmp_tunnel.bytes
    amplified = bad.KINDS["amplify"].rate * known.amplification.window
    assert amplified > 2 * known.amplification.packets
    assert amplified * floods.ANSWER_BYTES > 2 * known.amplification.bytes
    assert bad.KINDS["conflict"].rate * known.mac_conflict.window > 2 * known.mac_conflict.claims
    upload = bad.KINDS["exfiltrate"].rate * hidden.UPLOAD_BYTES
    assert upload * known.exfiltration.window > 2 * known.exfiltration.bytes
    assert upload * NAMED_WITHIN > known.exfiltration.bytes


def test_it_goes_on_for_as_long_as_told_at_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    now, steps = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        now[0] += seconds

    def act(_: bad.Plan) -> Iterator[None]:
        while True:
            steps.append(now[0])
            yield

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(bad, "KINDS", {"scan": bad.Kind(10, act)})
    bad.run(bad.Plan("h", "scan", "t", 10, 5.0, 1, "m", "a", "v"))
    assert len(steps) == pytest.approx(50, abs=1)
    assert max(steps) <= 5.0
    del steps[:]
    bad.run(bad.Plan("h", "scan", "t", 0.3, 60.0, 1, "m", "a", "v"))  # as a beacon does
    intervals = [after - before for before, after in pairwise(steps)]
    assert len(steps) == 18
    assert all(one == pytest.approx(1 / 0.3, abs=2 * bad.TICK) for one in intervals)
