from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from plugin.lab import control, inside
from tests.labs import QUIET

if TYPE_CHECKING:
    from pathlib import Path

# The whole of it runs in tests/e2e/test_lab.py: it is the first process of namespaces.


def prepare(folder: Path, topology: str) -> Path:
    folder.mkdir()
    spec = {"name": "x", "rabbit": False, "activity": True, "stat_reload": False}
    spec |= {"controller": "/c", "detached": False}
    (folder / control.SPEC).write_text(json.dumps(spec), encoding="utf-8")
    (folder / control.TOPOLOGY).write_text(topology, encoding="utf-8")
    return folder


def test_what_is_wrong_is_the_last_report_and_the_folder_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = prepare(tmp_path / "lab", "vlans: 7\n")
    assert inside.main([str(folder)]) == 2
    assert "topology.yaml:1:8: vlans" in json.loads(capsys.readouterr().out)["error"]
    assert not folder.exists()


def test_status_tells_every_host_with_its_place(tmp_path: Path) -> None:
    lab = inside.Inside(prepare(tmp_path / "lab", QUIET.replace("11/24}", "11/24, serves: [web]}")))
    status = lab.status()
    json.dumps(status)
    assert (status["broker"], status["prometheus"]) == (None, "http://127.0.0.1:9302/metrics")
    assert status["faucet_yaml"].startswith(status["folder"])
    hosts = {host["host"]: host for host in status["hosts"]}
    assert list(hosts) == ["h1", "h2", "m1", "m2", "remedy", "outside", "col"]
    assert hosts["h1"]["services"] == [{"name": "web", "transport": "tcp", "port": 80}]
    assert (hosts["outside"]["vid"], hosts["outside"]["port"]) == (100, 5)
    assert hosts["col"]["collector"]
    assert hosts["col"]["vid"] is None


def test_requests_that_cannot_be_are_answered(tmp_path: Path) -> None:
    import socket

    lab = inside.Inside(prepare(tmp_path / "lab", QUIET))

    def ask(request: dict[str, Any]) -> dict[str, Any]:
        here, there = socket.socketpair()
        with here, there:
            here.sendall(json.dumps(request).encode() + b"\n")
            lab._answer(there)
            answer: dict[str, Any] = json.loads(here.recv(65_536))
            return answer

    assert ask({"do": "dance"}) == {"error": "no such request"}
    assert ask({"do": "start", "name": "cron"}) == {"error": "no such name: cron"}
    assert ask({"do": "activity", "host": "h9", "on": True}) == {"error": "no such name: h9"}
    assert "no such kind" in ask({"do": "bad", "host": "h1", "kind": "x"})["error"]
    assert ask({"do": "activity", "host": "h1", "on": True}) == {"host": "h1", "active": False}
    assert not lab._stop
    assert ask({"do": "stop"}) == {}
    assert lab._stop
