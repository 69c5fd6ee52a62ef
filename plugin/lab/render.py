"""The operator's faucet.yaml of a topology: what Halia finds when it comes to a network. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from plugin.lab.topology import Port, Switch, Topology, Vlan

HEADER = """\
# The network '{name}', as its operator wrote it.
# Made from the lab's topology once, when the lab was made; edit it freely, then reload.
"""


def faucet_yaml(topology: Topology) -> str:
    """Write faucet.yaml for all switches of a topology."""
    document: dict[str, Any] = {
        "vlans": {vlan.name: _vlan(vlan) for vlan in topology.vlans},
        "dps": {switch.name: _datapath(switch) for switch in topology.switches},
    }
    if topology.acls:
        document["acls"] = dict(topology.acls)
    body = yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=100)
    return HEADER.format(name=topology.name) + body


def _vlan(vlan: Vlan) -> dict[str, Any]:
    lists = {"acls_in": vlan.acls_in, "acls_out": vlan.acls_out}
    return {"vid": vlan.vid} | {name: list(acls) for name, acls in lists.items() if acls}


def _datapath(switch: Switch) -> dict[str, Any]:
    return {
        "dp_id": switch.dp_id,
        "hardware": "Open vSwitch",
        **switch.settings,
        "interfaces": {port.number: _interface(port) for port in switch.ports},
    }


def _interface(port: Port) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": _name(port)}
    if port.collector:
        return fields | {"output_only": True}
    if port.vlan is not None:
        fields["native_vlan"] = port.vlan
    if port.tagged:
        fields["tagged_vlans"] = list(port.tagged)
    if port.acls_in:
        fields["acls_in"] = list(port.acls_in)
    return fields


def _name(port: Port) -> str:
    """Name a port after its host; one that is shared, or leads to a switch, by its number."""
    if len(port.hosts) == 1:
        return port.hosts[0]
    return f"shared-{port.number}" if port.hosts else f"trunk-{port.number}"
