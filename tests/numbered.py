"""A network whose frames all have a number of their own and are counted where they arrive."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from plugin.faucet.hook import PRIMING_MAC
from plugin.lab import Lab, parse_topology
from tests.checker import environment
from tests.labs import CONTROLLER, need_lab, python, wait_for

HOSTS = ("h1", "h2", "h3", "outside")
COPIES = 10
"""Frames of each kind from each host to each other one."""
PLAIN, AT_PORT, AT_VLAN = 5000, 5007, 5009
"""UDP ports: nobody denies the first; the operator denies the others, at h1's port, in the VLAN."""

TOPOLOGY = """
name: hooked
gateway: 10.0.0.1
vlans:
  office: {{vid: 100{vlan}}}
switches:
  sw1:
    dp_id: 1
    ports:
      1: {{host: h1, vlan: office{port}}}
      2: {{host: h2, vlan: office}}
      3: {{host: h3, vlan: office}}
      5: {{host: outside, tagged: [office]}}
      6: {{host: col, collector: true}}
hosts:
  h1: {{address: 10.0.0.11/24}}
  h2: {{address: 10.0.0.12/24}}
  h3: {{address: 10.0.0.13/24}}
  outside: {{vlan: office, address: 10.0.0.1/24}}
  col:
acls:
  at_port:
    - rule: {{dl_type: 0x800, nw_proto: 17, udp_dst: 5007, actions: {{allow: 0}}}}
    - rule: {{actions: {{allow: 1}}}}
  at_vlan:
    - rule: {{dl_type: 0x800, nw_proto: 17, udp_dst: 5009, actions: {{allow: 0}}}}
    - rule: {{actions: {{allow: 1}}}}
"""

LISTEN = """
    import socket, sys
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
    sock.bind(("eth0", 0))
    print("ready", flush=True)
    while True:
        frame, where = sock.recvfrom(2000)
        at = frame.find(b"NUMBER")
        if at >= 0 and where[2] != 4:
            print(int.from_bytes(frame[at + 6:at + 14], "big"), flush=True)
"""
SEND = """
    import json, socket, struct, sys, time
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind(("eth0", 0))
    mac = lambda text: bytes.fromhex(text.replace(":", ""))
    for number, to, source, port in json.load(sys.stdin):
        data = b"NUMBER" + number.to_bytes(8, "big")
        udp = struct.pack("!HHHH", 40000, port, 8 + len(data), 0) + data
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                         bytes(4), bytes(4)) + udp
        sock.send(mac(to) + mac(source) + b"\\x08\\x00" + ip)
        time.sleep(0.0005)
"""


class Sent(NamedTuple):
    """One frame: who sent it to whom, on which UDP port."""

    source: str
    to: str
    port: int


def _ready(file: Path) -> bool:
    return "ready" in file.read_text()


class Net:
    """A running lab, with a listener on each host."""

    def __init__(self, lab: Lab, stack: ExitStack, folder: Path) -> None:
        self.lab = lab
        self.number = 0
        self.macs = {h.name: h.mac for h in lab.topology.hosts}
        self.files = {host: folder / f"{host}.seen" for host in (*HOSTS, "col")}
        for host, file in self.files.items():
            stream = stack.enter_context(file.open("w"))
            stack.enter_context(lab.start(host, python(LISTEN), stdout=stream))
        for host, file in self.files.items():
            wait_for(partial(_ready, file), f"a listener on {host}")

    def seen(self, host: str) -> Counter[int]:
        """Count the numbers that arrived at a host."""
        return Counter(int(line) for line in self.files[host].read_text().split()[1:])

    def send(self, frames: list[Sent]) -> dict[int, Sent]:
        """Send frames; give their numbers."""
        sent: dict[int, Sent] = {}
        for source in HOSTS:
            batch = []
            for one in frames:
                if one.source == source:
                    self.number += 1
                    sent[self.number] = one
                    to = self.macs.get(one.to, one.to)
                    batch.append((self.number, to, self.macs[source], one.port))
            self.lab.run(source, python(SEND), text=json.dumps(batch)).check_returncode()
        return sent

    def settle(self) -> None:
        """Wait until everybody's broadcast reaches everybody: flows are there, all is learned."""

        def all_reached() -> bool:
            everyone = "ff:ff:ff:ff:ff:ff"
            sent = self.send([Sent(host, everyone, PLAIN) for host in HOSTS])
            return all(
                set(self.seen(host)) >= {n for n, one in sent.items() if one.source != host}
                for host in HOSTS
            )

        wait_for(all_reached, "broadcasts that reach every host", 60)

    def hooked(self, wanted: bool) -> None:
        """Wait for the switch: that Faucet has loaded its files is not yet that it has flows."""

        def asked() -> bool:
            flows = self.lab.flows("sw1")
            primed = [f for f in flows if PRIMING_MAC in f]
            return len(primed) == len(HOSTS) if wanted else bool(flows) and not primed

        wait_for(asked, "the hook at the switch" if wanted else "a switch without the hook", 60)

    def delivered(self, copies: int = 1) -> tuple[dict[Sent, int], dict[Sent, int]]:
        """Send some of each kind; count what reached its receiver, and what the collector got.

        No frame may come twice anywhere, but at the collector so many ``copies`` at most.
        """
        self.settle()
        pairs = [(a, b) for a in HOSTS for b in HOSTS if a != b]
        kinds = [Sent(a, b, port) for a, b in pairs for port in (PLAIN, AT_PORT, AT_VLAN)]
        sent = self.send(kinds * COPIES)
        last = self.send([Sent("h3", "h2", PLAIN), Sent("h3", "col", PLAIN)])
        wait_for(lambda: min(last) in self.seen("h2"), "the last frame")
        arrived: Counter[Sent] = Counter()
        copied: Counter[Sent] = Counter()
        seen = {host: self.seen(host) for host in (*HOSTS, "col")}
        for number, one in sent.items():
            assert seen[one.to][number] <= 1, f"{one} arrived twice"
            assert seen["col"][number] <= copies, f"{one} was copied too often"
            arrived[one] += seen[one.to][number]
            copied[one] += seen["col"][number]
        return dict(arrived), dict(copied)

    def halia(self, *words: str) -> Any:
        """Run ``halia faucet`` where Faucet runs; give its JSON."""
        command = [sys.executable, "-m", "plugin", "faucet", *words[:1], str(self.lab.faucet_yaml)]
        more = ["--faucet", str(environment()), "--yes", "--json"]
        done = self.lab.run(None, [*command, *more, *words[1:]], timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])


def denied(one: Sent, *, port: bool, vlan: bool) -> bool:
    """Tell what the operator's ACLs deny."""
    return (port and one.port == AT_PORT and one.source == "h1") or (vlan and one.port == AT_VLAN)


@contextmanager
def network(folder: Path, *, port: str = "", vlan: str = "") -> Iterator[Net]:
    need_lab()
    topology = parse_topology(TOPOLOGY.format(port=port, vlan=vlan))
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(topology, controller=CONTROLLER, activity=False))
        yield Net(lab, stack, folder)
