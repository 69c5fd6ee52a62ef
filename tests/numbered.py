"""A small network whose frames are numbered, and counted wherever they arrive.

The number is in the payload, for listeners on the hosts, and in IP's identification, which is in
the captures of headers, too.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.capture.rotate import ident_of
from plugin.faucet.hook import PRIMING_MAC
from plugin.lab import Lab, parse_topology
from tests.checker import environment
from tests.demuxes import records
from tests.labs import CONTROLLER, need_lab, python, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTS = ("h1", "h2", "h3", "outside")
COPIES = 10
"""Frames of each kind from each host to each other one, or to all."""
EVERYONE, GROUP = "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:fb"
"""Whoever sends there: all other hosts get it, and no device is its receiver."""
PLAIN, AT_PORT, AT_VLAN = 5000, 5007, 5009
"""UDP ports: nobody denies the first; the operator denies the others, at h1's port, in the VLAN."""
PORTS = (PLAIN, AT_PORT, AT_VLAN)
UDP, OURS = 17, (40000).to_bytes(2, "big")
"""By its protocol and its source port a numbered frame is known."""

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
    sock.bind((sys.argv[1], 0))
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
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number & 0xffff, 0, 64, 17, 0,
                         bytes(4), bytes(4)) + udp
        sock.send(mac(to) + mac(source) + b"\\x08\\x00" + ip)
        time.sleep(0.0005)
"""


class Sent(NamedTuple):
    """One frame: who sent it to whom (a host, or an address of many), on which UDP port."""

    source: str
    to: str
    port: int

    @property
    def receivers(self) -> tuple[str, ...]:
        """The hosts that get it, if nobody denies it."""
        return tuple(h for h in HOSTS if h != self.source and self.to in {h, EVERYONE, GROUP})


class Counted(NamedTuple):
    """Frames that were sent, and how often each arrived where."""

    sent: dict[int, Sent]
    arrived: dict[str, Counter[int]]
    """By host, and "col", by number."""
    last: int
    """Number of a frame to h2 that was sent after them."""

    def by_kind(self) -> dict[Sent, int]:
        """How many frames of each kind arrived at their receivers, all together."""
        found: Counter[Sent] = Counter()
        for number, one in self.sent.items():
            found[one] += sum(self.arrived[host][number] for host in one.receivers)
        return dict(found)


def _ready(file: Path) -> bool:
    return "ready" in file.read_text()


class Net:
    """A running lab, with a listener on each host and one on the NIC of the mirror port."""

    def __init__(self, lab: Lab, stack: ExitStack, folder: Path, *, beside: bool) -> None:
        self.lab = lab
        self.number = 0
        self.macs = {h.name: h.mac for h in lab.topology.hosts}
        self.files = {host: folder / f"{host}.seen" for host in (*HOSTS, "col")}
        mirror = (None, lab.take_collector()) if beside else ("col", "eth0")
        for host, file in self.files.items():
            place = mirror if host == "col" else (host, "eth0")
            stream = stack.enter_context(file.open("w"))
            stack.enter_context(lab.start(place[0], python(LISTEN, place[1]), stdout=stream))
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
            sent = self.send([Sent(host, EVERYONE, PLAIN) for host in HOSTS])
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

    def last(self, *, mirrored: bool) -> int:
        """Send two more frames and wait for them everywhere: all others have arrived before.

        Gives the number of the one to h2.
        """
        first = max(self.send([Sent("h3", EVERYONE, PLAIN)]))
        second = max(self.send([Sent("h3", "h2", PLAIN)]))
        third = max(self.send([Sent("h1", "h3", PLAIN)]))
        awaited = [("h1", first), ("outside", first), ("h2", second), ("h3", third)]
        if mirrored:
            awaited.append(("col", third))
        for host, number in awaited:
            wait_for(partial(self._arrived, host, number), f"the last frame at {host}")
        return second

    def _arrived(self, host: str, number: int) -> bool:
        return number in self.seen(host)

    def count(self, *, mirrored: bool) -> Counted:
        """Send some of each kind, and count where they arrive; none may come twice anywhere."""
        self.settle()
        pairs = [(a, b) for a in HOSTS for b in HOSTS if a != b]
        kinds = [Sent(a, b, port) for a, b in pairs for port in PORTS]
        kinds += [Sent(a, to, port) for a in HOSTS for to in (EVERYONE, GROUP) for port in PORTS]
        sent = self.send(kinds * COPIES)
        last = self.last(mirrored=mirrored)
        assert self.number < 1 << 16, "the numbers no longer fit into IP's identification"
        arrived = {host: self.seen(host) for host in self.files}
        for host, found in arrived.items():
            twice = [sent[n] for n in sent if found[n] > 1]
            assert not twice, f"twice at {host}: {twice[0]}"
        return Counted(sent, arrived, last)

    def delivered(self, copies: int = 1) -> tuple[dict[Sent, int], dict[Sent, int]]:
        """Send some of each kind; count what reached its receiver, and what the collector got.

        No frame may come twice anywhere, but at the collector so many ``copies`` at most.
        """
        self.settle()
        pairs = [(a, b) for a in HOSTS for b in HOSTS if a != b]
        sent = self.send([Sent(a, b, port) for a, b in pairs for port in PORTS] * COPIES)
        last = self.send([Sent("h3", "h2", PLAIN), Sent("h3", "col", PLAIN)])
        wait_for(lambda: min(last) in self.seen("h2"), "the last frame")
        arrived: Counter[Sent] = Counter()
        copied: Counter[Sent] = Counter()
        seen = {host: self.seen(host) for host in self.files}
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


def numbers(captures: Path) -> dict[str, Counter[int]]:
    """The numbers of the frames in each device's captures, by MAC; unfinished files too."""
    found: dict[str, Counter[int]] = {}
    for path in captures.glob("trace_*.pcap*"):
        ident = ident_of(path.name.removesuffix(".part"))
        assert ident is not None
        try:
            data = path.read_bytes()[24:]
        except FileNotFoundError:  # it was just finished, and is read at the next look
            continue
        mine = found.setdefault(bytes.fromhex(ident).hex(":"), Counter())
        mine.update(n for n in (_number(one.data) for one in records(data)) if n is not None)
    return found


def _number(frame: bytes) -> int | None:
    at = 18 if frame[12:14] == b"\x81\x00" else 14
    ours = frame[at - 2 : at] == b"\x08\x00" and frame[at + 9] == UDP
    ours = ours and frame[at + 20 : at + 22] == OURS
    return int.from_bytes(frame[at + 4 : at + 6], "big") if ours else None


@contextmanager
def network(
    folder: Path, *, port: str = "", vlan: str = "", beside: bool = False, rabbit: bool = False
) -> Iterator[Net]:
    """Make the network.

    Args:
        folder: for what the listeners write.
        port: what h1's port has besides, such as an ACL.
        vlan: what the VLAN has besides.
        beside: bring the mirror port's NIC beside the controller, where `halia run` is.
        rabbit: with a broker.
    """
    need_lab(rabbit=rabbit)
    topology = parse_topology(TOPOLOGY.format(port=port, vlan=vlan))
    with ExitStack() as stack:
        made = Lab(topology, controller=CONTROLLER, activity=False, rabbit=rabbit)
        lab = stack.enter_context(made)
        yield Net(lab, stack, folder, beside=beside)


def denied(one: Sent, *, port: bool, vlan: bool) -> bool:
    """Tell what the operator's ACLs deny."""
    return (port and one.port == AT_PORT and one.source == "h1") or (vlan and one.port == AT_VLAN)
