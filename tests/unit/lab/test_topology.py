from __future__ import annotations

import pytest

from plugin.lab.schema import parse_topology
from plugin.lab.topology import Port
from tests.labs import QUIET


def test_hosts_by_name_and_by_place() -> None:
    topology = parse_topology(QUIET)
    places = [(s.name, port.number, host.name) for s, port, host in topology.places()]
    assert ("sw1", 3, "m2") in places
    assert len(places) == len(topology.hosts)
    with pytest.raises(KeyError):
        topology.host("h9")


def test_peers_share_a_vlan_and_have_an_address() -> None:
    topology = parse_topology(QUIET)
    assert [host.name for host in topology.peers("h1")] == ["h2", "m1", "m2", "outside"]
    assert topology.peers("remedy") == ()


def test_an_unmanaged_switch_stands_where_hosts_share_a_port_or_frames_are_tagged() -> None:
    plain = Port(1, ("a",), "v", (), (), None, collector=False)
    assert not plain.behind_edge
    assert plain._replace(hosts=("a", "b")).behind_edge
    assert plain._replace(tagged=("w",)).behind_edge
    assert not plain._replace(hosts=(), tagged=("w",)).behind_edge
