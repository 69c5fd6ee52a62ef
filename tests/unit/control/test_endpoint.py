"""The file of the control socket: its rights, stale ones, and daemons that live."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.control.endpoint import lock_of, open_endpoint
from plugin.errors import OutputError

ROOT = Path(__file__).resolve().parents[3]
DAEMON = """
import sys, time
from pathlib import Path
from plugin.control.endpoint import open_endpoint
open_endpoint(Path(sys.argv[1]), owner=None, group=None)
print("listens", flush=True)
time.sleep(600)
"""


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_rights_and_removal(tmp_path: Path) -> None:
    path = tmp_path / "run" / "halia.sock"
    old = os.umask(0)
    try:
        endpoint = open_endpoint(path, owner=None, group=None)
    finally:
        os.umask(old)
    assert mode_of(path.parent) == 0o750
    assert mode_of(path) == 0o660
    assert sorted(p.name for p in path.parent.iterdir()) == ["halia.sock", "halia.sock.lock"]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    endpoint.close()
    assert list(path.parent.iterdir()) == []


def test_owner_and_group(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path = tmp_path / "run" / "halia.sock"
    endpoint = open_endpoint(path, owner=1, group=2)
    for place in (path, path.parent):
        assert (place.stat().st_uid, place.stat().st_gid) == (1, 2)
    endpoint.close()


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    open_endpoint(tmp_path / "s", owner=None, group=None).close()
    assert mode_of(tmp_path) == 0o711


def test_a_live_one_is_never_taken_and_a_dead_ones_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    argv = [sys.executable, "-c", DAEMON, str(path)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "listens\n"
        inode = path.stat().st_ino
        with pytest.raises(OutputError, match="another Halia serves here"):
            open_endpoint(path, owner=None, group=None)
        assert path.stat().st_ino == inode
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
    assert path.exists(), "it was killed and cleaned nothing up"
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
        client.connect(str(path))
    endpoint = open_endpoint(path, owner=None, group=None)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    endpoint.close()
    assert list(tmp_path.iterdir()) == []


def test_one_that_answers_without_the_lock_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(OutputError, match="another Halia serves here"):
            open_endpoint(path, owner=None, group=None)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("dear")
    with pytest.raises(OutputError, match="is no socket"):
        open_endpoint(path, owner=None, group=None)
    assert path.read_text() == "dear"
    assert not lock_of(path).is_symlink()


def test_a_link_in_the_locks_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "s.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="cannot be made"):
        open_endpoint(tmp_path / "s", owner=None, group=None)
    assert not (tmp_path / "elsewhere").exists()


def test_places_that_cannot_hold_one(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="too long a path"):
        open_endpoint(tmp_path / ("x" * 120), owner=None, group=None)
    with pytest.raises(OutputError, match="No such file"):
        open_endpoint(tmp_path / "a" / "b" / "s", owner=None, group=None)


def test_closing_leaves_what_another_has_put_there(tmp_path: Path) -> None:
    path = tmp_path / "s"
    endpoint = open_endpoint(path, owner=None, group=None)
    (tmp_path / "other").write_text("other")
    (tmp_path / "other").replace(path)
    endpoint.close()
    assert path.read_text() == "other"
