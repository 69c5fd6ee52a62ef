"""A whole network on one machine: Open vSwitch, Faucet, hosts, in namespaces that vanish."""

from __future__ import annotations

from plugin.lab.lab import Lab
from plugin.lab.running import Running
from plugin.lab.schema import load_topology, parse_topology
from plugin.lab.topology import Topology

__all__ = ["Lab", "Running", "Topology", "load_topology", "parse_topology"]
