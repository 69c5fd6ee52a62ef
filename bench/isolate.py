"""How soon an isolation holds, and what it costs the neighbours: counted from the hosts.

A lab with real Open vSwitch and Faucet. First the whole of Halia: hosts turn bad one after the
other, a policy blocks each, and their last datagram is set against the time of the finding in the
journal. Then the writer by itself: what bystanders lose at each write, what leaks of an isolated
host while others come and go, and how long the proof takes once Faucet has loaded the file.
"""

from __future__ import annotations

import json
import random
import signal
import statistics
import sys
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.streams import INTERVAL, Counter, missing, send
from plugin.audit.chain import Entry
from plugin.audit.journal import entries
from plugin.control.client import ask
from plugin.control.protocol import Request
from plugin.errors import PeerError
from plugin.lab import Lab, daemons
from plugin.lab.beside import PROBE, answers_at, write_settings
from plugin.lab.hooked import install, start_halia
from plugin.lab.schema import parse_topology

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from plugin.lab.running import Running

BAD_HOSTS = 10
REWRITES = 20
MANY = 200
"""Isolated devices: the most that Halia ever writes."""
SILENCE = 3.0
"""Seconds without a datagram that count as stopped."""
_PATIENCE = 60.0


class Measured(NamedTuple):
    """One thing that was measured, several times."""

    name: str
    unit: str
    values: tuple[float, ...]
    median_goal: float | None = None
    p95_goal: float | None = None
    worst_goal: float | None = None

    @property
    def met(self) -> bool:
        """Whether every goal is met; what has none always does."""
        if not self.values:
            return False
        limits = (
            (self.median_goal, self.median),
            (self.p95_goal, self.p95),
            (self.worst_goal, self.worst),
        )
        return all(goal is None or found <= goal for goal, found in limits)

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        """The 95th percentile, by the nearest rank: with few values the worst."""
        ordered = sorted(self.values)
        return ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]

    @property
    def worst(self) -> float:
        """The worst."""
        return max(self.values)


def run_isolate(*, quick: bool = False) -> list[Measured]:
    """Measure.

    Raises:
        LabError: no lab can be made here.
    """
    found = []
    modes = (("sighup", 1.0, 3.0, None),) if quick else (
        ("sighup", 1.0, 3.0, None), ("stat", None, None, 6.0)
    )  # fmt: skip
    for adapter, *goals in modes:
        seconds = _until_stopped(2 if quick else BAD_HOSTS, adapter)
        name = f"verdict to the last frame, {adapter}"
        found.append(Measured(name, "s", seconds, *goals))
    found += _writes(8, quick=quick, goals=(10.0, 200.0))
    if not quick:
        found += _writes(48, quick=quick, goals=(None, None))
    return found


def isolate_lines(found: Sequence[Measured]) -> list[str]:
    """The report as text."""
    lines = []
    for one in found:
        goals = (("median", one.median_goal), ("p95", one.p95_goal), ("worst", one.worst_goal))
        named = ", ".join(f"{name} {goal:g}" for name, goal in goals if goal is not None)
        lines.append(
            f"  {'met' if one.met else 'MISSED':<7} {one.name:<58} {len(one.values):>4} times"
            f"  median {one.median:.3f}  p95 {one.p95:.3f}  worst {one.worst:.3f} {one.unit}"
            f"  ({'goal ' + named if named else 'no goal'})"
        )
    return lines


def isolate_object(found: Sequence[Measured]) -> list[dict[str, Any]]:
    """The report as JSON's types."""
    return [{**one._asdict(), "met": one.met} for one in found]


# the whole of Halia


def _until_stopped(hosts: int, adapter: str) -> tuple[float, ...]:
    """Seconds from each bad host's finding in the journal to its last datagram elsewhere."""
    names = [f"h{n}" for n in range(1, hosts + 1)]
    with ExitStack() as stack:
        lab = stack.enter_context(_lab([*names, "www"], stat=adapter == "stat"))
        config = write_settings(lab, lab.take_collector(), _POLICY)
        settings = json.loads(config.read_text(encoding="utf-8"))
        settings["isolation"] = {"adapter": adapter}
        config.write_text(json.dumps(settings), encoding="utf-8")
        words = ["run", "--config", str(config), "-q"]
        quiet = {"stdout": DEVNULL, "stderr": DEVNULL}
        program = stack.enter_context(start_halia(lab, None, words, **quiet))
        _wait(lambda: _devices(lab) is not None, "halia run answers")
        counter = Counter(lab, "www", stack)
        target = str(lab.topology.host("www").ip)
        last = {}
        for name in names:
            stream = send(lab, name, target, stack, 2 * INTERVAL)
            mac = lab.topology.host(name).mac
            _wait(partial(_is_known, lab, mac), f"{name} is known")
            lab.turn_bad(name, "scan", target="www")
            _wait(partial(_is_isolated, lab, mac), f"{name} is isolated")
            time.sleep(SILENCE + 0.5)
            lab.calm(name)
            stream.stop()
            arrived = counter.take()[str(lab.topology.host(name).ip)]
            last[mac] = max(one.time for one in arrived)
        program.send_signal(signal.SIGTERM)
        program.wait(_PATIENCE)
        named = _named_at(lab)
    return tuple(last[mac] - named[mac] for mac in last)


def _named_at(lab: Lab) -> dict[str, float]:
    """When each device was named first, by the journal."""
    named: dict[str, float] = {}
    for one in entries(lab.folder / "state" / "journal"):
        if isinstance(one, Entry) and one.kind == "finding":
            named.setdefault(str(one.body["mac"]), one.time)
    return named


def _devices(lab: Lab) -> list[dict[str, Any]] | None:
    try:
        return ask(answers_at(lab), Request(id=1, ask="devices", arguments={}))
    except PeerError:
        return None


def _state(lab: Lab, mac: str) -> str | None:
    """The state of a device's case; empty: it is known and has none; None: it is not known."""
    for one in _devices(lab) or []:
        if one["mac"] == mac:
            return one["case"]["state"] if one.get("case") else ""
    return None


def _is_known(lab: Lab, mac: str) -> bool:
    return _state(lab, mac) is not None


def _is_isolated(lab: Lab, mac: str) -> bool:
    return _state(lab, mac) == "isolated"


_POLICY = {
    "halia-policy": 1,
    "learning": 0,
    "caps": {"devices": 100, "percent": 100, "per_switch": 100, "per_hour": 100},
    "rules": [
        {
            "name": "scanners",
            "match": {"behaviours": ["vertical-scan"]},
            "action": "block",
            "mode": "enforce",
            "duration": "1h",
        }
    ],
}


# the writer by itself


class _Writer:
    """The writer, in the lab, and what it says."""

    def __init__(self, lab: Lab, stack: ExitStack) -> None:
        place = lab.status()["controller"]
        words = [
            sys.executable, "-m", "bench.writing", str(lab.faucet_yaml), place, PROBE,
            lab.prometheus_url, "sighup",
        ]  # fmt: skip
        env = daemons.halia_environment()
        self._running: Running = stack.enter_context(
            lab.start(None, words, stdin=PIPE, stdout=PIPE, env=env)
        )
        self._stand: set[int] = set()

    def want(self, wanted: Sequence[tuple[int, str, str, int]]) -> tuple[float, float, float]:
        """Have these stand; gives when they were wanted, loaded, and proven, others gone."""
        popen = self._running.popen
        assert popen.stdin is not None
        assert popen.stdout is not None
        asked = time.time()
        popen.stdin.write(json.dumps(wanted) + "\n")
        popen.stdin.flush()
        cookies, loaded = sorted(one[0] for one in wanted), None
        gone, self._stand = self._stand.difference(cookies), set(cookies)
        for line in popen.stdout:
            said = json.loads(line)
            if said["wanted"] != cookies:
                continue
            if said["refused"]:
                raise RuntimeError(f"refused: {said['refused']}")
            if loaded is None and said["loaded"] == len(cookies):
                loaded = said["at"]
            if loaded is not None and said["proven"] == len(cookies) and gone <= {*said["absent"]}:
                return asked, loaded, said["at"]
        raise RuntimeError("the writer ended")


def _writes(
    ports: int, *, quick: bool, goals: tuple[float | None, float | None]
) -> Iterator[Measured]:
    """Measure writes on a switch with so many hooked ports."""
    names = [f"h{n}" for n in range(1, ports + 1)]
    rng = random.Random(5)
    macs = [f"02:11:22:33:{n >> 8:02x}:{n & 255:02x}" for n in range(MANY)]
    elsewhere = [(n + 10, mac, "sw1", 1 + rng.randrange(ports)) for n, mac in enumerate(macs)]
    with ExitStack() as stack:
        lab = stack.enter_context(_lab(names))
        lab.call(PROBE)
        writer = _Writer(lab, stack)
        counter = Counter(lab, names[-1], stack)
        there = str(lab.topology.host(names[-1]).ip)
        neighbours = names[1:4]
        for name in (names[0], *neighbours):
            send(lab, name, there, stack)
        first = lab.topology.host(names[0])
        addresses = [str(lab.topology.host(name).ip) for name in neighbours]
        _wait(lambda: set(counter.take()) >= {*addresses, str(first.ip)}, "all are heard")
        proofs: list[float] = []
        wholes: list[float] = []

        def rewrite(wanted: Sequence[tuple[int, str, str, int]]) -> tuple[float, int]:
            """Milliseconds that the worst of the neighbours lost; what leaked of the first."""
            counter.take()
            asked, loaded, proven = writer.want(wanted)
            proofs.append(proven - loaded)
            wholes.append(proven - asked)
            time.sleep(1.0)  # writes are a second apart, and what they lose may come late
            seen = counter.take()
            lost = max(missing(seen.get(one, [])) for one in addresses) * INTERVAL * 1e3
            return lost, len(seen.get(str(first.ip), []))

        one = (1, first.mac, "sw1", 1)
        writer.want(
            [one, elsewhere[0]]
        )  # by now the switch has called the probe, and Faucet's parser is there
        time.sleep(1.0)
        few = [rewrite([one, elsewhere[n]] if n % 2 else [one])[0] for n in range(6)]
        rewrites = range(2 if quick else REWRITES)
        leaks = [float(rewrite([one, elsewhere[n]])[1]) for n in rewrites]
        many = [rewrite([one, *elsewhere[: MANY - 1 - n]])[0] for n in range(2 if quick else 5)]
    yield from _told(f"{ports} hooked ports", goals, _Writes(few, many, leaks, proofs, wholes))


class _Writes(NamedTuple):
    """What was seen of writes, in the order in which they were made."""

    few: Sequence[float]
    many: Sequence[float]
    leaks: Sequence[float]
    proofs: Sequence[float]
    wholes: Sequence[float]


def _told(
    words: str, goals: tuple[float | None, float | None], seen: _Writes
) -> Iterator[Measured]:
    lost = f"{words}: lost by a bystander per write"
    yield Measured(f"{lost}, <= 2 devices", "ms", tuple(seen.few), worst_goal=goals[0])
    yield Measured(f"{lost}, {MANY} devices", "ms", tuple(seen.many), worst_goal=goals[1])
    leaked = f"{words}: frames of an isolated device per rewrite"
    yield Measured(leaked, "frames", tuple(seen.leaks), worst_goal=0.0)
    known = len(seen.proofs) - len(seen.many)
    for label, part, goal in (
        ("<= 2 devices", slice(known), None if goals[0] is None else 0.5),
        (f"{MANY} devices", slice(known, None), None),
    ):
        proofs, wholes = tuple(seen.proofs[part]), tuple(seen.wholes[part])
        yield Measured(f"{words}: loaded to proven, {label}", "s", proofs, worst_goal=goal)
        yield Measured(f"{words}: wanted to proven, {label}", "s", wholes)


@contextmanager
def _lab(names: Sequence[str], *, stat: bool = False) -> Iterator[Lab]:
    """A lab with these hosts, each at a port of its own, and the hook in its Faucet."""
    hosts = {name: {"address": f"10.0.0.{n}/24"} for n, name in enumerate(names, 11)}
    ports: dict[int, Any] = {n: {"host": h, "vlan": "office"} for n, h in enumerate(names, 1)}
    ports[len(names) + 1] = {"host": "col", "collector": True}
    document = {
        "name": "bench",
        "vlans": {"office": {"vid": 100}},
        "switches": {"sw1": {"dp_id": 1, "ports": ports}},
        "hosts": hosts | {"col": {}},
    }
    topology = parse_topology(json.dumps(document), "bench")
    with Lab(topology, activity=False, stat_reload=stat) as lab:
        install(lab, "--quarantine-vid", "0")
        yield lab


def _wait(condition: Callable[[], Any], what: str, pause: float = 0.02) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(pause)
