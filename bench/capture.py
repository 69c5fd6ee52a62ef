"""``python -m bench capture``: frames lost and CPU spent on one stream, beside other capture tools.

The stream is sent through a virtual wire in a namespace of its own; what each tool kept is counted
against what was sent. The kernel's delivery is charged to the sender there: its time is shown too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.core import machine
from bench.rounds import say
from bench.tables import columns
from bench.veth import RECEIVER, SENDER, NoNetworkError, Wire, build_generator

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence

DEVICES = 64
SNAPLEN = "192"
CPU_GOAL_US = 0.8
_SETTLE_SECONDS = 1.0
_DEADLINE_SECONDS = 120


class Stream(NamedTuple):
    """What is sent."""

    name: str
    rate: int
    """Frames a second; 0 = as fast as it goes."""
    seconds: float
    stall: float = 0.0
    """Seconds for which the reader is stopped meanwhile."""

    @property
    def frames(self) -> int:
        """How many."""
        return round(self.rate * self.seconds)


STREAMS = (
    Stream("100k", 100_000, 30),
    Stream("300k", 300_000, 5),
    Stream("stall", 100_000, 6, stall=2.0),
)
QUICK = (Stream("100k", 5_000, 1), Stream("stall", 5_000, 2, stall=0.5))


class Told(NamedTuple):
    """What the programs of a contender said at their end."""

    frames: int
    """Kept: by one program each frame once, by one a device each as often as it names devices."""
    dropped: int | None


class Contender(NamedTuple):
    """A capture tool."""

    name: str
    commands: Callable[[Path], list[list[str]]]
    """Its command lines, writing below a folder."""
    told: Callable[[list[str]], Told]
    """From the outputs of its processes."""
    tool: str = ""
    """The program that must be installed."""
    a_device: bool = False
    """It keeps a frame for each device that the frame names."""
    frames_most: int = 0
    """It gets so many frames of a stream at most, for it would take too long (0 = all)."""


class Row(NamedTuple):
    """One contender on one stream."""

    stream: str
    name: str
    sent: int
    rate: float
    """Frames a second that the sender reached."""
    expected: int
    kept: int
    dropped: int | None
    user_us: float
    """Microseconds of the contender's own time in user space, a frame that it saw."""
    system_us: float
    sender_us: float
    """Microseconds of the sender, the kernel's delivery included, a frame sent."""
    failed: str = ""


class Goal(NamedTuple):
    """What Halia must reach, and whether it did."""

    name: str
    met: bool
    value: str


def _halia(folder: Path) -> list[list[str]]:
    words = ["capture", "--iface", RECEIVER, "--out", str(folder / "out"), "--json"]
    return [[sys.executable, "-m", "plugin", *words, "--min-free", "0"]]


def _halia_told(outputs: list[str]) -> Told:
    last = json.loads(outputs[0].strip().splitlines()[-1])
    return Told(last["written_packets"], last["kernel_drops"] + last["unread"])


def _tcpdump(folder: Path) -> list[list[str]]:
    base = ["tcpdump", "-n", "-i", RECEIVER, "-s", SNAPLEN, "-B", "65536", "-Z", "root"]
    return [[*base, "-w", str(folder / "all.pcap")]]


def _tcpdumps(folder: Path) -> list[list[str]]:
    base = ["tcpdump", "-n", "-i", RECEIVER, "-s", SNAPLEN, "-B", "1024", "-Z", "root"]
    macs = [f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}" for n in range(1, DEVICES + 1)]
    return [
        [*base, "-w", str(folder / f"{i}.pcap"), "ether", "host", m] for i, m in enumerate(macs)
    ]


def _tcpdump_told(outputs: list[str]) -> Told:
    captured = [int(n) for o in outputs for n in re.findall(r"(\d+) packets? captured", o)]
    dropped = [int(n) for o in outputs for n in re.findall(r"(\d+) packets? dropped by kernel", o)]
    if len(captured) != len(outputs):
        raise NoNetworkError("tcpdump did not say how much it captured")
    return Told(sum(captured), sum(dropped))


def _dumpcap(folder: Path) -> list[list[str]]:
    rings = ["-b", "filesize:10240", "-b", "files:20"]
    base = ["dumpcap", "-i", RECEIVER, "-s", SNAPLEN, "-B", "64", *rings]
    return [[*base, "-w", str(folder / "ring.pcapng")]]


def _dumpcap_told(outputs: list[str]) -> Told:
    found = re.search(r"received/dropped on interface '[^']*': (\d+)/(\d+)", outputs[0])
    captured = re.findall(r"Packets(?: captured)?: (\d+)", outputs[0])
    if not found and not captured:
        raise NoNetworkError("dumpcap did not say how much it captured")
    return Told(int(found[1] if found else captured[-1]), int(found[2]) if found else None)


_SCAPY = """
import signal, sys
from scapy.all import AsyncSniffer
seen = 0
def count(_):
    global seen
    seen += 1
sniffer = AsyncSniffer(iface=sys.argv[1], prn=count, store=False)
sniffer.start()
signal.sigwait({signal.SIGINT})
sniffer.stop()
print(seen)
"""


def _scapy(folder: Path) -> list[list[str]]:
    del folder
    block = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})"
    return [[sys.executable, "-c", block + _SCAPY, RECEIVER]]


def _scapy_told(outputs: list[str]) -> Told:
    return Told(int(outputs[0].split()[-1]), None)


FIELD = (
    Contender("halia capture", _halia, _halia_told, a_device=True),
    Contender("tcpdump", _tcpdump, _tcpdump_told, tool="tcpdump"),
    Contender("dumpcap", _dumpcap, _dumpcap_told, tool="dumpcap"),
    Contender(
        "one tcpdump a device", _tcpdumps, _tcpdump_told, tool="tcpdump", a_device=True,
        frames_most=300_000,
    ),
    Contender("scapy AsyncSniffer (counts)", _scapy, _scapy_told, frames_most=200_000),
)  # fmt: skip


def run_one(stream: Stream, contender: Contender, generator: Path) -> Row:
    """Send a stream past one contender.

    Raises:
        NoNetworkError: there is no wire here, or a program failed.
    """
    nothing = Row(stream.name, contender.name, 0, 0, 0, 0, None, 0, 0, 0)
    if contender.tool and shutil.which(contender.tool) is None:
        return nothing._replace(failed=f"NOT RUN: {contender.tool} is not installed")
    count = min(stream.frames, contender.frames_most or stream.frames)
    folder = Path(tempfile.mkdtemp(prefix="halia-bench-"))
    try:
        with Wire() as wire:
            outputs = folder / "outputs"
            outputs.mkdir()
            readers = [
                _started(wire, command, outputs / str(i))
                for i, command in enumerate(contender.commands(folder))
            ]
            wire.wait_for_sockets(len(readers))
            arguments = [SENDER, str(stream.rate), str(count), str(DEVICES)]
            sender = _started(wire, [str(generator), *arguments], folder / "sent")
            if stream.stall:
                _stall(readers, stream)
            sender_time = _waited(sender)
            time.sleep(_SETTLE_SECONDS)
            for reader in readers:
                reader.send_signal(signal.SIGINT)
            times = [_waited(reader) for reader in readers]
            sent = json.loads((folder / "sent").read_text())
            told = contender.told([(outputs / str(i)).read_text() for i in range(len(readers))])
    finally:
        shutil.rmtree(folder)
    frames = sent["sent"]
    expected = sum(sent["named"]) if contender.a_device else frames
    seen = max(1, frames * told.frames / expected)
    return nothing._replace(
        sent=frames,
        rate=frames / max(sent["seconds"], 1e-9),
        expected=expected,
        kept=told.frames,
        dropped=told.dropped,
        user_us=sum(t.ru_utime for t in times) / seen * 1e6,
        system_us=sum(t.ru_stime for t in times) / seen * 1e6,
        sender_us=(sender_time.ru_utime + sender_time.ru_stime) / frames * 1e6,
    )


def _started(wire: Wire, command: list[str], output: Path) -> subprocess.Popen[str]:
    with output.open("w") as stream:
        return wire.start(command, stdout=stream, stderr=stream)


def _stall(readers: Sequence[subprocess.Popen[str]], stream: Stream) -> None:
    time.sleep(stream.seconds / 4)
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for reader in readers:
            reader.send_signal(number)
        if number == signal.SIGSTOP:
            time.sleep(stream.stall)


def _waited(process: subprocess.Popen[str]) -> Any:
    """The resources of one process at its end.

    Raises:
        NoNetworkError: it did not end, or failed.
    """
    end = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < end:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in {0, -signal.SIGINT}:
                raise NoNetworkError(f"{process.args!r} ended with {process.returncode}")
            return used
        time.sleep(0.02)
    raise NoNetworkError(f"{process.args!r} did not end")


def judge(rows: Sequence[Row]) -> list[Goal]:
    """Hold Halia's rows against the goals: nothing lost, little user time."""
    goals = []
    for row in rows:
        if row.name != FIELD[0].name:
            continue
        lossless = not row.failed and row.dropped == 0 and row.kept == row.expected
        seen = row.failed or f"{row.kept:,} of {row.expected:,} records, {row.dropped} dropped"
        goals.append(Goal(f"{row.stream}: nothing lost", lossless, seen))
        if row.stream == STREAMS[0].name:
            met = not row.failed and row.user_us <= CPU_GOAL_US
            name = f"{row.stream}: user time <= {CPU_GOAL_US} us a frame"
            goals.append(Goal(name, met, f"{row.user_us:.2f} us"))
    return goals


class Report(NamedTuple):
    """A whole run."""

    machine: dict[str, str | float | int]
    rows: list[Row]
    goals: list[Goal]
    skipped: str = ""

    @property
    def failed(self) -> bool:
        """A goal was missed; a machine without a wire judges none."""
        return not all(goal.met for goal in self.goals)


def run_capture(*, quick: bool = False, only: Sequence[str] = ()) -> Report:
    """Every stream past every contender.

    Args:
        quick: small streams: a test of the bench.
        only: names of contenders; none = all.
    """
    described = machine()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="halia-bench-") as folder:
        try:
            generator = build_generator(Path(folder))
            with Wire():
                pass
        except NoNetworkError as error:
            return Report(described, [], [], skipped=str(error))
        for stream in QUICK if quick else STREAMS:
            for contender in FIELD:
                if only and contender.name not in only:
                    continue
                try:
                    row = run_one(stream, contender, generator)
                except NoNetworkError as error:
                    row = Row(stream.name, contender.name, 0, 0, 0, 0, None, 0, 0, 0, str(error))
                rows.append(row)
                say(f"{row.stream}: {row.name}: {row.failed or f'{row.kept:,} kept'}")
    described["load_at_end"] = round(os.getloadavg()[0], 2)
    return Report(described, rows, judge(rows))


HEADER = (
    "contender", "frames/s", "sent", "lost", "lost %", "user us", "system us", "sender us", "",
)  # fmt: skip
LEGEND = (
    f"{DEVICES} devices, 314 bytes a frame in the mean, snap length {SNAPLEN}. frames/s: what the",
    "sender reached. lost: records that are not where they should be (of halia and of one tcpdump",
    "a device each frame counts for each device that it names). us: CPU time a frame that",
    "was seen, of the sender one that was sent; on a virtual wire the kernel's delivery, filters",
    "included, is charged to the sender.",
)


def capture_lines(report: Report) -> list[str]:
    """The report as text."""
    if report.skipped:
        return [f"not run: {report.skipped}"]
    out = [", ".join(f"{k} {v}" for k, v in report.machine.items()), *LEGEND]
    for stream in dict.fromkeys(row.stream for row in report.rows):
        rows = [row for row in report.rows if row.stream == stream]
        out += ["", f"{stream}:", *columns([HEADER, *map(_cells, rows)])]
    out.append("")
    out += [f"{'met   ' if g.met else 'MISSED'}  {g.name}: {g.value}" for g in report.goals]
    return out


def _cells(row: Row) -> tuple[str, ...]:
    if row.failed:
        return (row.name, *("-" for _ in HEADER[1:-1]), row.failed)
    lost = row.expected - row.kept
    remark = "" if row.dropped is None else f"the kernel dropped {row.dropped:,}"
    return (
        row.name,
        f"{row.rate:,.0f}",
        f"{row.sent:,}",
        f"{lost:,}",
        f"{100 * lost / max(1, row.expected):.1f}",
        f"{row.user_us:.2f}",
        f"{row.system_us:.2f}",
        f"{row.sender_us:.2f}",
        remark,
    )


def capture_object(report: Report) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "machine": report.machine,
        "rows": [row._asdict() for row in report.rows],
        "goals": [goal._asdict() for goal in report.goals],
        "skipped": report.skipped,
    }
