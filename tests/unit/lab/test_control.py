from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from plugin.errors import LabError
from plugin.lab import control


def answer_once(folder: Path, answer: dict[str, Any], got: list[Any]) -> threading.Thread:
    listener = control.listen(folder)

    def serve() -> None:
        with listener, listener.accept()[0] as peer:
            got.append(control.receive(peer))
            control.reply(peer, answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_a_request_is_answered(tmp_path: Path) -> None:
    got: list[Any] = []
    thread = answer_once(tmp_path, {"x": "ä"}, got)
    assert control.ask(tmp_path, {"do": "status"}) == {"x": "ä"}
    thread.join()
    assert got == [{"do": "status"}]
    assert (tmp_path / control.SOCKET).stat().st_mode & 0o777 == 0o600


def test_an_error_is_raised_where_it_was_asked(tmp_path: Path) -> None:
    thread = answer_once(tmp_path, {"error": "no such host"}, [])
    with pytest.raises(LabError, match="bad: no such host"):
        control.ask(tmp_path, {"do": "bad"})
    thread.join()


def test_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="does not answer"):
        control.ask(tmp_path, {"do": "status"})
    assert control.first_pid(tmp_path) is None


def test_the_kernel_tells_who_listens(tmp_path: Path) -> None:
    with control.listen(tmp_path):
        assert control.first_pid(tmp_path) == os.getpid()


@pytest.mark.parametrize("junk", [b"", b"\n", b"[1]\n", b"\xff\n", b"{"])
def test_what_is_no_request_is_none(junk: bytes) -> None:
    import socket

    here, there = socket.socketpair()
    with here, there:
        here.sendall(junk)
        here.close()
        assert control.receive(there) is None
        control.reply(there, {})  # he has gone: no error


def test_a_folder_is_held_as_long_as_its_lock_is_open(tmp_path: Path) -> None:
    assert not control.is_held(tmp_path)
    lock = control.hold(tmp_path)
    assert lock is not None
    assert control.hold(tmp_path) is None
    assert control.is_held(tmp_path)
    os.close(lock)
    assert not control.is_held(tmp_path)


def test_folders_that_cannot_hold_a_lab() -> None:
    with pytest.raises(LabError, match="too long a path"):
        control.check_folder(Path("/opt") / ("x" * 100))
    with pytest.raises(LabError, match="its own /run"):
        control.check_folder(Path("/run/user/1"))
    control.check_folder(Path("/opt/lab/name"))
