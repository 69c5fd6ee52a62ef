"""``halia demo`` on a real network: hosts told apart, a bad one named, calm ones left in peace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.labs import need_lab

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 170
PROMISED = {"printer", "file server", "workstation"}


def started(folder: str, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "plugin", "demo", "--json", *words]
    pipe, env = subprocess.PIPE, {**os.environ, "TMPDIR": folder}
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=pipe, stderr=pipe, text=True)


def lines(program: subprocess.Popen[str]) -> list[dict[str, Any]]:
    try:
        out, err = program.communicate(timeout=SECONDS)
    finally:
        program.kill()
    found = [json.loads(line) for line in out.splitlines()]
    assert found, err
    failures = found[-1].get("failures")
    assert (program.returncode, failures) == (0, []), (err, found[-1])
    return found


def leftovers(folder: str) -> set[str]:
    """What labs in a folder have left: folders of their own, and processes that name them."""
    done = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    there = {one.name for one in Path(folder).iterdir()}
    return there | {line for line in done.stdout.splitlines() if folder in line}


def test_a_bad_host_is_named_and_isolated_and_a_calm_network_stays_calm() -> None:
    need_lab()
    with tempfile.TemporaryDirectory(prefix="demos-") as folder:
        # Here an ACL of the operator stands between two hosts. One after the other, for both have
        # windows of half a minute in which enough must happen for each host to be known.
        named = lines(started(folder, "--seed", "1"))
        quiet = lines(started(folder, "--seed", "1", "--bad", "none"))
        assert leftovers(folder) == set()
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
    isolation = outcome["isolation"]
    all_of_them = isolation["answered"]["before"]
    assert isolation["answered"] == dict.fromkeys(isolation["answered"], all_of_them) | {"dead": 0}
    assert isolation["isolated_after"] > 0
    states = [one["body"]["case"]["state"] for one in isolation["trail"]]
    assert states[:4] == ["isolating", "isolated", "releasing", "released"]
    assert quiet[-1]["bad"] is None
    assert quiet[-1]["isolation"] is None
    assert "decision" not in {one["kind"] for one in quiet}
    assert not [one for one in quiet if one["kind"] == "finding"]
    assert not [host for host in quiet[-1]["hosts"] if host["anomalous"]]
