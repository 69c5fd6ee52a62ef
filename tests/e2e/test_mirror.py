"""The mirror plan in a real network: one device after another, and never more than is permitted."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plugin import events as e
from plugin.capture.rotate import ident_of
from plugin.faucet.files import file_hash
from plugin.faucet.hook import INCLUDE
from plugin.faucet.transport import EventSocket
from plugin.faucet.turns import COOKIES
from plugin.offline.read import read_capture
from tests.checker import environment
from tests.labs import python, wait_for
from tests.numbered import COPIES, HOSTS, PLAIN, Net, Sent, denied, network

PORTS = {"h1": 1, "h2": 2, "h3": 3, "outside": 5}
WINDOW = 60.0

PLAN = """
    import json, sys, time
    from pathlib import Path
    from plugin.app.bringing import Bringing
    from plugin.app.desired import desired
    from plugin.app.looking import Looking
    from plugin.faucet import mirror as m
    from plugin.faucet.adapters import adapter_of
    from plugin.faucet.flows import PortCounters
    from plugin.faucet.reach import Spot, reach

    config, environment = Path(sys.argv[1]), Path(sys.argv[2])
    adapter = adapter_of("sighup", config, page=sys.argv[3])
    bringing = Bringing(config, environment, adapter, time.monotonic)
    looking = Looking(config)
    state = m.begin()

    def bring(stages):
        before = bringing.writes
        while True:
            looked = looking.look()
            held = bringing.bring(looked, desired(looked, (), stages))
            if bringing.writes != before:
                looking.wrote()
            bringing.follow(looked)
            if held and bringing.loaded:
                return {"written": bringing.writes != before, "loaded": True}
            time.sleep(0.05)

    for line in sys.stdin:
        asked = json.loads(line)
        looked = looking.look()
        where = reach(looked.found, looked.layout)
        spots = [Spot(mac, "sw1", port, 100) for mac, port in asked["devices"]]
        counters = [PortCounters(p, 0, 0, n, 0, 0, 0) for p, n in asked["received"]]
        state = m.count(state, where, "sw1", counters, asked["now"])
        settings = m.MirrorSettings(budget=1e6, window=asked["window"])
        state, plan = m.plan(state, where, spots, settings, asked["now"])
        said = {"mirrored": [one.mac for one in plan.mirrored], "uncovered": plan.uncovered}
        more = {"everything": plan.stages.everything, "rules": len(plan.stages.watches)}
        print(json.dumps({**said, **more, **bring(plan.stages)}), flush=True)
"""


class Planner:
    """The plan and its writer, in the lab, fed with what a test says."""

    def __init__(self, net: Net, program: subprocess.Popen[str]) -> None:
        self.net = net
        self.now = 0.0
        self.received = 0.0
        self.ports = sum(
            "halia_tail]" in line for line in net.lab.faucet_yaml.read_text().split("\n")
        )
        self._program = program

    def step(self, seconds: float, bits: float) -> dict[str, Any]:
        """Let time pass, in which each port received so many bits a second; give what was done."""
        self.now += seconds
        self.received += bits / 8 * seconds
        question = {
            "now": self.now,
            "window": WINDOW,
            "devices": [(self.net.macs[host], port) for host, port in PORTS.items()],
            "received": [(port, int(self.received)) for port in PORTS.values()],
        }
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps(question) + "\n")
        self._program.stdin.flush()
        answer: dict[str, Any] = json.loads(self._program.stdout.readline())
        wait_for(lambda: self._at_switch(answer), "the rules at the switch", 60)
        return answer

    def _at_switch(self, answer: dict[str, Any]) -> bool:
        """Whether the switch has the watches, at each port that has no ACL of the operator."""
        flows = self.net.lab.flows("sw1")
        ours = [f for f in flows if any(f"cookie={hex(c)}," in f for c in COOKIES[:100])]
        macs = answer["mirrored"] if answer["rules"] else []
        return len(ours) == self.ports * answer["rules"] and all(
            any(m in f for m in macs) for f in ours
        )


@contextmanager
def planner(net: Net) -> Iterator[Planner]:
    pipe = subprocess.PIPE
    words = python(PLAN, str(net.lab.faucet_yaml), str(environment()), net.lab.prometheus_url)
    with net.lab.start(None, words, stdin=pipe, stdout=pipe) as program:
        yield Planner(net, program.popen)


@contextmanager
def feed(net: Net) -> Iterator[list[e.FeedItem]]:
    items: list[e.FeedItem] = []
    reader = EventSocket(net.lab.event_socket, items.append, backoff=(0.05, 0.2))
    thread = threading.Thread(target=reader.run)
    thread.start()
    try:
        wait_for(lambda: any(isinstance(i, e.FeedOpened) for i in items), "the feed")
        yield items
    finally:
        reader.stop()
        thread.join()
        reader.close()


def at(stage: str) -> dict[str, bool]:
    return {"port": stage == "port", "vlan": stage == "vlan"}


def include_in(net: Net, items: list[e.FeedItem]) -> bool:
    """Whether the feed has told that our include is loaded as it is now."""
    include = net.lab.faucet_yaml.parent / INCLUDE
    wanted = e.LoadedFile(path=str(include), sha256=file_hash(include.read_text()))
    return any(wanted in i.files for i in items if isinstance(i, e.ConfigLoaded))


def meanwhile(net: Net, act: Callable[[], Any]) -> Any:
    """Have h3 send to outside while something is done: nothing may be flooded to others."""
    found: list[dict[int, Sent]] = []
    sender = threading.Thread(
        target=lambda: found.append(net.send([Sent("h3", "outside", PLAIN)] * 2000))
    )
    sender.start()
    try:
        outcome = act()
    finally:
        sender.join()
    (sent,) = found
    last = net.send([Sent("h3", "outside", PLAIN)])
    wait_for(lambda: max(last) in net.seen("outside"), "the last frame of a stream")
    flooded = {host: set(sent) & set(net.seen(host)) for host in ("h1", "h2")}
    assert not any(flooded.values())
    lost = len(set(sent) - set(net.seen("outside")))
    print(f"lost in the gap of a rewrite: {lost} of {len(sent)}")
    return outcome


@pytest.mark.parametrize("stage", ["port", "vlan"])
def test_devices_are_watched_in_turn_and_the_operators_acl_still_denies(
    tmp_path: Path, stage: str
) -> None:
    # What enters at h1's port ends in the operator's ACL, if he has one there: no watch sees it.
    blind = {"h1"} if stage == "port" else set()
    acl = f", acls_in: [at_{stage}]"
    with network(tmp_path, port=acl * (stage == "port"), vlan=acl * (stage == "vlan")) as net:
        before, _ = net.delivered()
        assert all(before[one] == 0 for one in before if denied(one, **at(stage)))
        net.halia("install", "--mirror", "none")
        net.hooked(True)
        after, copied = net.delivered()
        assert after == before
        assert not any(copied.values())
        with feed(net) as items, planner(net) as plan:
            plan.step(10, 0)
            wait_for(lambda: include_in(net, items), "the first rules in the feed")
            begun = len(items)  # before it, the installation's own restart
            seen = []
            for _ in HOSTS[len(blind) :]:
                told = meanwhile(net, lambda: plan.step(WINDOW, 600_000))
                assert (told["written"], told["loaded"]) == (True, True)
                (mac,) = told["mirrored"]
                host = next(h for h in HOSTS if net.macs[h] == mac)
                seen.append(host)
                assert set(told["uncovered"]) == {net.macs[host] for host in blind}
                assert all("would let pass what it" in why for why in told["uncovered"].values())
                after, copied = net.delivered()
                assert after == before  # the ACL denies what it denied, and all else is there
                for one, count in copied.items():
                    watched = host in {one.source, one.to} and one.source not in blind
                    assert count == (COPIES if watched else 0), f"{host}: {one}, {count}"
            assert sorted(seen) == sorted(set(HOSTS) - blind)
            assert plan.step(1, 600_000)["written"] is False
            told = plan.step(WINDOW, 0)
            while not told["everything"]:
                told = plan.step(1, 0)
            _, copied = net.delivered()
            for one, count in copied.items():
                assert count == (0 if one.source in blind else COPIES), f"{one}, {count}"
            wait_for(lambda: include_in(net, items), "the last rules in the feed")
            assert not [i for i in items[begun:] if isinstance(i, e.DeviceExpired)]
        # A warm removal leaves flows of ports without ACLs behind. They must do nothing.
        assert net.halia("remove")["loaded"] is True
        if stage == "vlan":  # the last port ACLs went: a cold one
            net.hooked(False)
        wait_for(lambda: not any(net.delivered()[1].values()), "an end of the mirror", 60)
        assert net.delivered() == (before, dict.fromkeys(before, 0))


def test_faucets_port_mirror_with_repeats_left_out(tmp_path: Path) -> None:
    with network(tmp_path, port=", acls_in: [at_port]", vlan=", acls_in: [at_vlan]") as net:
        original = net.lab.faucet_yaml.read_bytes()
        before, _ = net.delivered()
        done = net.halia("install", "--mirror", "port")
        assert any("--drop-repeats" in note for note in done["notes"])
        net.hooked(True)
        after, copied = net.delivered(copies=2)
        assert after == before
        for one, count in copied.items():
            if after[one]:
                assert count == 2 * COPIES, f"{one}: {count} copies"
            elif denied(one, port=True, vlan=False):
                assert count == 0, f"{one}: {count} copies"
        out = tmp_path / "captured"
        words = [sys.executable, "-m", "plugin", "capture", "--iface", "eth0", "--out", str(out)]
        more = ["--drop-repeats", "100", "--min-free", "0", "--json"]
        with net.lab.start("col", [*words, *more], stdout=subprocess.PIPE) as program:
            assert program.popen.stdout is not None
            assert "started" in program.popen.stdout.readline()
            sent = net.send([Sent("h1", "h2", 5011), Sent("h2", "outside", 5011)] * COPIES)
            wait_for(lambda: set(sent) <= {*net.seen("h2"), *net.seen("outside")}, "all frames")
            wait_for(lambda: all(net.seen("col")[n] == 2 for n in sent), "all copies")
            assert program.stop(60) == 0
        counts: dict[str, int] = {}
        for path in out.glob("*.pcap"):
            packets = read_capture(path, packets=True).packets
            assert packets is not None
            ident = str(ident_of(path.name))
            counts[ident] = counts.get(ident, 0) + int((packets["dst_port"] == 5011).sum())
        named = {host: counts.get(net.macs[host].replace(":", ""), 0) for host in HOSTS}
        assert named == {"h1": COPIES, "h2": 2 * COPIES, "h3": 0, "outside": COPIES}
        assert net.halia("remove")["loaded"] is True
        assert net.lab.faucet_yaml.read_bytes() == original
        wait_for(lambda: not any(net.delivered()[1].values()), "an end of the mirror", 60)
        assert net.delivered() == (before, dict.fromkeys(before, 0))
