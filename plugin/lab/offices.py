"""Small offices made by chance: the same from the same seed, another from another. Pure.

They are the demo's networks, and those that its model learns from. Everyone has two people, Anna
and Ben, a printer and a file server; who else is there, where each hangs, which VLANs and rules
the operator has, and how busy all are, is the seed's.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import yaml

from plugin.lab.profiles import PROFILES, SERVICES
from plugin.lab.schema import parse_topology

if TYPE_CHECKING:
    from random import Random

    from plugin.lab.topology import Topology

GADGETS = frozenset({"gadget", "gadget-call"})
"""What no stranger speaks: the unknown gadget's protocol is never among what is learned."""
_FEWEST_USES = min(len(p.uses) for p in PROFILES.values() if p.uses and not p.serves)
_HOME = "home"
"""What implants call: nobody's ordinary service."""
_DOORS = frozenset({"rdp", "winrm"})
"""By which a farm's machines are administered, and nobody else's."""
_ALSO = "web"
"""What file servers serve too, now and then."""
_PACES = (2.5, 3.0, 4.0)
_NETWORKS = ("10.0.0", "10.7.1", "172.16.5", "192.168.1", "192.168.80")
_NUMBERS = range(2, 250)
_OUTSIDE = ("198.51.100", "203.0.113")
_SOMETIMES = (
    ("carla", "workstation", 0.6),
    ("dora", "workstation", 0.4),
    ("printer-2", "printer", 0.4),
    ("archive", "file server", 0.3),
    ("admin", "admin workstation", 0.6),
    ("mail", "mail relay", 0.7),
    ("names", "name server", 0.7),
)
_SERVES_MORE, _USES_MORE, _TAGGED, _DENIED = 0.3, 0.2, 0.5, 0.3
"""How often file servers serve web pages, people use SSH, the uplink is tagged, ACLs are there."""
_RULES: dict[str, Any] = {
    "no_telnet": [
        {"rule": {"dl_type": 0x800, "nw_proto": 6, "tcp_dst": 23, "actions": {"allow": 0}}},
        {"rule": {"actions": {"allow": 1}}},
    ],
    "no_ssh": [
        {"rule": {"dl_type": 0x800, "nw_proto": 6, "tcp_dst": 22, "actions": {"allow": 0}}},
        {"rule": {"actions": {"allow": 1}}},
    ],
}


def office(seed: int, *, gadgets: int = 1, strangers: int = 0, machines: int = 0) -> Topology:
    """Make an office by chance.

    Args:
        seed: which one. Of what its hosts do, too.
        gadgets: how many unknown gadgets there are.
        strangers: hosts without a profile, each with a mixture of services that no profile has:
            the background that a model learns as none of its roles.
        machines: addresses of a further host ``farm``, machines that are administered by remote
            desktop and WinRM, which nobody does; 0: there is none. All else is as without it.

    Returns:
        Hosts ``printer``, ``files``, ``anna``, ``ben``, ``www``, ``outside`` and ``collector``
        always; others as the seed has it; ``gadget``, ``gadget-2`` …; ``odd-1``, ``odd-2`` ….
    """
    chance = random.Random(f"office/{seed}")  # noqa: S311 - no secret
    hosts = _hosts(chance, gadgets, strangers)
    network = chance.choice(_NETWORKS)
    numbers = chance.sample(_NUMBERS, len(hosts))
    for host, number in zip(hosts.values(), numbers, strict=True):
        host["address"] = f"{network}.{number}/24"
    hosts["outside"] = _outside(chance, network)
    hosts["collector"] = {}
    denied = {at for at in ("vlan", "port") if chance.random() < _DENIED}
    vlan = {"vid": chance.randint(2, 600)} | (
        {"acls_in": ["no_telnet"]} if "vlan" in denied else {}
    )
    ports = _ports(chance, hosts)
    if "port" in denied:
        _port_of(ports, "printer")["acls_in"] = ["no_ssh"]
    if machines:
        free = sorted(set(_NUMBERS) - set(numbers))[-machines:]
        hosts["farm"] = _farm([f"{network}.{number}" for number in free])
        ports[max(ports) + 1] = {"host": "farm", "vlan": "office"}
    document = {
        "name": f"office-{seed}",
        "seed": seed,
        "pace": chance.choice(_PACES),
        "gateway": f"{network}.1",
        "vlans": {"office": vlan},
        "switches": {"sw1": {"dp_id": chance.randint(1, 0xFFFF), "ports": ports}},
        "hosts": hosts,
        "acls": {
            name: _RULES[name]
            for name, at in (("no_telnet", "vlan"), ("no_ssh", "port"))
            if at in denied
        },
    }
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=100)
    return parse_topology(text, f"office {seed}")


def reseeded(topology: Topology, seed: int) -> Topology:
    """Give a topology another seed: the same hosts do other things."""
    document = yaml.safe_load(topology.text) | {"seed": seed}
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=100)
    return parse_topology(text, f"{topology.name} {seed}")


def _hosts(chance: Random, gadgets: int, strangers: int) -> dict[str, dict[str, Any]]:
    """Who is there, in an order of chance: so MAC addresses tell nothing."""
    found: list[tuple[str, dict[str, Any]]] = [
        ("printer", {"profile": "printer"}),
        ("files", {"profile": "file server"}),
        ("anna", {"profile": "workstation"}),
        ("ben", {"profile": "workstation"}),
        ("www", {"profile": "web server"}),
    ]
    found += [(n, {"profile": p}) for n, p, often in _SOMETIMES if chance.random() < often]
    for name, host in found:
        if name in {"files", "archive"} and chance.random() < _SERVES_MORE:
            host["serves"] = [_ALSO]
        if name in {"anna", "ben", "carla", "dora"} and chance.random() < _USES_MORE:
            host["uses"] = ["ssh"]
    names = ("gadget" if k == 0 else f"gadget-{k + 1}" for k in range(gadgets))
    found += [(name, {"profile": "unknown gadget"}) for name in names]
    found += [(f"odd-{k + 1}", _stranger(chance)) for k in range(strangers)]
    chance.shuffle(found)
    return dict(found)


def _stranger(chance: Random) -> dict[str, Any]:
    """A host that is none of the profiles, whatever it serves and uses."""
    ordinary = sorted(SERVICES.keys() - GADGETS - _DOORS - {_HOME})
    while True:
        served = chance.sample(ordinary, chance.randint(0, 3))
        used = chance.sample(ordinary, chance.randint(0 if served else 1, 3))
        if served:
            alike = any(set(served) <= {*p.serves, _ALSO} for p in PROFILES.values())
        else:  # all people use more than that
            alike = len(used) >= _FEWEST_USES
        if not alike:
            return {key: value for key, value in (("serves", served), ("uses", used)) if value}


def _outside(chance: Random, network: str) -> dict[str, Any]:
    """The router: the gateway's address, and some of the networks behind it."""
    behind = [f"{net}.{chance.randint(1, 254)}/32" for net in _OUTSIDE]
    return {
        "address": f"{network}.1/24",
        "addresses": behind,
        "profile": "outside",
        "vlan": "office",
    }


def _farm(addresses: list[str]) -> dict[str, Any]:
    """Many machines on one computer: the network sees their addresses."""
    first, *others = addresses
    return {
        "address": f"{first}/24",
        "addresses": [f"{address}/32" for address in others],
        "serves": sorted(_DOORS),
    }


def _ports(chance: Random, hosts: dict[str, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Cables: one host a port, but for some behind an unmanaged switch, and the uplink."""
    ordinary = [name for name in hosts if name not in {"outside", "collector", "printer"}]
    chance.shuffle(ordinary)
    shared = [ordinary.pop() for _ in range(chance.choice((0, 2, 2, 3)))]
    ends: list[dict[str, Any]] = [{"host": n, "vlan": "office"} for n in (*ordinary, "printer")]
    ends += [{"hosts": shared, "vlan": "office"}] if shared else []
    tagged = chance.random() < _TAGGED
    ends.append({"host": "outside"} | ({"tagged": ["office"]} if tagged else {"vlan": "office"}))
    ends.append({"host": "collector", "collector": True})
    numbers = sorted(chance.sample(range(1, 2 * len(ends) + 1), len(ends)))
    chance.shuffle(ends)
    return dict(zip(numbers, ends, strict=True))


def _port_of(ports: dict[int, dict[str, Any]], host: str) -> dict[str, Any]:
    return next(port for port in ports.values() if port.get("host") == host)
