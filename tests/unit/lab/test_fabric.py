from __future__ import annotations

import signal
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from plugin.errors import LabError
from plugin.lab.daemons import Daemon
from plugin.lab.fabric import Fabric, _accepts
from plugin.lab.schema import parse_topology
from tests.labs import QUIET

if TYPE_CHECKING:
    from pathlib import Path

# What a whole fabric does is tested in tests/e2e/test_lab.py: it needs namespaces.


@pytest.fixture
def fabric(tmp_path: Path) -> Fabric:
    (tmp_path / "log").mkdir()
    return Fabric(tmp_path, parse_topology(QUIET), tmp_path)


def python(name: str, code: str) -> Daemon:
    return Daemon(name, [sys.executable, "-c", code], {})


def test_a_daemon_that_ends_is_told_with_its_last_words(fabric: Fabric) -> None:
    fabric._spawn(python("switch", "print('no such device'); raise SystemExit(3)"))
    with pytest.raises(LabError, match="switch: has ended: no such device"):
        fabric._wait("switch", lambda: False)


def test_a_deadly_signal_is_waited_for(fabric: Fabric) -> None:
    fabric._spawn(python("faucet", "import time; time.sleep(60)"))
    (told,) = fabric.daemons()
    assert told == {"name": "faucet", "pid": told["pid"], "alive": True}
    assert fabric.signal("faucet", signal.SIGKILL) == told["pid"]
    assert not fabric.daemons()[0]["alive"]
    assert fabric.collect(told["pid"])
    assert not fabric.collect(1)
    with pytest.raises(LabError, match="faucet: does not run"):
        fabric.signal("faucet", signal.SIGHUP)
    with pytest.raises(LabError, match="rabbitmq: does not run"):
        fabric.signal("rabbitmq", signal.SIGHUP)


def test_a_program_that_fails_is_told_with_its_words(fabric: Fabric) -> None:
    with pytest.raises(LabError, match="fails: oh no"):
        fabric._do([sys.executable, "-c", "raise SystemExit('oh no')"])


def test_a_socket_that_is_bound_is_not_yet_one_that_listens(tmp_path: Path) -> None:
    place = tmp_path / "s"
    assert not _accepts(place)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        assert not _accepts(place)
        listener.listen(1)
        assert _accepts(place)
