"""``halia run`` with a budget: it writes watches, proves them at the switch, and takes turns."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from plugin.faucet.hook import INCLUDE
from plugin.lab import Lab, parse_topology
from plugin.lab.beside import PROBE
from tests.checker import environment
from tests.labs import CONTROLLER, need_lab, wait_for
from tests.runs import HaliaRun, install

if TYPE_CHECKING:
    from pathlib import Path

TOPOLOGY = """
name: turns
gateway: 10.0.0.1
vlans:
  office: {vid: 100}
switches:
  sw1:
    dp_id: 1
    ports:
      1: {host: h1, vlan: office}
      2: {host: h2, vlan: office}
      3: {host: outside, vlan: office}
      4: {host: col, collector: true}
hosts:
  h1: {address: 10.0.0.11/24}
  h2: {address: 10.0.0.12/24}
  outside: {address: 10.0.0.1/24}
  col:
"""


def test_devices_take_turns_and_the_watches_are_proven(tmp_path: Path) -> None:
    need_lab()
    topology = parse_topology(TOPOLOGY)
    budget: dict[str, Any] = {"budget": "14K", "window": "4s"}
    with Lab(topology, controller=CONTROLLER, activity=False) as lab:
        install(lab, "--mirror", "none")
        lab.call(PROBE)
        macs = {host.name: host.mac for host in topology.hosts}
        include = lab.faucet_yaml.parent / INCLUDE
        faucet = {"probe": PROBE, "environment": str(environment())}
        with (
            HaliaRun(lab, tmp_path / "run", mirror=budget, faucet=faucet) as halia,
            ExitStack() as pings,
        ):
            ping = ["ping", "-i", "0.2", "10.0.0.1"]  # some 8 kbit/s there and back
            for host in ("h1", "h2"):
                pings.enter_context(lab.start(host, ping, stdout=subprocess.DEVNULL))
            halia.start()
            turns: set[frozenset[str]] = set()

            def both_had_a_turn_alone() -> bool:
                text = include.read_text()
                turns.add(frozenset(h for h in ("h1", "h2") if macs[h] in text))
                return {frozenset({"h1"}), frozenset({"h2"})} <= turns

            wait_for(both_had_a_turn_alone, "a turn for h1 and one for h2", 120)
            wait_for(lambda: (halia.status()["mirror"] or {}).get("mirrored"), "a plan")

            def watched_at_the_switch() -> list[str]:
                return [flow for flow in lab.flows("sw1") if "cookie=0x8" in flow]

            # Between two turns Faucet takes the old rules out before it puts the new ones in.
            wait_for(watched_at_the_switch, "a watch at the switch")
            status = halia.status()
            probe = {"connected": True, "address": PROBE, "switches": 1, "problem": None}
            assert status["probe"] == probe
            assert status["hook"]["problem"] is None
            halia.stop()
