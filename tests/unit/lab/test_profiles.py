from __future__ import annotations

from plugin.lab import clients, services
from plugin.lab.profiles import PROFILES, SERVICES, Use, serves, targets, uses
from plugin.lab.schema import parse_topology
from tests.labs import QUIET

BUSY = (
    QUIET.replace("10.0.0.11/24}", "10.0.0.11/24, profile: workstation, uses: [ssh, dns]}")
    .replace("10.0.0.12/24}", "10.0.0.12/24, profile: printer, serves: [ssh, web]}")
    .replace("[198.51.100.80/32]", "[198.51.100.80/32], profile: outside")
)


def test_every_service_has_a_server_and_a_client() -> None:
    for name, service in SERVICES.items():
        tables = (
            (services.STREAMS, clients.TALKS)
            if service.transport == "tcp"
            else (services.DATAGRAMS, clients.DATAGRAMS)
        )
        assert all(name in table for table in tables), name


def test_profiles_name_services_that_there_are() -> None:
    for profile in PROFILES.values():
        assert {*profile.serves, *(use.service for use in profile.uses)} <= SERVICES.keys()
        assert all(use.every > 0 and 0 <= use.jitter < 1 for use in profile.uses)


def test_profiles_can_be_told_apart() -> None:
    sets = {
        name: (profile.serves, tuple(u.service for u in profile.uses))
        for name, profile in PROFILES.items()
    }
    assert len(set(sets.values())) == len(sets)


def test_what_a_host_serves_and_uses() -> None:
    topology = parse_topology(BUSY)
    assert serves(topology.host("h2")) == ("jetdirect", "ipp", "web", "ssh")
    used = uses(topology.host("h1"))
    assert used[-1] == Use("ssh", 10)
    assert [use.service for use in used].count("dns") == 1
    assert serves(topology.host("m1")) == ()


def test_clients_find_servers_in_their_vlan_and_the_networks_behind_them() -> None:
    topology = parse_topology(BUSY)
    me = topology.host("h1")
    assert targets(topology, me, "jetdirect") == ("10.0.0.12",)
    assert targets(topology, me, "web") == ("10.0.0.12", "10.0.0.1", "198.51.100.80")
    assert targets(topology, topology.host("remedy"), "web") == ()
    assert "10.0.0.13" in targets(topology, me, "gadget-call")
