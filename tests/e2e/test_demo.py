"""``halia demo`` on a real network: hosts told apart, a bad one named, calm ones left in peace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.labs import need_lab

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 170
PROMISED = {"printer", "file server", "workstation"}


def started(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "plugin", "demo", "--json", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


def lines(program: subprocess.Popen[str]) -> list[dict[str, Any]]:
    out, err = program.communicate(timeout=SECONDS)
    found = [json.loads(line) for line in out.splitlines()]
    assert found, err
    failures = found[-1].get("failures")
    assert (program.returncode, failures) == (0, []), (err, found[-1])
    return found


def leftovers() -> set[str]:
    """What a lab would leave: its folders, and its processes' words."""
    done = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return {line for line in done.stdout.splitlines() if "plugin.lab.inside" in line}


def test_a_bad_host_is_named_and_a_calm_network_stays_calm() -> None:
    need_lab()
    before = leftovers()
    bad, calm = started("--seed", "2"), started("--seed", "3", "--bad", "none")
    try:
        named, quiet = lines(bad), lines(calm)
    finally:
        for program in (bad, calm):
            program.kill()
    outcome = named[-1]
    assert outcome["live"] is True
    assert outcome["bad"] == "ben"
    assert 0 <= outcome["named_after"] <= 30
    findings = [one for one in named if one["kind"] == "finding"]
    assert {one["mac"] for one in findings} == {
        h["device"]["mac"] for h in outcome["hosts"] if h["host"] == "ben"
    }
    assert "vertical-scan" in {one["anomaly"]["behaviour"][0]["name"] for one in findings}
    for said in (named, quiet):
        hosts = said[-1]["hosts"]
        assert {h["profile"] for h in hosts if h["right"]} >= PROMISED
        assert [h["decision"] for h in hosts if h["profile"] == "unknown gadget"] == ["unknown"]
    assert quiet[-1]["bad"] is None
    assert not [one for one in quiet if one["kind"] == "finding"]
    assert not [host for host in quiet[-1]["hosts"] if host["anomalous"]]
    assert leftovers() <= before
