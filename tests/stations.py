"""Numbered frames of many kinds, sent and counted by one program on each host of a lab.

The number is in the payload (of ARP behind it, of neighbour discovery in an option that nobody
reads). The IP addresses in these frames belong to no host, so no kernel answers what is only to
be counted.
"""

from __future__ import annotations

import ipaddress
import json
import struct
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tests.labs import python, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from plugin.lab import Lab, Topology
    from plugin.lab.running import Running

ALL = "all"
"""Whoever sends there: every other host of its VLAN gets it."""
MARK = b"NUMBER"
EVERYONE = "ff:ff:ff:ff:ff:ff"
V4, ARP, V6 = 0x0800, 0x0806, 0x86DD
UDP_PORTS = {
    "plain": (40000, 5000),
    "at-port": (40000, 5007),
    "at-vlan": (40000, 5009),
    "dns": (40000, 53),
    "dns-answer": (53, 40000),
    "dhcp": (68, 67),
    "dhcp-answer": (67, 68),
}
"""Nobody denies ``plain``; the operator may deny ``at-port`` and ``at-vlan``."""
UDP6_PORTS = {
    "plain6": (40000, 5000),
    "dns6": (40000, 53),
    "dns6-answer": (53, 40000),
    "dhcp6": (546, 547),
    "dhcp6-answer": (547, 546),
}
DISCOVERY = {"nd-ask": 135, "nd-answer": 136, "ll-ask": 135, "ll-answer": 136}
"""Neighbour discovery: who asks for ``about``, who says where it is itself; of global addresses,
and of link-local ones."""
ROUNDS = 128
"""Frames that go round after all others: the switch takes 32 of a port before the next port."""
PACE = 0.0003

STATION = """
    import json, select, socket, struct, sys, time
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)
    sock.setsockopt(263, 8, 1)  # PACKET_AUXDATA: the kernel takes VLAN tags off and tells them here
    sock.bind((sys.argv[1], 0))
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((sys.argv[1], 0))

    def take():
        frame, extra, _, where = sock.recvmsg(3000, 64)
        at = frame.find(b"NUMBER")
        if at < 0 or where[2] == 4:
            return
        vid = 0
        for level, kind, content in extra:
            status, _, _, _, _, tci, _ = struct.unpack("=IIIHHHH", content[:20])
            vid = tci & 0xfff if status & 16 else 0
        number = int.from_bytes(frame[at + 6:at + 14], "big")
        print(number, vid, len(frame), time.monotonic())

    print("ready", flush=True)
    while True:
        for ready in select.select([sock, sys.stdin], [], [])[0]:
            if ready is sock:
                take()
                continue
            line = sys.stdin.readline()
            if not line:
                sys.exit()
            asked = json.loads(line)
            for frame in asked["frames"]:
                out.send(bytes.fromhex(frame))
                if asked["pace"]:
                    time.sleep(asked["pace"])
            while asked["drain"] and select.select([sock], [], [], asked["drain"])[0]:
                take()
            print("done", asked["id"])
        sys.stdout.flush()
"""


class Frame(NamedTuple):
    """One kind of frame: which device sends it to whom, and what it is."""

    source: str
    to: str
    """A device, or :data:`ALL`."""
    kind: str = "plain"
    about: str = ""
    """Of ``arp`` and of ``nd-ask`` to all: the device whose address is asked for."""


class Device(NamedTuple):
    """How a device is known."""

    name: str
    mac: str
    ip: str
    ip6: str
    link: str
    """Its link-local address, made of its MAC."""


def devices_of(topology: Topology) -> dict[str, Device]:
    """Give the devices of a topology, with addresses that no host has."""
    found = {}
    for host in topology.hosts:
        last = int(host.mac[-2:], 16)
        own = f"192.0.2.{last}", f"2001:db8::{last:x}", str(link_local(host.mac))
        found[host.name] = Device(host.name, host.mac, *own)
    return found


def link_local(mac: str) -> ipaddress.IPv6Address:
    """Make an address of a MAC (RFC 4291, appendix A)."""
    octets = mac_bytes(mac)
    made = bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]])
    return ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + made)


def mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def build(frame: Frame, devices: Mapping[str, Device], number: int, size: int = 0) -> bytes:
    """Make the bytes of a frame; its payload is at least ``size`` bytes."""
    source = devices[frame.source]
    to = devices.get(frame.to)
    data = (MARK + number.to_bytes(8, "big")).ljust(size, b".")
    if frame.kind in UDP6_PORTS or frame.kind in DISCOVERY:
        return _six(frame, devices, data)
    head = mac_bytes(to.mac if to else EVERYONE) + mac_bytes(source.mac)
    if frame.kind in {"arp", "arp-answer"}:
        asked = devices[frame.about] if frame.about else to
        assert asked is not None
        known = mac_bytes(asked.mac) if frame.kind == "arp-answer" else bytes(6)
        body = struct.pack("!HHBBH", 1, V4, 6, 4, 1 if frame.kind == "arp" else 2)
        body += mac_bytes(source.mac) + _ip(source.ip) + known + _ip(asked.ip)
        return head + ARP.to_bytes(2, "big") + body + data
    ports = UDP_PORTS[frame.kind]
    dhcp = frame.kind == "dhcp"
    ends = (
        bytes(4) if dhcp else _ip(source.ip),
        _ip(to.ip) if to else bytes([255] * 4),
    )
    udp = struct.pack("!HHHH", *ports, 8 + len(data), 0) + data
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), number & 0xFFFF, 0, 64, 17, 0)
    return head + V4.to_bytes(2, "big") + ip + ends[0] + ends[1] + udp


def _six(frame: Frame, devices: Mapping[str, Device], data: bytes) -> bytes:
    """A frame with IPv6: UDP, or neighbour discovery with the number in an option (a nonce)."""
    source, to = devices[frame.source], devices.get(frame.to)
    near = frame.kind.startswith(("ll", "dhcp6"))
    asked = devices.get(frame.about) or to
    if to is not None:
        group, there = mac_bytes(to.mac), _ip(to.link if near else to.ip6)
    elif frame.kind == "nd-ask":
        assert asked is not None
        last = _ip(asked.ip6)[-3:]
        group = b"\x33\x33\xff" + last
        there = bytes.fromhex("ff0200000000000000000001ff") + last
    else:
        group = bytes.fromhex("333300010002")
        there = bytes.fromhex("ff020000000000000000000000010002")
    if frame.kind in DISCOVERY:
        kind = DISCOVERY[frame.kind]
        whose = source if kind == 136 else asked
        assert whose is not None
        target = _ip(whose.link if near else whose.ip6)
        option = bytes([14, 2]) + data[: len(MARK) + 8]
        protocol, body = 58, bytes([kind, 0, 0, 0, 0, 0, 0, 0]) + target + option
    else:
        ports = UDP6_PORTS[frame.kind]
        protocol, body = 17, struct.pack("!HHHH", *ports, 8 + len(data), 0) + data
    here = _ip(source.link if near else source.ip6)
    ip = struct.pack("!IHBB", 6 << 28, len(body), protocol, 255) + here + there
    return group + mac_bytes(source.mac) + V6.to_bytes(2, "big") + ip + body


def _ip(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


class Station:
    """The program on one host."""

    def __init__(self, running: Running, file: Path) -> None:
        self._running = running
        self._file = file
        self._asked = 0
        self._read = 0
        self._rest = ""
        self._done = -1
        self.seen: Counter[int] = Counter()
        """How often each number arrived here."""
        self.shape: dict[int, tuple[int, int]] = {}
        """With which VLAN tag (0: none) and how many bytes a number arrived last."""
        self.at: dict[int, float] = {}
        """When, in seconds of :func:`time.monotonic`."""

    def ask(self, frames: Iterable[bytes] = (), *, drain: float = 0, pace: float = PACE) -> None:
        """Have it send, or tell of all that has arrived and for ``drain`` seconds nothing more."""
        self._asked += 1
        stream = self._running.popen.stdin
        assert stream is not None
        asked = {"id": self._asked, "drain": drain, "pace": pace}
        stream.write(json.dumps({**asked, "frames": [one.hex() for one in frames]}) + "\n")
        stream.flush()

    def ready(self) -> bool:
        """Whether it has begun."""
        return self._take() and self._done >= 0

    def idle(self) -> bool:
        """Whether it has done all that it was asked for."""
        return self._take() and self._done >= self._asked

    def _take(self) -> bool:
        with self._file.open(encoding="ascii") as stream:
            stream.seek(self._read)
            text = stream.read()
        self._read += len(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            word, _, value = line.partition(" ")
            if word == "ready":
                self._done = 0
            elif word == "done":
                self._done = int(value)
            else:
                number, (vid, size, at) = int(word), value.split()
                self.seen[number] += 1
                self.shape[number], self.at[number] = (int(vid), int(size)), float(at)
        return True


class Stations:
    """One program on each host, and one on the collector.

    Args:
        lab: one that is up.
        stack: what ends them.
        folder: for what they write.
        marks: devices between which nothing is ever denied.
    """

    def __init__(self, lab: Lab, stack: ExitStack, folder: Path, marks: tuple[Frame, ...]) -> None:
        self.devices = devices_of(lab.topology)
        self.marks = marks
        self.number = 0
        self.home = {name: name for name in self.devices}
        """The host at whose port each device speaks."""
        self.by_host: dict[str, Station] = {}
        for name in self.devices:
            file = folder / f"{name}.seen"
            output = stack.enter_context(file.open("w"))
            running = lab.start(name, python(STATION, "eth0"), stdin=-1, stdout=output)
            self.by_host[name] = Station(stack.enter_context(running), file)
        for name, station in self.by_host.items():
            wait_for(station.ready, f"a program on {name}")

    def send(
        self, frames: Iterable[Frame], *, size: int = 0, pace: float = PACE
    ) -> dict[int, Frame]:
        """Send frames, all hosts at the same time; give their numbers once they are sent."""
        sent = self.begin(frames, size=size, pace=pace)
        self.sent()
        return sent

    def begin(
        self, frames: Iterable[Frame], *, size: int = 0, pace: float = PACE
    ) -> dict[int, Frame]:
        """Have frames sent, all hosts at the same time, and give their numbers at once."""
        sent: dict[int, Frame] = {}
        batches: dict[str, list[bytes]] = {}
        for one in frames:
            self.number += 1
            sent[self.number] = one
            batch = batches.setdefault(self.home[one.source], [])
            batch.append(build(one, self.devices, self.number, size))
        for host, batch in batches.items():
            self.by_host[host].ask(batch, pace=pace)
        return sent

    def sent(self) -> None:
        """Wait until all frames are sent."""
        self._wait(self.by_host)

    def settled(self) -> None:
        """Wait until all that was sent has arrived wherever it ever will."""
        sent = self.send(self.marks * ROUNDS)
        for number, mark in sorted(sent.items())[-len(self.marks) :]:
            there = self.by_host[self.home[mark.to]]
            wait_for(partial(_arrived, there, number), f"the last frame: {mark}")
        for station in self.by_host.values():
            station.ask(drain=0.02)
        self._wait(self.by_host)

    def arrivals(self, number: int) -> dict[str, int]:
        """How often a number arrived at each host where it did."""
        found = {host: station.seen[number] for host, station in self.by_host.items()}
        return {host: count for host, count in found.items() if count}

    def _wait(self, hosts: Iterable[str]) -> None:
        for host in hosts:
            wait_for(self.by_host[host].idle, f"{host} to have sent all")


def _arrived(station: Station, number: int) -> bool:
    return station.idle() and station.seen[number] > 0
