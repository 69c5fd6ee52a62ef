from __future__ import annotations

from pathlib import Path

import pytest

from plugin.errors import TopologyError
from plugin.lab.schema import load_topology, parse_topology
from tests.labs import QUIET

ROOT = Path(__file__).resolve().parents[3]


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(TopologyError) as caught:
        parse_topology(text, "t.yaml")
    return caught.value.problems


def test_a_topology_is_read() -> None:
    topology = parse_topology(QUIET)
    assert [host.mac for host in topology.hosts[:2]] == ["02:00:00:00:00:01", "02:00:00:00:00:02"]
    switch = topology.switches[0]
    assert (switch.name, switch.dp_id, len(switch.ports)) == ("sw1", 1, 6)
    assert [port.behind_edge for port in switch.ports] == [False, False, True, False, True, False]
    assert topology.collector() == "col"
    assert topology.host("h1").gateway == "10.0.0.1"
    assert topology.host("outside").gateway is None
    assert topology.acls["no_ssh"][0]["rule"]["tcp_dst"] == 22
    assert topology.text == QUIET


def test_every_shipped_topology_loads() -> None:
    files = sorted((ROOT / "configs" / "lab").glob("*.yaml"))
    assert files
    for file in files:
        assert load_topology(file).hosts


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("vid: 100", "vid: 5000", "t.yaml:5:17: vlans.office.vid: a whole number from 1 to 4094"),
        ("vid: 666", "vid: 100", "t.yaml:6:21: vlans.quarantine.vid: 100 is that of 'office'"),
        ("{vid: 100,", "{vdi: 100,", "t.yaml:5:12: vlans.office.vdi: no such field; did you mean"),
        ("1: {host: h1, vlan: office}", "1: {host: h1, vlan: ofice}", "'ofice' is not there; did"),
        ("acls_in: [no_ssh]", "acls_in: [no_shs]", "t.yaml:12:45: switches.sw1.ports.2.acls_in:"),
        ("3: {hosts: [m1, m2]", "3: {hosts: [m1, h1]", "'h1' hangs on switches.sw1.ports.1"),
        ("3: {hosts: [m1, m2]", "3: {hosts: [m1]", "t.yaml:21:3: hosts.m2: hangs on no port"),
        ("10.0.0.12/24", "10.0.0.11/24", "10.0.0.11 is also that of 'h1'"),
        ("10.0.0.12/24", "10.0.12/24", "hosts.h2.address: Expected 4 octets"),
        ("{address: 10.0.0.12/24}", "{mac: 01:00:5e:00:00:01}", "the address of one device"),
        ("{address: 10.0.0.12/24}", "{mac: 0E:00:00:00:00:01}", "is Faucet's own address"),
        ("{address: 10.0.0.12/24}", "{mac: 02:00:00:00:00:01}", "is also that of 'h1'"),
        ("{address: 10.0.0.12/24}", "{profile: printr}", "'printr' is not there; did you mean"),
        ("vlan: office, address: 10.0.0.1/24", "address: 10.0.0.1/24", "its port is only tagged"),
        ("{vlan: office, address", "{vlan: guests, address", "does not carry VLAN 'guests'"),
        ("collector: true", "vlan: office, collector: true", "a collector's port has one host"),
        ("collector: true", "collector: 7", "true or false is expected"),
        ("6: {host: col,", "none: {host: col,", "a port number from 1 to 999 is expected"),
        ("1: {host: h1, vlan: office}", "1: {host: h1}", "vlan, tagged or collector: true is"),
        ("1: {host: h1, vlan: office}", "1: {link: sw2/3, vlan: office}", "sw2/3 does not lead"),
        ("gateway: 10.0.0.1", "gateway: 10.0.0", "gateway: Expected 4 octets"),
        ("gateway: 10.0.0.1", "pace: 0", "a number above zero is expected"),
        ("  sw1:", "  SW1:", "a name of at most 11 of a-z 0-9 - is expected"),
        ("  no_ssh:\n    - rule:", "  no_ssh:\n    - rul:", "a list of '- rule: {…}' is expected"),
    ],
)  # fmt: skip
def test_each_problem_is_told_with_its_place(old: str, new: str, problem: str) -> None:
    assert QUIET.count(old) == 1
    found = problems_of(QUIET.replace(old, new))
    assert any(problem in line for line in found), found
    assert all(line.startswith("t.yaml:") for line in found)


def test_all_problems_are_told_at_once() -> None:
    text = QUIET.replace("vid: 100", "vid: 0").replace("10.0.0.13/24", "x").replace("h2:", "H2:")
    assert len(problems_of(text)) >= 3


@pytest.mark.parametrize("text", ["", "[]", "x", "a: [", "\x00", "vlans: {a: {vid: 1}}", "- " * 9])
def test_what_is_no_topology_is_refused(text: str) -> None:
    assert problems_of(text)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match="cannot be read: No such file"):
        load_topology(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(TopologyError, match="byte 0: this is no text"):
        load_topology(tmp_path / "bytes.yaml")


def test_links_between_switches() -> None:
    text = """
vlans: {a: {vid: 1}}
switches:
  one: {ports: {1: {host: x, vlan: a}, 2: {link: two/7, tagged: [a]}}}
  two: {ports: {1: {host: y, vlan: a}, 7: {link: one/2, tagged: [a]}}}
hosts: {x: {address: 10.0.0.1/24}, y: {address: 10.0.0.2/24}}
"""
    topology = parse_topology(text)
    assert [switch.dp_id for switch in topology.switches] == [1, 2]
    assert [host.name for host in topology.peers("x")] == ["y"]
    (problem,) = problems_of(text.replace("link: one/2", "link: one/1"))[:1]
    assert "two/7 does not lead back to one/2" in problem
