"""All checks, one after the other."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from plugin.offline import doctor
from plugin.offline.doctor import State, examine, machine
from tests.doctors import wanted
from tests.services import open_folder, serving

NAMES = [
    "core", "libraries", "clock", "user", "state folder", "models", "policy", "control socket",
    "interface", "event feed", "faucet page", "faucet.yaml", "isolation", "faucet checker", "probe",
    "broker", "notices", "store",
]  # fmt: skip


def test_where_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    settings = wanted(
        tmp_path, run__state=tmp_path / "state", control__socket=tmp_path / "s",
        faucet__socket=tmp_path / "f.sock", faucet__config=tmp_path / "faucet.yaml",
        faucet__page="http://127.0.0.1:9", faucet__environment=tmp_path,
    )  # fmt: skip
    checks = list(examine(settings, machine.EARLIEST + 1))
    assert [check.name for check in checks] == NAMES
    failing = {check.name for check in checks if check.state is State.FAILED}
    assert failing == {"event feed", "faucet page", "faucet.yaml", "faucet checker"}
    for check in checks:
        assert check.what
        assert check.remedy or check.state in {State.OK, State.SKIPPED}
    assert [p.name for p in tmp_path.iterdir()] == ["halia.yaml"], "looking has changed nothing"


def test_a_daemon_that_runs_is_asked(tmp_path: Path) -> None:
    settings = wanted(tmp_path, control__socket=tmp_path / "s")
    with serving(tmp_path / "s"):
        checks = {c.name: c for c in examine(settings, 0.0)}
    assert checks["clock"].state is State.FAILED
    assert checks["control socket"].state is checks["event feed"].state is State.OK
    assert checks["event feed"].what == "the Halia that runs has it"


def test_what_may_not_be_looked_at_fails_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "state.sqlite")

    monkeypatch.setattr(doctor.peers, "store", refused)
    checks = {c.name: c for c in examine(wanted(tmp_path), machine.EARLIEST + 1)}
    assert checks["store"].state is State.FAILED
    assert checks["store"].what == "state.sqlite: Permission denied"
    assert checks["store"].remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_event_socket_is_looked_at_as_whom_the_daemon_becomes() -> None:
    with open_folder() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "f.sock"))
        listener.listen()
        (folder / "f.sock").chmod(0o600)
        places = {"control__socket": folder / "s", "faucet__socket": folder / "f.sock"}
        for values, state in (({}, State.OK), ({"run__user": "nobody"}, State.FAILED)):
            checks = examine(wanted(folder, **places, **values), machine.EARLIEST + 1)
            assert next(c for c in checks if c.name == "event feed").state is state
