"""`halia capture` on a real interface: what was sent into it is in the files, frame for frame.

Counted, never timed: a busy machine only makes the sender slower.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.veth import RECEIVER, SENDER, NoNetworkError, Wire, build_generator, sent
from plugin.capture.rotate import ident_of
from plugin.offline.read import summarise
from tests.demuxes import records

ROOT = Path(__file__).resolve().parents[2]
DEVICES = 64


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    try:
        wire.open()
    except NoNetworkError as error:
        pytest.skip(f"no packets can be sent here: {error}")
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return build_generator(tmp_path_factory.mktemp("generator"))
    except NoNetworkError as error:
        pytest.skip(str(error))


class Run:
    """One `halia capture` inside the wire's namespace."""

    def __init__(self, wire: Wire, out: Path, *more: str, core: str = "") -> None:
        command = [sys.executable, "-m", "plugin", "capture", "--iface", RECEIVER]
        command += ["--out", str(out), "--json", "--min-free", "0", *more]
        env = {**os.environ, "PYTHONPATH": str(ROOT), **({"HALIA_CORE": core} if core else {})}
        self.process = wire.start(command, env=env, cwd=out.parent)
        self.out = out
        assert self.process.stdout is not None
        self.lines: list[dict[str, Any]] = []
        while not self.lines or self.lines[-1]["kind"] != "started":
            line = self.process.stdout.readline()
            assert line, self.process.communicate()[1]
            self.lines.append(json.loads(line))

    def stop(self) -> dict[str, Any]:
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, err
        self.lines += map(json.loads, out.splitlines())
        return self.lines[-1]


def files(out: Path) -> dict[str, list[Any]]:
    """The frames in the finished files, by device; each file a pcap that ends with a record."""
    found: dict[str, list[Any]] = {}
    assert not list(out.glob("*.part"))
    for path in sorted(out.glob("*.pcap")):
        ident = ident_of(path.name)
        assert ident is not None
        found.setdefault(ident, []).extend(records(path.read_bytes()[24:]))
    return found


def device(number: int) -> str:
    return f"02000000{number + 1:04x}"


def send(
    wire: Wire, generator: Path, rate: int, count: int, devices: int = DEVICES
) -> subprocess.Popen[str]:
    return wire.start([str(generator), SENDER, str(rate), str(count), str(devices)])


def check(told: dict[str, Any], summary: dict[str, Any], out: Path) -> None:
    """Every frame that was sent is in the file of each device that it names, and nothing else."""
    assert summary["kernel_drops"] == summary["lost_packets"] == summary["unread"] == 0
    assert summary["frames"] == told["sent"]
    assert summary["tagged"] == told["tagged"]
    assert summary["wire_bytes"] == told["bytes"]
    assert summary["written_packets"] == sum(told["named"])
    counted: Counter[str] = Counter()
    for path in out.glob("*.pcap"):
        summary_of = summarise(path)
        assert summary_of.problem is None
        counted[str(ident_of(path.name))] += summary_of.totals.packets
    assert counted == {device(i): n for i, n in enumerate(told["named"])}


def test_half_a_million_frames_of_64_devices(wire: Wire, generator: Path, tmp_path: Path) -> None:
    """The gate: 50,000 frames a second for ten seconds, none lost."""
    run = Run(wire, tmp_path / "out")
    told = sent(send(wire, generator, 50_000, 500_000))
    check(told, run.stop(), run.out)


def test_a_reader_that_stands_still_loses_nothing(
    wire: Wire, generator: Path, tmp_path: Path
) -> None:
    run = Run(wire, tmp_path / "out")
    sender = send(wire, generator, 40_000, 160_000)
    time.sleep(0.5)
    run.process.send_signal(signal.SIGSTOP)
    time.sleep(2)
    run.process.send_signal(signal.SIGCONT)
    told = sent(sender)
    check(told, run.stop(), run.out)


def test_many_devices_and_nobody_who_reads_what_is_printed(
    wire: Wire, generator: Path, tmp_path: Path
) -> None:
    """Their lines are more than a pipe holds; their files more than are held open."""
    run = Run(wire, tmp_path / "out")
    told = sent(send(wire, generator, 20_000, 60_000, devices=3000))
    check(told, run.stop(), run.out)


@pytest.mark.parametrize("more", [("--plain-socket",), ()])
def test_without_the_compiled_core_and_without_a_ring(
    wire: Wire, generator: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    run = Run(wire, tmp_path / "out", *more, core="reference")
    assert run.lines[-1]["reader"] == ("plain" if more else "ring")
    told = sent(send(wire, generator, 1_000, 4_000))
    check(told, run.stop(), run.out)
    assert {r.data[12:14] for r in files(run.out)[device(0)]} <= {
        b"\x08\x00", b"\x08\x06", b"\x81\x00",
    }  # fmt: skip


def test_tags_are_there_and_payloads_are_not(wire: Wire, generator: Path, tmp_path: Path) -> None:
    run = Run(wire, tmp_path / "out")
    told = sent(send(wire, generator, 5_000, 6_400))
    summary = run.stop()
    assert summary["tagged"] == told["tagged"] > 0
    for frames in files(run.out).values():
        for frame in frames:
            (kind,) = struct.unpack_from(">H", frame.data, 12)
            if kind == 0x8100:
                assert struct.unpack_from(">HH", frame.data, 14) == (100, 0x0800)
                assert len(frame.data) == 18 + 20 + (8 if frame.data[27] == 17 else 20)
                assert frame.wire == 78
            elif kind == 0x0806:
                assert len(frame.data) == frame.wire == 42
            else:
                assert len(frame.data) == 14 + 20 + (8 if frame.data[23] == 17 else 20)


def test_files_of_a_killed_capture_are_readable_and_finished_by_the_next(
    wire: Wire, generator: Path, tmp_path: Path
) -> None:
    run = Run(wire, tmp_path / "out")
    sender = send(wire, generator, 20_000, 100_000)
    time.sleep(2.5)
    run.process.kill()
    run.process.communicate()
    told = sent(sender)
    parts = sorted(run.out.glob("*.part"))
    assert len(parts) == DEVICES
    for part in parts:
        assert records(part.read_bytes()[24:]), "whole records only"
    again = Run(wire, tmp_path / "out")
    recovered = [line for line in again.lines if line["kind"] == "file"]
    assert {line["why"] for line in recovered} == {"recovered"}
    assert sum(line["packets"] for line in recovered) <= sum(told["named"])
    again.stop()
    assert set(files(run.out)) == {device(i) for i in range(DEVICES)}


def test_two_captures_do_not_share_a_folder(wire: Wire, tmp_path: Path) -> None:
    run = Run(wire, tmp_path / "out")
    command = [sys.executable, "-m", "plugin", "capture", "--iface", RECEIVER, "--out"]
    second = wire.start([*command, str(run.out)], cwd=ROOT)
    assert "another capture" in second.communicate(timeout=60)[1]
    assert second.returncode == 2
    run.stop()


def test_an_interface_that_goes_ends_it_with_its_files_whole(
    wire: Wire, generator: Path, tmp_path: Path
) -> None:
    run = Run(wire, tmp_path / "out")
    told = sent(send(wire, generator, 10_000, 6_400))
    time.sleep(1)
    assert wire.run(["ip", "link", "del", RECEIVER]).returncode == 0
    out, err = run.process.communicate(timeout=60)
    assert (run.process.returncode, "has gone" in err) == (3, True), err
    summary = json.loads(out.splitlines()[-1])
    assert summary["kind"] == "summary"
    check(told, summary, run.out)


def test_a_link_that_was_down_goes_on(wire: Wire, generator: Path, tmp_path: Path) -> None:
    run = Run(wire, tmp_path / "out")
    for state in ("down", "up"):
        assert wire.run(["ip", "link", "set", RECEIVER, state]).returncode == 0
        time.sleep(0.5)
    told = sent(send(wire, generator, 10_000, 6_400))
    check(told, run.stop(), run.out)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")
def test_privileges_are_dropped(wire: Wire, generator: Path) -> None:
    place = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    place.chmod(0o755)
    run = Run(wire, place / "out", "--user", "nobody")
    status = Path(f"/proc/{run.process.pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert set(fields["Uid"].split()) == {"65534"}
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
    told = sent(send(wire, generator, 10_000, 6_400))
    check(told, run.stop(), run.out)
    assert {p.stat().st_uid for p in run.out.glob("*.pcap")} == {65534}
    shutil.rmtree(place)
