"""`halia replay`: the recorded run that comes with Halia, and what is wrong with others."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from plugin.cli import replay
from plugin.cli.main import main

ROOT = Path(__file__).resolve().parents[3]
EVENTS = str(ROOT / "configs" / "recorded" / "events.jsonl")
FRAMES = str(ROOT / "configs" / "recorded" / "mirror.pcap.xz")
BOTH = ["--events", EVENTS, "--capture", FRAMES, "--model", "demo", "--rotate-time", "30s"]


def test_the_same_recording_gives_the_same_lines(tmp_path: Path) -> None:
    for name in ("first", "again"):
        assert main(["replay", *BOTH, "--json", "--out", str(tmp_path / name)]) == 0
    first = (tmp_path / "first").read_bytes()
    assert first == (tmp_path / "again").read_bytes()
    documents = [json.loads(line) for line in first.splitlines()]
    assert {one["kind"] for one in documents} == {"capture", "finding", "alarm"}
    assert not [one for one in documents if "/" in one.get("source", "")]


def test_people_get_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", *BOTH]) == 0
    lines = capsys.readouterr().out.splitlines()
    (finding,) = [line for line in lines if line[10:17] == "finding"]
    assert "vertical scan" in finding


def test_its_files_can_be_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", *BOTH, "--state", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    traces = list((tmp_path / "captures").glob("trace_*.pcap"))
    assert len(traces) == len([line for line in said if line[10:17] == "verdict"])
    assert list((tmp_path / "journal").iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to play"),
        (["--events", "none.jsonl"], "none.jsonl: cannot be read"),
        (["--capture", "none.pcap"], "none.pcap"),
        (["--events", EVENTS, "--model", "no-such-model"], "no-such-model"),
    ],
)
def test_what_cannot_be_played_is_told(
    words: list[str], said: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["replay", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan", "1e7"])
def test_a_speed_is_a_number_above_zero(speed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--events", EVENTS, "--speed", speed]) == 2
    assert "is no number above 0" in capsys.readouterr().err


def test_the_pace_is_that_of_the_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    clock = [100.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    wait = replay.pace(10)
    for recorded in (1e9, 1e9 + 5, 1e9 + 20):
        wait(recorded)
    clock[0] += 100  # it was slow: what is late is not waited for
    wait(1e9 + 30)
    assert slept == pytest.approx([0, 0.5, 1.5, 0])
    replay.pace(0)(1e9)
    assert len(slept) == 4
