"""`halia run` from the command line; what it does is tested in tests/unit/app and tests/e2e."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from plugin.cli.main import main
from plugin.control.client import ask
from plugin.control.protocol import Request
from plugin.errors import HaliaError
from tests import frames as f
from tests import networks
from tests.apps import PATIENCE
from tests.labs import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
A = f.A.hex(":")
TALK = f.ethernet(f.ipv4(f.tcp(1, 2, f.ACK, b"payload"), 6), src=f.A, dst=f.B)
SETTINGS = """\
capture: {{min_free: 0, ring: 1M}}
control: {{socket: {0}/halia.sock}}
faucet: {{socket: {0}/faucet.sock, config: {0}/faucet.yaml, page: "http://127.0.0.1:1"}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "halia.yaml").write_text(SETTINGS.format(tmp_path))
    with networks.own_network():
        yield tmp_path


def words(folder: Path, *more: str) -> list[str]:
    return [
        "run", "--config", str(folder / "halia.yaml"), "--state", str(folder / "state"),
        "--iface", networks.MIRROR, "--model", "demo", *more,
    ]  # fmt: skip


def mirrored(folder: Path) -> bool:
    """Whether a frame that is sent now is heard, and the missing Faucet was told."""
    networks.send(TALK)
    try:
        found = ask(folder / "halia.sock", Request(ask="devices"))
    except HaliaError:
        return False  # it is not there yet
    (status,) = ask(folder / "halia.sock", Request(ask="status"))
    told = status["hook"]["problem"] is not None  # there is no faucet.yaml
    return told and [one["mirrored"] for one in found if one["mac"] == A] == [True]


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run it until it knows a device, then end it."""
    command = [sys.executable, "-m", "plugin", *words(folder, *more)]
    process = subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        wait_for((folder / "halia.sock").exists, "the socket", PATIENCE)
        wait_for(lambda: mirrored(folder), "the device", PATIENCE)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def test_a_signal_ends_it_well_with_its_verdicts_said(folder: Path) -> None:
    done = run(folder)
    assert done.returncode == 0, done.stderr
    assert [line[10:17] for line in done.stdout.splitlines()] == ["verdict"]
    assert A in done.stdout
    assert "faucet.yaml: cannot be read" in done.stderr  # alarms are in the log


def test_json_has_the_alarms_too(folder: Path) -> None:
    done = run(folder, "--json")
    assert done.returncode == 0, done.stderr
    documents: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one["kind"] for one in documents} == {"alarm", "capture"}


def test_quiet_says_nothing_but_its_log(folder: Path) -> None:
    done = run(folder, "--quiet")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--iface", "no-such-nic"], "no-such-nic"),
        (["--model", "no-such-model"], "no-such-model"),
        (["--state", "/proc/nowhere"], "/proc/nowhere"),
    ],
)
def test_what_is_wrong_is_told_before_it_begins(
    folder: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(folder, *more)) == 2
    assert said in capsys.readouterr().err


def test_without_an_interface_it_is_told_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "halia.yaml").write_text(SETTINGS.format(tmp_path))
    assert main(["run", "--config", str(tmp_path / "halia.yaml"), "--state", str(tmp_path)]) == 2
    assert "--iface" in capsys.readouterr().err
