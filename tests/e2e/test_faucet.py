"""The hook in a real network: each frame once at the collector, the operator's ACLs untouched.

Every frame has a number of its own and is counted where it arrives, for each row of the table in
docs/faucet.md, before the installation, with it, and after its removal.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from plugin import events as e
from plugin.faucet.files import file_hash
from plugin.faucet.hook import INCLUDE, PRIMING_MAC, Layout, Stages, Target, render, watch
from plugin.faucet.transport import EventSocket
from plugin.lab import Lab, parse_topology
from tests.checker import environment
from tests.labs import need_lab, python, wait_for

ROOT = Path(__file__).resolve().parents[2]
HOSTS = ("h1", "h2", "h3", "outside")
COPIES = 10
"""Frames of each kind from each host to each other one."""
PLAIN, AT_PORT, AT_VLAN = 5000, 5007, 5009
"""UDP ports: nobody denies the first; the operator denies the others, at h1's port, in the VLAN."""

WORDS = {"vlan": "at the VLANs", "tail": "by the tail", "out": "acls_out"}

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

    def delivered(self) -> tuple[dict[Sent, int], dict[Sent, int]]:
        """Send some of each kind; count what reached its receiver, and what the collector got.

        No frame may come twice anywhere.
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
            assert seen["col"][number] <= 1, f"{one} was copied twice"
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


@contextmanager
def network(folder: Path, *, port: str = "", vlan: str = "") -> Iterator[Net]:
    need_lab()
    topology = parse_topology(TOPOLOGY.format(port=port, vlan=vlan))
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(topology, activity=False))
        yield Net(lab, stack, folder)


def denied(one: Sent, *, port: bool, vlan: bool) -> bool:
    """Tell what the operator's ACLs deny."""
    return (port and one.port == AT_PORT and one.source == "h1") or (vlan and one.port == AT_VLAN)


@pytest.mark.parametrize(
    ("port", "vlan", "mode", "denied_is_copied"),
    [
        (False, False, "vlan", False),
        (True, False, "vlan", False),
        (False, True, "tail", True),
        (True, True, "out", False),
    ],
    ids=["no ACLs", "ACL at a port", "ACL at the VLAN", "ACLs at both"],
)
def test_each_frame_once_and_the_same_frames_denied(
    tmp_path: Path, port: bool, vlan: bool, mode: str, denied_is_copied: bool
) -> None:
    acls = {
        "port": ", acls_in: [at_port]" if port else "",
        "vlan": ", acls_in: [at_vlan]" if vlan else "",
    }
    with network(tmp_path, **acls) as net:
        original = net.lab.faucet_yaml.read_bytes()
        before, _ = net.delivered()
        for one, count in before.items():
            assert count == (0 if denied(one, port=port, vlan=vlan) else COPIES), one

        done = net.halia("install")
        assert done["loaded"] is True
        assert any(WORDS[mode] in note for note in done["notes"])
        net.hooked(True)
        after, copied = net.delivered()
        assert after == before
        for one, count in copied.items():
            wanted = after[one] or (COPIES if denied_is_copied else 0)
            assert count == wanted, f"{one}: {count} copies"

        if mode == "vlan" and not port:
            unmirrored(net)
        assert net.halia("remove")["loaded"] is True
        net.hooked(False)
        assert net.lab.faucet_yaml.read_bytes() == original
        assert net.delivered()[0] == before


def unmirrored(net: Net) -> None:
    """Take the mirror rule out by hand: the counts above would show it, and status does."""
    file = net.lab.faucet_yaml
    text = file.read_text()
    assert text.count(", mirror: col") == 1
    file.write_text(text.replace(", mirror: col", ""))
    net.lab.reload()
    net.settle()

    def nothing_is_copied() -> bool:
        sent = net.send([Sent("h1", "h2", PLAIN)] * COPIES)
        return not set(sent) & set(net.seen("col"))

    wait_for(nothing_is_copied, "an end of the mirror")
    file.write_text(text)
    net.lab.reload()


def test_the_event_feed_names_devices_and_loaded_files(tmp_path: Path) -> None:
    with network(tmp_path) as net:
        items: list[e.FeedItem] = []
        reader = EventSocket(net.lab.event_socket, items.append, backoff=(0.05, 0.2))
        thread = threading.Thread(target=reader.run)
        thread.start()
        try:
            net.settle()

            def learned() -> bool:
                found = {(i.mac, i.port) for i in items if isinstance(i, e.DeviceLearned)}
                return {mac for mac, _ in found} >= {net.macs[host] for host in HOSTS}

            wait_for(learned, "all devices in the feed")
            net.halia("install")
            include = net.lab.faucet_yaml.parent / INCLUDE
            wanted = e.LoadedFile(path=str(include), sha256=file_hash(include.read_text()))

            def loaded() -> bool:
                return any(wanted in i.files for i in items if isinstance(i, e.ConfigLoaded))

            wait_for(loaded, "our include in the feed, with its hash")
            restarts = [i.restart for i in items if isinstance(i, e.DatapathRestarted)]
            assert "cold" in restarts  # as was said before
            net.lab.signal("faucet", signal.SIGKILL)
            wait_for(lambda: any(isinstance(i, e.FeedClosed) for i in items), "the feed's end")
            net.lab.start_daemon("faucet")
            wait_for(lambda: any(isinstance(i, e.FaucetRestarted) for i in items), "a new feed")
            assert not [i for i in items if isinstance(i, e.Garbage)]
        finally:
            reader.stop()
            thread.join()
            reader.close()


PROBE = """
    import json, sys, time
    from plugin.faucet.flows import Query
    from plugin.faucet.probe import Probe
    with Probe() as probe:
        print("ready", flush=True)
        for line in sys.stdin:
            want = json.loads(line)
            end = time.monotonic() + 60
            while time.monotonic() < end:
                found = probe.flows(Query(1, table=0, cookie=7)) if probe.datapaths() else ()
                if len(found) == want["flows"] and sum(f.packets for f in found) >= want["packets"]:
                    break
                time.sleep(0.05)
            print(json.dumps([f._asdict() for f in found]), flush=True)
"""


def test_rules_are_read_back_from_the_switch(tmp_path: Path) -> None:
    pytest.importorskip("os_ken", reason="os-ken (extra sdn) is not installed")
    with network(tmp_path) as net:
        net.halia("install", "--mirror", "none")
        net.hooked(True)
        database = f"--db=unix:{net.lab.folder}/ovs/db.sock"
        target = 'target="tcp:127.0.0.1:6654"'
        more = ["connection_mode=out-of-band", "max_backoff=1000"]
        words = ["--", "--id=@c", "create", "controller", target, *more]
        beside = ["--", "add", "bridge", "sw1", "controller", "@c"]
        done = net.lab.run(None, ["ovs-vsctl", database, *words, *beside])
        assert done.returncode == 0, done.stderr
        pipe = subprocess.PIPE
        with net.lab.start(None, python(PROBE), stdin=pipe, stdout=pipe) as program:
            questions, answers = program.popen.stdin, program.popen.stdout
            assert questions is not None
            assert answers is not None
            assert answers.readline() == "ready\n"

            def asked(flows: int, packets: int) -> list[dict[str, Any]]:
                questions.write(json.dumps({"flows": flows, "packets": packets}) + "\n")
                questions.flush()
                found: list[dict[str, Any]] = json.loads(answers.readline())
                assert len(found) == flows
                return found

            asked(0, 0)
            include = net.lab.faucet_yaml.parent / INCLUDE
            layout = Layout(mode="none", targets=(Target("sw1", "col"),))
            include.write_text(render(layout, Stages(watches=watch(net.macs["h1"], 7))))
            net.lab.reload()
            # One flow for each end of h1, at each hooked port: before that, nothing is proven.
            flows = asked(2 * len(HOSTS), 0)
            assert Counter(f["match"]["in_port"] for f in flows) == {1: 2, 2: 2, 3: 2, 5: 2}
            net.settle()
            before = sum(f["packets"] for f in asked(len(flows), 0))
            net.send([Sent("h1", "h2", PLAIN), Sent("h2", "h1", PLAIN)] * COPIES)
            after = asked(len(flows), before + 2 * COPIES)
            assert sum(f["packets"] for f in after) == before + 2 * COPIES
