"""Recordings of labs: labelled captures to learn from, and whole runs to replay.

A lab is made, the hook is installed in its Faucet as an operator would, and the collector is
captured by ``halia capture``: what is learned from is what ``halia run`` will see.
"""

from __future__ import annotations

import json
import lzma
import shutil
import socket
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from plugin.errors import LabError
from plugin.lab.hooked import install, start_halia
from plugin.lab.lab import Lab
from plugin.ml.model import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plugin.lab.running import Running
    from plugin.lab.topology import Host, Topology

EVENTS, MIRROR, RUN = "events.jsonl", "mirror.pcap.xz", "run.json"
"""What a replay needs, in the folder of a recording."""
UNPACKED = "mirror.pcap"
"""The mirror's frames of a long recording, which takes too long to pack."""
COLUMNS = ("path", "label", "group", "mac", "host", "seed", "window", "packets", "seconds")
"""Of labels.csv."""
NO_ROLE = frozenset({"outside"})
"""Profiles that are background to a model: a router's traffic is that of others."""
GRACE_SECONDS = 4.0
"""After the last window: a device whose first frame came late is waited for so long."""
LEAST_WINDOW = 0.5
"""Part of its length below which a window is no sample."""


class Bad(NamedTuple):
    """A host that turns bad during a recording."""

    host: str
    kind: str
    after: float
    """Seconds after the hook is in place."""
    rate: float | None = None
    """Steps a second; None: the kind's own."""
    lasts: float | None = None
    """Seconds; None: to the end."""


class Wishes(NamedTuple):
    """How to record."""

    seconds: float = 30.0
    """Length of a window: each device has one file for each."""
    windows: int = 1
    bad: Bad | None = None
    replay: bool = False
    """Keep Faucet's events and all frames, as a replay needs them, not files by device."""
    controller: str = "c65faucet"
    pack: bool = True
    """Compress the frames."""


class Recorded(NamedTuple):
    """What became of one lab."""

    seed: int
    rows: tuple[Mapping[str, Any], ...]
    """Of labels.csv; paths start at the folder that all recordings share."""
    frames: int
    """At the collector."""
    missed: int
    """That the kernel dropped, or nobody read."""
    seconds: float
    """All of it, from nothing to nothing."""


def record(
    topology: Topology, out: Path, wishes: Wishes, stop: threading.Event | None = None
) -> Recorded:
    """Make a lab, capture it, take it down.

    Args:
        topology: with a collector.
        out: the folder of all recordings; this one's files go into a new folder ``SEED`` in it.
        wishes: how long, and what for.
        stop: ends the recording early, from any thread.

    Raises:
        LabError: the lab does not come up, has no collector, or the hook cannot be installed.
    """
    began = time.monotonic()
    if topology.collector() is None:
        raise LabError("has no collector to capture", where=topology.name)
    place = out / str(topology.seed)
    try:
        place.mkdir(parents=True)
    except OSError as error:
        raise LabError(f"cannot be made: {error.strerror}", where=str(place)) from error
    with tempfile.TemporaryDirectory(prefix="halia-record-") as scratch:
        with Lab(topology, controller=wishes.controller) as lab:
            lines = _recorded(lab, Path(scratch), place, wishes, stop or threading.Event())
        rows = [] if wishes.replay else _sorted_out(lines, topology, place, wishes)
        if wishes.replay and wishes.pack:
            _pack(Path(scratch) / UNPACKED, place / MIRROR)
        elif wishes.replay:
            shutil.move(Path(scratch) / UNPACKED, place / UNPACKED)
    summary = next(line for line in lines if line["kind"] == "summary")
    missed = summary["kernel_drops"] + summary["lost_packets"] + summary["unread"]
    seconds = round(time.monotonic() - began, 1)
    return Recorded(topology.seed, tuple(rows), summary["frames"], missed, seconds)


def _recorded(
    lab: Lab, scratch: Path, place: Path, wishes: Wishes, stop: threading.Event
) -> list[dict[str, Any]]:
    """Capture a lab that is up; give the lines that ``halia capture`` printed."""
    started = time.time()  # noqa: TID251 - when a recording was made is said in it
    words = ["capture", "--iface", "eth0", "--out", str(scratch / "files"), "--json"]
    words += ["--rotate-time", f"{wishes.seconds:g}s", "--min-free", "0"]
    if wishes.replay:
        words += ["--stream", str(scratch / UNPACKED)]
    with ExitStack() as stack:
        if wishes.replay:
            stack.enter_context(_Events(lab.event_socket, place / EVENTS))
        capture = stack.enter_context(start_halia(lab, lab.collector, words))
        lines = _Lines(capture)
        lines.first()
        install(lab)
        installed = time.time()  # noqa: TID251 - as above
        plan = _wait(lab, wishes, stop)
        capture.send_signal(15)
        found = lines.rest()
    if wishes.replay:
        times = {"started": started, "installed": installed, "ended": time.time()}  # noqa: TID251 - as above
        document = {"version": 1, **times, "bad": plan, "lab": _told(lab.topology)}
        (place / RUN).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return found


def _wait(lab: Lab, wishes: Wishes, stop: threading.Event) -> dict[str, Any] | None:
    """Let the lab live; give what was planned for the host that turned bad, and when."""
    whole = wishes.seconds * wishes.windows + GRACE_SECONDS
    if wishes.bad is None:
        stop.wait(whole)
        return None
    host, kind, after, rate, lasts = wishes.bad
    wanted = {"rate": rate, "seconds": lasts}
    stop.wait(min(after, whole))
    at = time.time()  # noqa: TID251 - as above
    plan = lab.turn_bad(host, kind, **{k: v for k, v in wanted.items() if v is not None})
    stop.wait(max(whole - after, 0.0))
    return {"time": at, **plan}


class _Lines:
    """The JSON lines of a program, read as they come."""

    def __init__(self, program: Running) -> None:
        self._program = program
        self._found: list[dict[str, Any]] = []

    def first(self) -> None:
        """Wait until it has begun."""
        stream = self._program.popen.stdout
        assert stream is not None
        line = stream.readline()
        if not line:
            _, said = self._program.popen.communicate()
            raise LabError(f"cannot be captured: {' '.join(said.split())}", where="collector")
        self._found.append(json.loads(line))

    def rest(self) -> list[dict[str, Any]]:
        """Wait for its end; give all lines."""
        out, said = self._program.popen.communicate()
        if self._program.popen.returncode:
            raise LabError(f"cannot be captured: {' '.join(said.split())}", where="collector")
        return [*self._found, *map(json.loads, out.splitlines())]


class _Events:
    """Faucet's event socket, written to a file as it comes, line by line, by a thread."""

    def __init__(self, source: Path, target: Path) -> None:
        self._file = target.open("wb")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(source))
        self._thread = threading.Thread(target=self._run, name="events")

    def _run(self) -> None:
        with suppress(OSError):  # Faucet goes with its lab
            while part := self._socket.recv(65_536):
                self._file.write(part)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._file.close()


def _sorted_out(
    lines: Sequence[Mapping[str, Any]], topology: Topology, place: Path, wishes: Wishes
) -> list[dict[str, Any]]:
    """Name the files after host and window; give the rows of labels.csv."""
    by_mac = {host.mac: host for host in topology.hosts}
    seen: dict[str, int] = {}
    rows = []
    for line in lines:
        host = by_mac.get(line.get("mac") or "") if line["kind"] == "file" else None
        if host is None:
            continue
        window = seen[host.mac] = seen.get(host.mac, 0) + 1
        length = (line["last_ns"] - line["first_ns"]) / 1e9
        if window > wishes.windows or length < wishes.seconds * LEAST_WINDOW:
            continue
        name = f"{host.name}-{window}.pcap"
        shutil.move(line["path"], place / name)
        found = (
            f"{place.name}/{name}", label(host), topology.seed, host.mac, host.name,
            topology.seed, window, line["packets"], round(length, 1),
        )  # fmt: skip
        rows.append(dict(zip(COLUMNS, found, strict=True)))
    return sorted(rows, key=lambda row: str(row["path"]))


def label(host: Host) -> str:
    """Give the role of a host: its profile; ``Unknown`` where it has none that is a role."""
    return host.profile if host.profile and host.profile not in NO_ROLE else UNKNOWN


def _pack(source: Path, target: Path) -> None:
    """Compress a file; the same content always gives the same bytes."""
    target.write_bytes(lzma.compress(source.read_bytes(), preset=9 | lzma.PRESET_EXTREME))


def _told(topology: Topology) -> dict[str, Any]:
    """What the lab was, in short: its seed, and who was where."""
    hosts = [
        {"host": host.name, "mac": host.mac, "ip": host.ip, "port": port.number,
         "profile": host.profile}
        for _, port, host in topology.places() if not port.collector
    ]  # fmt: skip
    about = {"name": topology.name, "seed": topology.seed, "pace": topology.pace}
    return {**about, "hosts": hosts}
