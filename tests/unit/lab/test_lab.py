from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from plugin.errors import InputError, LabError, TopologyError
from plugin.lab import Lab, needs, parse_topology
from tests.labs import QUIET

if TYPE_CHECKING:
    from pathlib import Path

# Labs that are up are tested in tests/e2e/test_lab.py: they need namespaces.


def test_a_lab_that_is_not_up_says_so(tmp_path: Path) -> None:
    lab = Lab(parse_topology(QUIET))
    with pytest.raises(LabError, match="quiet: is not up"):
        lab.run("h1", ["true"])
    with pytest.raises(LabError, match="quiet: is not up"):
        lab.status()
    lab.down()
    with pytest.raises(LabError, match="no lab is up"):
        Lab.attach(tmp_path)
    with pytest.raises(TopologyError):
        Lab(tmp_path / "none.yaml")


def test_a_folder_that_is_there_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs, "_PACKAGES", {})
    monkeypatch.setattr(needs, "OVS_SCHEMA", tmp_path / "kept")
    for file in ("kept", "bin/faucet", "bin/python"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    lab = Lab(parse_topology(QUIET), controller=str(tmp_path), folder=tmp_path)
    with pytest.raises(LabError, match="cannot be made: File exists"):
        lab.up()
    assert (tmp_path / "kept").exists()


def test_hosts_are_looked_up_before_anything_is_run() -> None:
    lab = Lab(parse_topology(QUIET))
    with pytest.raises(InputError, match="h9: no such host; did you mean 'h"):
        lab.command("h9", ["true"])
    assert lab.collector == "col"
    assert lab.amqp_url is None
    assert Lab(parse_topology(QUIET), rabbit=True).amqp_url == "amqp://guest:guest@127.0.0.1:25672/"


def test_a_missing_controller_leaves_nothing(tmp_path: Path) -> None:
    lab = Lab(parse_topology(QUIET), controller=f"{tmp_path}/none", folder=tmp_path / "lab")
    with pytest.raises(LabError):
        lab.up()
    assert list(tmp_path.iterdir()) == []


def test_a_collector_that_is_not_there_cannot_be_taken() -> None:
    # Taken from a lab that is up: tests/e2e/test_run.py.
    with pytest.raises(LabError, match="quiet: is not up"):
        Lab(parse_topology(QUIET)).take_collector()
    without = QUIET.replace("collector: true", "vlan: office")
    with pytest.raises(LabError, match="quiet: the topology has no collector"):
        Lab(parse_topology(without)).take_collector()


def test_a_further_controller_is_called_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, known, made = Lab(parse_topology(QUIET), folder=tmp_path), "", []

    def run(_: object, words: list[str]) -> subprocess.CompletedProcess[str]:
        if "find" not in words:
            made.append(words)
        return subprocess.CompletedProcess(words, 0, known, "")

    monkeypatch.setattr(lab, "run", run)
    lab.call("127.0.0.1:6654")
    assert any("127.0.0.1:6654" in word for word in made[0])
    known = 'target : "tcp:127.0.0.1:6654"\n'
    lab.call("127.0.0.1:6654")
    assert len(made) == 1
