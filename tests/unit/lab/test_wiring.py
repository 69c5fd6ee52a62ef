from __future__ import annotations

from plugin.lab import wiring
from plugin.lab.schema import parse_topology
from tests.labs import QUIET

LINKED = """
vlans: {a: {vid: 7}}
switches:
  one: {ports: {1: {host: x, vlan: a}, 2: {link: two/9, tagged: [a]}}}
  two: {dp_id: 0x20, ports: {1: {host: y, vlan: a}, 9: {link: one/2, tagged: [a]}}}
hosts: {x: {address: 10.0.0.1/24}, y: {address: 10.0.0.2/24}}
"""


def test_every_port_gets_its_number_and_shared_ones_an_unmanaged_switch() -> None:
    found = list(wiring.plugs(parse_topology(QUIET)))
    numbered = {p.interface: p.number for p in found if p.bridge == "sw1"}
    wanted = {"to-h1": 1, "to-h2": 2, "sw1-3": 3, "to-remedy": 4, "sw1-5": 5, "to-col": 6}
    assert numbered == wanted
    shared = [p.interface for p in found if p.bridge == "edge-1"]
    assert shared == ["up-1", "to-m1", "to-m2"]
    tags = {p.interface: p.tag for p in found if p.bridge == "edge-2"}
    assert tags == {"up-2": None, "to-outside": 100}
    assert {len(p.interface) <= 15 for p in found} == {True}


def test_cables_between_switches_have_two_ends() -> None:
    cables = {p.interface: p.peer for p in wiring.plugs(parse_topology(LINKED)) if p.peer}
    assert cables == {"one-2": "two-9", "two-9": "one-2"}


def test_one_transaction_makes_all_bridges() -> None:
    words = wiring.bridge_commands(parse_topology(LINKED), "dummy")
    assert words[0] != "--"
    text = " ".join(words)
    assert "other-config:datapath-id=0000000000000020" in text
    assert text.count("datapath_type=dummy fail_mode=secure") == 2
    assert "standalone" not in text
    assert "standalone" in " ".join(wiring.bridge_commands(parse_topology(QUIET), "netdev"))


def test_switches_call_the_controller_out_of_band() -> None:
    text = " ".join(wiring.controller_commands(parse_topology(LINKED)))
    assert text.count("set-controller") == text.count("connection_mode=out-of-band") == 2


def test_hosts_get_their_addresses_and_their_way_out() -> None:
    topology = parse_topology(QUIET)
    inside = wiring.host_script(topology.host("h1"))
    assert "ip addr add 10.0.0.11/24 dev eth0" in inside
    assert "ip route add default via 10.0.0.1" in inside
    outside = wiring.host_script(topology.host("outside"))
    assert "ip addr add 198.51.100.80/32 dev lo" in outside
    assert "route" not in outside
    assert "addr" not in wiring.host_script(topology.host("col"))
    batch = wiring.namespace_commands(topology).splitlines()
    assert "link add to-h1 type veth peer name eth0 address 02:00:00:00:00:01 netns h1" in batch


def test_a_further_controller_is_added_to_every_managed_switch() -> None:
    words = " ".join(wiring.further_controller(parse_topology(LINKED), "127.0.0.1:6654"))
    assert words.count('target="tcp:127.0.0.1:6654"') == 2
    assert "add bridge one controller @c0" in words
    assert "add bridge two controller @c1" in words
    assert "set-controller" not in words  # Faucet's stays
