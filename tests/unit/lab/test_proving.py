"""Who plays in the demo's last act, and how echo requests are counted."""

from __future__ import annotations

import subprocess
from typing import cast as typed

import pytest

from plugin.lab.lab import Lab
from plugin.lab.offices import office
from plugin.lab.proving import Reached, cast, reach
from plugin.lab.schema import parse_topology


class Answering:
    """A lab whose ping says this."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.asked: list[tuple[str, list[str]]] = []

    def run(self, host: str, words: list[str]) -> subprocess.CompletedProcess[str]:
        self.asked.append((host, words))
        return subprocess.CompletedProcess(words, 0, self.said, "")


@pytest.mark.parametrize("seed", range(1, 12))
def test_who_plays_stands_at_other_ports_and_is_nobody_twice(seed: int) -> None:
    topology = office(seed)
    found = cast(topology, "ben")
    assert found is not None
    ports = {host.name: (switch.name, port.number) for switch, port, host in topology.places()}
    names = [found.neighbour, found.other, found.remedy]
    assert len({"ben", *names}) == 4
    assert ports["ben"] not in {ports[name] for name in names}
    assert topology.host(found.remedy).profile == "web server"
    assert found.remedy_address == topology.host(found.remedy).ip
    assert topology.host(found.other).profile not in {"outside", None}


def test_without_a_web_server_nobody_plays() -> None:
    topology = parse_topology("""
name: two
vlans: {office: {vid: 100}}
switches: {sw1: {dp_id: 1, ports: {1: {host: a, vlan: office}, 2: {host: ben, vlan: office}}}}
hosts:
  a: {address: 10.0.0.1/24, profile: workstation}
  ben: {address: 10.0.0.2/24, profile: workstation}
""")
    assert cast(topology, "ben") is None


@pytest.mark.parametrize(
    ("said", "alive", "dead"),
    [
        ("4 packets transmitted, 4 received, 0% packet loss", True, False),
        ("4 packets transmitted, 1 received, 75% packet loss", False, False),
        ("4 packets transmitted, 0 received, +4 errors, 100% packet loss", False, True),
        ("ping: connect: Network is unreachable", False, True),
    ],
)
def test_answers_are_counted(said: str, alive: bool, dead: bool) -> None:
    lab = Answering(said)
    found = reach(typed("Lab", lab), "ben", office(1).host("anna"))
    assert (found.alive, found.dead) == (alive, dead)
    assert lab.asked[0][0] == "ben"
    assert lab.asked[0][1][-1] == office(1).host("anna").ip
    assert Reached(3).alive is False
