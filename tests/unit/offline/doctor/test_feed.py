"""Faucet's event socket: there, free, taken; and a Halia that has it is left in peace."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plugin.errors import DeniedError, PeerError
from plugin.offline.doctor.check import State
from plugin.offline.doctor.daemon import Daemon
from plugin.offline.doctor.feed import feed
from tests.doctors import wanted
from tests.nobody import as_nobody
from tests.services import open_folder

ROOT = Path(__file__).resolve().parents[4]
NOBODY_RUNS = Daemon(None, PeerError("no Halia runs here"))


@contextmanager
def faucet(path: Path) -> Iterator[socket.socket]:
    """A Faucet's socket; whoever connects waits in its queue, and would be seen there."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.setblocking(False)
        yield listener
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_one_that_is_free(tmp_path: Path) -> None:
    with faucet(tmp_path / "f.sock"):
        found = feed(wanted(tmp_path, faucet__socket=tmp_path / "f.sock"), NOBODY_RUNS)
    assert (found.state, found.remedy) == (State.OK, None)


def test_it_is_found_under_another_name_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    settings = wanted(tmp_path, faucet__socket=tmp_path / "link" / "f.sock")
    with faucet(tmp_path / "f.sock"):
        assert feed(settings, NOBODY_RUNS).state is State.OK


@pytest.mark.parametrize("accepted", [True, False])
def test_one_that_somebody_reads(tmp_path: Path, *, accepted: bool) -> None:
    settings = wanted(tmp_path, faucet__socket=tmp_path / "f.sock")
    with faucet(tmp_path / "f.sock") as listener, socket.socket(socket.AF_UNIX) as reader:
        reader.connect(str(tmp_path / "f.sock"))
        before = listener.accept()[0] if accepted else None
        found = feed(settings, NOBODY_RUNS)
        assert found.state is State.FAILED
        assert "somebody else reads it" in found.what
        assert "rabbitmq" in str(found.remedy)
        (before or listener.accept()[0]).close()


def test_one_that_is_served_in_another_namespace(tmp_path: Path) -> None:
    settings = wanted(tmp_path, faucet__socket=tmp_path / "f.sock")
    (tmp_path / "empty").write_text("Num RefCount Protocol Flags Type St Inode Path\n")
    with faucet(tmp_path / "f.sock"):
        for table in (tmp_path / "empty", tmp_path / "none"):
            found = feed(settings, NOBODY_RUNS, table)
            assert found.state is State.WARN
            assert "in this network namespace" in found.what


def test_a_halia_that_runs_is_asked(tmp_path: Path) -> None:
    settings = wanted(tmp_path, faucet__socket=tmp_path / "f.sock")
    with faucet(tmp_path / "f.sock"):
        assert feed(settings, Daemon({"feed": {"connected": True}})).state is State.OK
        broken = Daemon({"feed": {"connected": False, "problem": "closed by Faucet"}})
        found = feed(settings, broken)
        assert found.state is State.FAILED
        assert "closed by Faucet" in found.what
        hidden = Daemon(None, DeniedError("this user may not ask the daemon"))
        assert feed(settings, hidden).state is State.SKIPPED


def test_none(tmp_path: Path) -> None:
    path = tmp_path / "f.sock"
    settings = wanted(tmp_path, faucet__socket=path)
    found = feed(settings, NOBODY_RUNS)
    assert (found.state, found.what) == (State.FAILED, f"{path} is not there")
    assert found.remedy is not None
    assert f"FAUCET_EVENT_SOCK={path}" in found.remedy
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    found = feed(settings, NOBODY_RUNS)
    assert found.state is State.WARN
    assert "nobody in this network namespace serves it" in found.what
    path.unlink()
    path.write_text("")
    assert "is no socket" in feed(settings, NOBODY_RUNS).what


def test_none_is_wanted(tmp_path: Path) -> None:
    found = feed(wanted(tmp_path, faucet__events="none"), NOBODY_RUNS)
    assert found.state is State.SKIPPED


def test_one_that_this_user_may_not_read() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    code = (
        "import sys; from pathlib import Path; from tests.doctors import wanted;"
        "from plugin.offline.doctor.feed import feed;"
        "from plugin.offline.doctor.daemon import Daemon;"
        "path = Path(sys.argv[1]);"
        "print(feed(wanted(path.parent, faucet__socket=path), Daemon(None)))"
    )
    with open_folder() as folder, faucet(folder / "f.sock"):
        folder.chmod(0o777)
        (folder / "f.sock").chmod(0o600)
        words = as_nobody([sys.executable, "-c", code, str(folder / "f.sock")], ROOT, folder)
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "may not be read by nobody" in done.stdout
