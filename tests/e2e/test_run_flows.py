"""`halia run` with a model of `halia learn`: real programs, a real capture, a wire of its own.

Counted and waited for, never timed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plugin.capture.recorded import frames
from plugin.lab.daemons import halia_environment
from tests import networks
from tests.labs import wait_for

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "tests" / "data" / "captures"
PRINTER, MAC = CAPTURES / "airprint_printer4.pcap", "fc:15:b4:ab:2e:fd"
LEFT = "trace_fc15b4ab2efd_2015-11-22_23_56_08.pcap"
"""As an earlier run would have left it: it is judged at the next start."""
END_SECONDS = 60.0


def halia(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "plugin", *words]
    env = halia_environment() | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


class World:
    """Settings that name a model of flows, and the daemon that has them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config, self.model = folder, folder / "halia.yaml", folder / "bridge"
        self.out, self.log = folder / "out", folder / "log"
        self.captures = folder / "state" / "captures"
        bridge = CAPTURES / "HueBridge_Setup-C-12-STA.pcap"
        words = ("--pcap", str(bridge), "--feat-type", "STATS", "--output", str(self.model))
        done = halia("learn", *words)
        assert done.returncode == 0, done.stderr
        settings: dict[str, Any] = {
            "run": {"state": str(folder / "state"), "log": "json"},
            "capture": {"iface": networks.MIRROR, "min_free": 0},
            "faucet": {"events": "none"},
            "control": {"socket": str(folder / "halia.sock")},
            "detect": {"flows": [f"Printer={self.model}", f"*={self.model}"]},
        }
        self.config.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML

    def start(self) -> subprocess.Popen[bytes]:
        env = halia_environment() | {"HALIA_CONFIG": str(self.config), "OMP_NUM_THREADS": "1"}
        with self.out.open("a") as out, self.log.open("a") as log:
            command = [sys.executable, "-m", "plugin", "run", "--json"]
            return subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=log)

    def verdicts(self, mac: str = MAC) -> list[dict[str, Any]]:
        whole = [one for one in self.out.read_text().splitlines(keepends=True) if one[-1] == "\n"]
        found = [json.loads(one) for one in whole]
        return [one for one in found if one["kind"] == "capture" and one["mac"] == mac]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces")
def test_a_daemon_judges_by_flows_and_outlives_its_model(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.captures.mkdir(parents=True)
    shutil.copy(PRINTER, world.captures / LEFT)
    with networks.own_network():
        daemon = world.start()
        try:
            (first,) = wait_for(world.verdicts, "the verdict on what was left", END_SECONDS)
            arrays = world.model / "arrays.npz"
            arrays.write_bytes(arrays.read_bytes()[:-9])
            daemon.send_signal(signal.SIGHUP)
            wait_for(lambda: "kept as they were" in world.log.read_text(), "the reload")
            networks.send(*(data for _, _, data in frames(PRINTER)))
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(END_SECONDS) == 0, world.log.read_text()
        finally:
            daemon.kill()
        said = len(world.log.read_text())
        assert world.start().wait(END_SECONDS) == 2
    _, live = world.verdicts()
    for verdict, capture in ((first, LEFT), (live, Path(live["source"]).name)):
        assert Path(verdict["source"]).name == capture
        anomaly = verdict["anomaly"]
        assert (anomaly["verdict"], anomaly["behaviour"]) == ("novel", [])
        assert anomaly["novelty"]["score"] > anomaly["novelty"]["threshold"] == 0.1
        reason, *columns = anomaly["novelty"]["reasons"]
        assert "flows it sends are unlike those that bridge has learned" in reason
        assert any(", usually " in one for one in columns)
        assert " port " in anomaly["novelty"]["evidence"][0]
    assert first["role"]["labels"][0] == "Printer"
    log = world.log.read_text()
    assert "models of flows: Printer=bridge, *=bridge" in log
    (refused,) = log[said:].splitlines()
    assert refused.startswith(f"halia: detect.flows, role Printer: {world.model}: ")
