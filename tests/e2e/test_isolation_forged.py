"""Isolation against a host that lies about who it is: nobody else is cut off for it.

Frames are sent with made-up addresses from a host's own port, so that the switch, Faucet and Halia
see what they would see of an attacker.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from plugin.control.client import ask
from plugin.control.protocol import Request
from plugin.lab.beside import PROBE
from tests.checker import environment
from tests.e2e.test_isolation_run import ASIDE, BAD, arrived, expected, hooked
from tests.labs import python, wait_for
from tests.numbered import COPIES
from tests.runs import HaliaRun

if TYPE_CHECKING:
    from pathlib import Path

    from tests.numbered import Net

SERVER = "h3"
POLICY = """\
halia-policy: 1
learning: 0
caps: {devices: 20, percent: 100, per_switch: 20, per_hour: 3}
rules:
  - name: scanners
    match: {behaviours: [vertical-scan, horizontal-scan]}
    action: block
    mode: enforce
    duration: 10m
"""
ATTACK = """
    # SYNs to many ports of one host, each batch from a MAC and an address of its own.
    import json, socket, struct, sys, time
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind(("eth0", 0))
    mac = lambda text: bytes.fromhex(text.replace(":", ""))
    for source, address, to, target, ports, pause in json.load(sys.stdin):
        for port in range(1, ports + 1):
            tcp = struct.pack("!HHIIBBHHH", 40001, port, port, 0, 0x50, 2, 1024, 0, 0)
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, port, 0, 64, 6, 0,
                             socket.inet_aton(address), socket.inet_aton(target))
            sock.send(mac(to) + mac(source) + b"\\x08\\x00" + ip + tcp)
            time.sleep(pause)
"""


def attack(net: Net, *batches: tuple[str, str], ports: int = 200, pause: float = 0.005) -> None:
    """Scan h2 from the attacker's port as each of these: a MAC and an address."""
    to, target = net.macs["h2"], "10.0.0.12"
    orders = [(mac, address, to, target, ports, pause) for mac, address in batches]
    net.lab.run(BAD, python(ATTACK), text=json.dumps(orders)).check_returncode()


def halia(net: Net, folder: Path) -> HaliaRun:
    policy = folder / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    made = {
        "policy": {"file": str(policy)},
        "faucet": {"probe": PROBE, "environment": str(environment())},
    }
    return HaliaRun(net.lab, folder / "run", **made)


def decided(run: HaliaRun) -> set[str]:
    return {one.body["case"]["mac"] for one in run.entries("decision")}


def found(run: HaliaRun) -> set[str]:
    return {one["mac"] for one in run.said("finding")}


def test_a_server_is_not_cut_off_for_who_scans_with_its_address(tmp_path: Path) -> None:
    with hooked(tmp_path) as net, halia(net, tmp_path) as run:
        run.start()
        net.settle()
        server = net.macs[SERVER]
        for _ in range(4):  # the server goes on speaking
            attack(net, (server, "10.0.0.13"))
            net.settle()
        wait_for(lambda: server in found(run), "the scan to be seen", 30)
        wait_for(lambda: {"twice", "spoofed"} & set(run.alarms()), "the alarm", 30)
        attack(net, (server, "10.0.0.13"))
        net.settle()
        assert arrived(net) == expected(isolated=False)
        assert decided(run) == set()
        run.stop()


def test_who_changes_its_address_all_the_time_hits_nobody_else(tmp_path: Path) -> None:
    with hooked(tmp_path) as net, halia(net, tmp_path) as run:
        run.start()
        net.settle()
        forged = [f"06:66:00:00:00:{n:02x}" for n in range(12)]
        attack(net, *((mac, f"10.0.0.{100 + n}") for n, mac in enumerate(forged)))
        wait_for(lambda: len(found(run) & set(forged)) > 3, "the scans to be seen", 30)
        wait_for(lambda: {"caps", "protected"} & set(run.alarms()), "the alarm", 30)
        enforced = {one.body["case"]["mac"] for one in run.entries("decision")
                    if one.body["case"]["state"] != "simulated"}  # fmt: skip
        assert enforced
        assert enforced <= set(forged)
        assert len(enforced) <= 3
        frames = arrived(net)
        assert {frames[a, b] for a in ASIDE for b in ASIDE if a != b} == {COPIES}
        states = {one["state"] for one in run.ask("devices") if one["mac"] in enforced}
        assert states <= {"isolated", "isolating"}
        everybody = {"key": None, "reason": "the end of a test"}
        ask(run.socket, Request(id=1, ask="release", arguments=everybody))
        wait_for(lambda: run.status()["decisions"]["cases"].get("releasing", 0) == 0, "the end", 30)
        run.stop()
