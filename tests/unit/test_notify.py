"""What systemd is told, on a real datagram socket; and the unit, as systemd reads it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.notify import Notifier

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@halia-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(name.replace("@", "\0", 1) if request.param == "abstract" else name)
        one.settimeout(10)
        yield one, name


def test_a_life(systemd: tuple[socket.socket, str]) -> None:
    listener, name = systemd
    before = time.monotonic_ns() // 1000
    with Notifier({"NOTIFY_SOCKET": name}) as notifier:
        assert notifier.ready("3 devices\nREADY=0")
        assert notifier.status("judging")
        assert notifier.alive()
        assert notifier.reloading(time.monotonic_ns())
        assert notifier.stopping()
    said = [listener.recv(4096).decode() for _ in range(5)]
    reloading, _, stamp = said.pop(3).partition("\nMONOTONIC_USEC=")
    assert reloading == "RELOADING=1"
    assert before <= int(stamp) <= time.monotonic_ns() // 1000
    assert said == [
        "READY=1\nSTATUS=3 devices\\nREADY=0",
        "STATUS=judging",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


@pytest.mark.parametrize("name", ["", "/nowhere/at/all", "@nobody-is-there", "vsock:2:1234"])
def test_without_systemd_nothing_happens(name: str) -> None:
    with Notifier({"NOTIFY_SOCKET": name} if name else {}) as notifier:
        assert not notifier.ready("up")
        assert not notifier.alive()


def test_a_systemd_that_does_not_listen_is_not_waited_for(
    systemd: tuple[socket.socket, str],
) -> None:
    with Notifier({"NOTIFY_SOCKET": systemd[1]}) as notifier:
        told = 0
        while notifier.status("x"):
            told += 1
        systemd[0].recv(10)
        assert told
        assert notifier.status("y")


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_watchdog(variables: dict[str, str], seconds: float | None) -> None:
    with Notifier({"NOTIFY_SOCKET": "/x", **variables}) as notifier:
        assert notifier.watchdog_seconds == seconds


@pytest.mark.parametrize("broken", [False, True])
def test_systemd_takes_our_unit(tmp_path: Path, *, broken: bool) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = (ROOT / "configs" / "systemd" / "halia.service").read_text(encoding="utf-8")
    if broken:
        unit = unit.replace("ProtectSystem=strict", "ProtectSystm=strict")
    (tmp_path / "halia.service").write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "halia.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "halia.service" in line]
    assert bool(said) == broken, done.stderr


def test_the_unit_asks_for_what_we_read() -> None:
    unit = (ROOT / "configs" / "systemd" / "halia.service").read_text(encoding="utf-8")
    for line in ("StateDirectory=halia", "RuntimeDirectory=halia", "User=halia", "Type=notify"):
        assert line in unit.splitlines()


def test_it_holds_nothing_open_for_children() -> None:
    code = "import os; print(len(os.listdir('/proc/self/fd')))"
    count = [sys.executable, "-c", code]
    before = subprocess.run(count, capture_output=True, check=True, close_fds=False).stdout
    with Notifier({}):
        after = subprocess.run(count, capture_output=True, check=True, close_fds=False).stdout
    assert before == after
