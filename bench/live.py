"""How soon a running Halia knows: a new host in the registry, a verdict at the broker.

A lab with real Open vSwitch, Faucet and RabbitMQ; ``halia run`` beside them. The clock is this
machine's monotonic one throughout. What is measured is the whole way: switch, Faucet, its socket,
the engine, the control socket; and for verdicts: file finished, judged, spooled, published, read.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.control.client import ask
from plugin.control.protocol import Request
from plugin.errors import PeerError
from plugin.lab import Lab
from plugin.lab.hooked import install, start_halia
from plugin.lab.schema import parse_topology

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.lab.running import Running

HOSTS = 12
KNOWN_GOAL, VERDICT_GOAL = 0.5, 2.0
WINDOW = 5
OUTSIDE = "10.0.0.1"
_PATIENCE = 60.0
_SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Timed(NamedTuple):
    """Seconds that one thing took, each time."""

    name: str
    goal: float
    seconds: tuple[float, ...]

    @property
    def met(self) -> bool:
        """Whether the slowest one is within the goal."""
        return bool(self.seconds) and max(self.seconds) <= self.goal


def run_live(hosts: int = HOSTS) -> list[Timed]:
    """Measure.

    Raises:
        LabError: no lab can be made here.
    """
    names = [f"h{n}" for n in range(1, hosts + 1)]
    with Lab(parse_topology(_topology(names), "bench"), rabbit=True) as lab:
        install(lab, "--quarantine-vid", "0")
        config = lab.folder / "halia.yaml"
        config.write_text(_settings(lab, lab.take_collector()), encoding="utf-8")
        words = ["run", "--config", str(config), "-q"]
        with start_halia(lab, None, words, **_SILENT) as program:
            _wait(lambda: _ask(lab, "status"), "halia run answers")
            known = [_until_known(lab, name) for name in names]
            verdicts = _until_published(lab, program, names)
    return [
        Timed("first frame of a new host to the registry", KNOWN_GOAL, tuple(known)),
        Timed("capture closed to verdict read from RabbitMQ", VERDICT_GOAL, tuple(verdicts)),
    ]


def live_lines(found: list[Timed]) -> list[str]:
    """The report as text."""
    return [
        f"  {'met' if one.met else 'MISSED':<7} {one.name:<45} {len(one.seconds):>4} times"
        f"  median {statistics.median(one.seconds):.3f} s  slowest {max(one.seconds):.3f} s"
        f"  (goal {one.goal:g})"
        for one in found
    ]


def live_object(found: list[Timed]) -> list[dict[str, Any]]:
    """The report as JSON's types."""
    return [{**one._asdict(), "met": one.met} for one in found]


def _until_known(lab: Lab, name: str) -> float:
    """From the host's first frame (an ARP request of its ping) to its place in the registry."""
    mac = lab.topology.host(name).mac
    begun = time.monotonic()  # what it takes to start the ping is counted against us
    ping = lab.start(name, ["ping", "-c1", "-W1", OUTSIDE], **_SILENT)
    _wait(lambda: any(d["mac"] == mac and d["dp"] for d in _ask(lab, "devices")), name, 0.005)
    seconds = time.monotonic() - begun
    ping.wait(_PATIENCE)
    return seconds


def _until_published(lab: Lab, program: Running, names: list[str]) -> list[float]:
    """From each capture's last name, given when it is finished, to its verdict at a consumer."""
    read: dict[str, float] = {}
    code = _CONSUMER.format(url=lab.amqp_url)
    consumer = lab.start(None, [sys.executable, "-c", code], stdout=subprocess.PIPE)
    stream = consumer.popen.stdout
    assert stream is not None
    assert stream.readline() == "ready\n"

    def listen() -> None:
        for line in stream:
            read.setdefault(line.strip(), time.monotonic())

    threading.Thread(target=listen, daemon=True).start()
    begun = time.monotonic()
    count = str(3 * WINDOW)
    pings = [lab.start(one, ["ping", "-c", count, OUTSIDE], **_SILENT) for one in names]
    closed: dict[str, float] = {}
    folder = lab.folder / "state" / "captures"
    while (now := time.monotonic()) < begun + 3 * WINDOW:
        for path in folder.glob("trace_*.pcap"):
            closed.setdefault(path.name, now)
        time.sleep(0.005)
    kept = dict(closed)
    _wait(lambda: set(kept) <= set(read), "verdicts")
    program.send_signal(signal.SIGTERM)
    program.wait(_PATIENCE)
    for ping in pings:
        ping.stop()
    consumer.stop()
    return [max(0.0, read[name] - at) for name, at in kept.items()]


def _ask(lab: Lab, what: str) -> list[dict[str, Any]]:
    try:
        return ask(lab.folder / "halia.sock", Request(id=1, ask=what, arguments={}))
    except PeerError:
        return []


def _wait(condition: Callable[[], Any], what: str, pause: float = 0.05) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(pause)


def _topology(names: list[str]) -> str:
    ports: dict[int, Any] = {n: {"host": h, "vlan": "office"} for n, h in enumerate(names, 1)}
    ports[len(names) + 1] = {"host": "outside", "vlan": "office"}
    ports[len(names) + 2] = {"host": "col", "collector": True}
    hosts: dict[str, Any] = {h: {"address": f"10.0.0.{n}/24"} for n, h in enumerate(names, 11)}
    document = {
        "name": "bench",
        "vlans": {"office": {"vid": 100}},
        "switches": {"sw1": {"dp_id": 1, "ports": ports}},
        "hosts": hosts | {"outside": {"address": f"{OUTSIDE}/24"}, "col": {}},
    }
    return json.dumps(document)


def _settings(lab: Lab, nic: str) -> str:
    assert lab.amqp_url is not None
    port = lab.amqp_url.rstrip("/").rpartition(":")[2]
    document = {
        "run": {"state": str(lab.folder / "state")},
        "capture": {"iface": nic, "rotate_time": f"{WINDOW}s", "min_free": "1M"},
        "faucet": {
            "config": str(lab.faucet_yaml),
            "socket": str(lab.event_socket),
            "page": lab.prometheus_url,
        },
        "broker": {"url": f"amqp://127.0.0.1:{port}/"},
        "control": {"socket": str(lab.folder / "halia.sock")},
    }
    return json.dumps(document)


_CONSUMER = """
import json, pika
connection = pika.BlockingConnection(pika.URLParameters({url!r}))
channel = connection.channel()
channel.exchange_declare("halia", "topic", durable=True)
queue = channel.queue_declare("", exclusive=True).method.queue
channel.queue_bind(queue, "halia", "halia.verdict")
print("ready", flush=True)
for _, _, body in channel.consume(queue, auto_ack=True):
    document = json.loads(body)
    if document["kind"] == "capture":
        print(document["source"].rpartition("/")[2], flush=True)
"""
