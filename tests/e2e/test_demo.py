"""The demo's parts on real networks: recordings of labs, and its model on one of them.

Counted, never timed: who is in a recording, and what is never said, not how much was captured.
"""

from __future__ import annotations

import csv
import json
import lzma
import os
import subprocess
import sys
from pathlib import Path

from plugin.capture.source import find_captures
from plugin.faucet.event import Feed
from plugin.lab.offices import office
from plugin.lab.record import EVENTS, MIRROR, RUN
from plugin.offline.classify import classify
from plugin.offline.read import summarise
from tests.labs import CONTROLLER, need_lab

ROOT = Path(__file__).resolve().parents[2]
SEED = 4001
"""Of no network that the demo's model has learned or was tested on."""


def record(out: Path, *words: str) -> list[str]:
    command = [sys.executable, "-m", "plugin", "lab", "record", "--seeds", str(SEED)]
    command += ["--out", str(out), "--controller", CONTROLLER, *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "were missed" not in done.stderr
    return done.stdout.splitlines()


def test_a_lab_is_recorded_with_its_labels_and_the_demos_model_tells_roles(tmp_path: Path) -> None:
    need_lab()
    (line,) = map(json.loads, record(tmp_path, "--seconds", "8s", "--json"))
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert line["captures"] == len(rows)
    assert {
        p.relative_to(tmp_path).as_posix() for p in find_captures([tmp_path]) if p.suffix == ".pcap"
    } == {row["path"] for row in rows}
    hosts = {host.name: host for host in office(SEED).hosts}
    labels = {row["host"]: row["label"] for row in rows}
    wanted = {"anna": "workstation", "files": "file server", "gadget": "unknown gadget"}
    assert wanted.items() <= labels.items()
    known = {}
    for row in rows:
        assert row["mac"] == hosts[row["host"]].mac
        (verdict,) = classify(tmp_path / row["path"], model="demo", device=row["mac"])
        if verdict.role.decision == "known":
            known[row["host"]] = verdict.role.labels[0]
    assert known  # in so short a time not all are
    assert not {"gadget", "outside"} & known.keys()


def test_a_run_is_recorded_for_a_replay(tmp_path: Path) -> None:
    need_lab()
    record(tmp_path, "--seconds", "6s", "--replay", "--bad", "ben:scan@4s")
    place = tmp_path / str(SEED)
    assert sorted(p.name for p in place.iterdir()) == sorted([EVENTS, MIRROR, RUN])
    told = json.loads((place / RUN).read_text())
    bad = told["bad"]
    assert told["started"] < told["installed"] < bad["time"] < told["ended"]
    assert (bad["host"], bad["kind"], bad["mac"]) == ("ben", "scan", office(SEED).host("ben").mac)
    feed = Feed()
    items = feed.receive((place / EVENTS).read_bytes())
    assert {"DeviceLearned", "ConfigLoaded", "DatapathRestarted"} <= {
        type(i).__name__ for i in items
    }
    assert not [i for i in items if type(i).__name__ == "Garbage"]
    (tmp_path / "mirror.pcap").write_bytes(lzma.decompress((place / MIRROR).read_bytes()))
    plain, packed = (summarise(p).totals for p in (tmp_path / "mirror.pcap", place / MIRROR))
    assert plain.packets == packed.packets > 0
    assert plain.first_ns is not None
    assert told["started"] < plain.first_ns / 1e9 < told["ended"]
