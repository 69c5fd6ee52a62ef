from __future__ import annotations

import itertools
import socket

import pytest

from plugin.errors import InputError
from plugin.lab import bad
from plugin.lab.offices import office
from plugin.lab.schema import parse_topology
from plugin.ml.behaviour.parameters import Parameters
from tests.labs import QUIET

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


def plan_here(kind: str) -> bad.Plan:
    return bad.plan(TOPOLOGY, "h1", kind, target="h2")._replace(target="127.0.0.1")


def test_what_is_bad_is_bad_enough_to_be_named() -> None:
    known = Parameters()
    assert bad.KINDS["scan"].rate * known.vertical_scan.window > 2 * known.vertical_scan.targets
    assert bad.KINDS["sweep"].rate * known.arp_scan.window > 2 * known.arp_scan.targets
    assert bad.KINDS["brute"].rate * known.brute_force.window > 2 * known.brute_force.sessions
    assert bad.KINDS["flood"].rate >= 2 * known.flood.udp
    assert bad.KINDS["arp-spoof"].rate * known.arp_spoofing.window > 2 * known.arp_spoofing.claims
    assert 1 / bad.KINDS["beacon"].rate >= 2 * known.beacon.period


def test_a_flood_reaches_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(10)
        monkeypatch.setattr(bad, "FLOOD_PORT", sink.getsockname()[1])
        bad.run(plan_here("flood")._replace(seconds=0.2, rate=200.0))
        assert len(sink.recv(2000)) == 64


def test_a_scan_tries_every_port_once_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    monkeypatch.setattr(bad._Waiting, "try_connect", lambda _, __, port: tried.append(port))
    steps = bad.KINDS["scan"].act(plan_here("scan"))
    list(itertools.islice(steps, len(bad.SCANNED_PORTS)))
    assert sorted(tried) == list(bad.SCANNED_PORTS)
    assert tried != sorted(tried)


def test_a_sweep_asks_every_address(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(bad._Waiting, "try_connect", lambda _, where, __: asked.append(where))
    list(itertools.islice(bad.KINDS["sweep"].act(bad.plan(TOPOLOGY, "h1", "sweep")), 254))
    assert len(set(asked)) == 254


def test_few_connections_stay_open() -> None:
    waiting = bad._Waiting()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        for _ in range(bad.OPEN_MAX + 5):
            waiting.try_connect("127.0.0.1", server.getsockname()[1])
        assert len(waiting._open) == bad.OPEN_MAX
    for sock in waiting._open:
        sock.close()


@pytest.mark.parametrize("kind", ["brute", "beacon"])
def test_a_peer_that_is_away_does_not_stop_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    steps = bad.KINDS[kind].act(plan_here(kind))
    assert len(list(itertools.islice(steps, 3))) == 3
