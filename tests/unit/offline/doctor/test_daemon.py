"""The daemon as the doctor finds it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from plugin.errors import DeniedError, PeerError
from plugin.offline.doctor.check import State
from plugin.offline.doctor.daemon import Daemon, control, find_daemon
from tests.doctors import wanted
from tests.services import STATUS, serving


def test_one_that_runs(tmp_path: Path) -> None:
    with serving(tmp_path / "s"):
        daemon = find_daemon(tmp_path / "s")
    assert daemon == Daemon(STATUS)
    assert daemon.may_run
    found = control(wanted(tmp_path), daemon)
    assert (found.state, found.what) == (
        State.OK,
        "Halia 0.1 runs as process 4711, and answers",
    )


def test_none(tmp_path: Path) -> None:
    settings = wanted(tmp_path, control__socket=tmp_path / "s")
    daemon = find_daemon(tmp_path / "s")
    assert not daemon.may_run
    assert control(settings, daemon).state is State.SKIPPED
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "s"))
    assert control(settings, find_daemon(tmp_path / "s")).state is State.SKIPPED


def test_something_else_there(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    found = control(wanted(tmp_path, control__socket=tmp_path / "s"), find_daemon(tmp_path / "s"))
    assert (found.state, found.remedy) == (State.FAILED, "move it away")


def test_one_that_is_ill(tmp_path: Path) -> None:
    settings = wanted(tmp_path, control__socket=tmp_path / "s")
    with serving(tmp_path / "s"):
        ill = Daemon(None, PeerError("the daemon does not answer"))
        assert control(settings, ill).state is State.FAILED


def test_one_that_may_not_be_asked(tmp_path: Path) -> None:
    daemon = Daemon(None, DeniedError("this user may not ask the daemon", where="/s"))
    assert daemon.may_run, "so that nothing is taken from it"
    found = control(wanted(tmp_path), daemon)
    assert found.state is State.WARN
    assert "control.group" in str(found.remedy)
    assert daemon.tells("probe", "probe", "x").state is State.SKIPPED
    assert "cannot tell" in daemon.tells("probe", "probe", "x").what


def test_a_group_that_is_not_there(tmp_path: Path) -> None:
    found = control(wanted(tmp_path, control__group="nosuchgroup"), Daemon(STATUS))
    assert (found.state, found.remedy) == (State.FAILED, "groupadd --system nosuchgroup")


@pytest.mark.parametrize(
    ("part", "state", "words"),
    [
        (None, State.SKIPPED, "does not tell"),
        ({"connected": True}, State.OK, "has it"),
        ({"connected": False}, State.FAILED, "not connected"),
        ({"connected": True, "problem": "torn"}, State.FAILED, "torn"),
    ],
)
def test_what_it_says_of_a_part(part: object, state: State, words: str) -> None:
    found = Daemon({"feed": part}).tells("event feed", "feed", "do this")
    assert (found.name, found.state) == ("event feed", state)
    assert words in found.what
    assert (found.remedy == "do this") == (state is State.FAILED)


@pytest.mark.parametrize(("mode", "state"), [(0o750, State.FAILED), (0o751, State.SKIPPED)])
def test_a_folder_that_the_group_cannot_enter(tmp_path: Path, mode: int, state: State) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    settings = wanted(tmp_path, control__socket=folder / "s", control__group="mail")
    folder.chmod(mode)
    found = control(settings, find_daemon(folder / "s"))
    assert found.state is state
    if state is State.FAILED:
        assert found.remedy == f"chmod o+x {folder}"
    folder.rmdir()
    assert control(settings, find_daemon(folder / "s")).state is State.SKIPPED
