from __future__ import annotations

from random import Random

from plugin.lab import device
from plugin.lab.profiles import Use
from plugin.lab.schema import parse_topology
from tests.labs import QUIET


def test_only_hosts_with_an_address_and_something_to_do_are_busy() -> None:
    topology = parse_topology(QUIET.replace("10.0.0.11/24}", "10.0.0.11/24, profile: printer}"))
    busy = [host.name for host in topology.hosts if device.has_work(topology, host.name)]
    assert busy == ["h1"]


def test_the_chance_of_a_host_does_not_hang_on_others() -> None:
    topology = parse_topology(QUIET)
    first = device.chance_of(topology, "h1", "web").random()
    assert first == device.chance_of(topology, "h1", "web").random()
    assert first != device.chance_of(topology, "h2", "web").random()
    assert first != device.chance_of(topology._replace(seed=2), "h1", "web").random()


def test_waits_are_as_long_as_the_profile_says() -> None:
    use, chance = Use("web", 10, 0.5), Random(1)
    pairs = [device.waits(use, 2.0, chance) for _ in range(500)]
    assert all(0 <= first <= device.FIRST_SECONDS for first, _ in pairs)
    assert all(2.5 <= pause <= 7.5 for _, pause in pairs)
    assert 4.5 < sum(pause for _, pause in pairs) / len(pairs) < 5.5
