"""`halia run` from the command line; what it does is tested in tests/unit/app and tests/e2e."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
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
from tests.services import open_folder

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


def begin(folder: Path, *more: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "plugin", *words(folder, *more)],
        cwd=ROOT, text=True, stdout=stdout, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run it until it knows a device, then end it."""
    process = begin(folder, *more)
    try:
        wait_for((folder / "halia.sock").exists, "the socket", PATIENCE)
        wait_for(lambda: mirrored(folder), "the device", PATIENCE)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


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


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder for a run that becomes nobody; pytest's own are closed to others."""
    with open_folder() as folder, networks.own_network():
        text = SETTINGS.format(folder) + "run: {user: nobody}\n"
        (folder / "halia.yaml").write_text(text)
        (folder / "target").mkdir()
        (folder / "target" / "shadow").touch(0o600)
        yield folder


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in (folder, *folder.rglob("*"))}


def test_what_run_user_planted_makes_root_change_nothing(open_to_all: Path) -> None:
    folder, nobody = open_to_all, pwd.getpwnam("nobody").pw_uid
    state, target = folder / "state", folder / "target"
    assert run(folder).returncode == 0
    assert owners(state) == {nobody}
    assert {path.stat().st_mode & 0o007 for path in (state, state / "captures")} == {0}

    (last,) = (state / "journal").glob("*.jsonl")
    last.write_bytes(last.read_bytes() + b"root::0:0")
    planted = state / "journal" / f"{last.stem}-{last.stat().st_size}.torn"
    planted.symlink_to(target / "passwd")
    os.lchown(planted, nobody, nobody)
    assert run(folder).returncode == 0
    assert [path.name for path in target.iterdir()] == ["shadow"]

    shutil.rmtree(state / "captures")
    (state / "captures").symlink_to(target)
    os.lchown(state / "captures", nobody, nobody)
    process = begin(folder)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert f"{state / 'captures'}: is a link" in err
    assert owners(target) == {0}


def test_as_nobody_it_captures_again_when_the_interface_comes_back(open_to_all: Path) -> None:
    process = begin(open_to_all)

    def connected() -> bool:
        (status,) = ask(open_to_all / "halia.sock", Request(ask="status"))
        return bool(status["capture"]["connected"])

    try:
        wait_for((open_to_all / "halia.sock").exists, "the socket", PATIENCE)
        wait_for(lambda: mirrored(open_to_all), "the device", PATIENCE)
        networks.unplug()
        wait_for(lambda: not connected(), "an end of the capture", PATIENCE)
        networks.plug_in()
        wait_for(connected, "the capture again", PATIENCE)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        assert "is captured again" in err
    finally:
        process.kill()
        process.communicate()


def test_a_reload_that_comes_too_early_does_not_end_it(folder: Path) -> None:
    process = begin(folder)
    status = Path(f"/proc/{process.pid}/status")

    def heeds() -> bool:
        """Whether SIGHUP does not end it any more."""
        fields = dict(one.split(":\t", 1) for one in status.read_text().splitlines())
        mask = int(fields["SigIgn"], 16) | int(fields["SigCgt"], 16)
        return bool(mask >> (signal.SIGHUP - 1) & 1)

    try:
        wait_for(heeds, "its first word", PATIENCE)
        assert not (folder / "halia.sock").exists(), "it is still reading its settings"
        process.send_signal(signal.SIGHUP)
        wait_for((folder / "halia.sock").exists, "the socket", PATIENCE)
        wait_for(lambda: mirrored(folder), "the device", PATIENCE)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_reader_of_lines_who_stands_still_does_not_keep_it_from_ending(folder: Path) -> None:
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    os.write(write, b"x" * 4096)  # nobody reads it
    process = begin(folder, "--json", stdout=write)
    try:
        wait_for((folder / "halia.sock").exists, "the socket", PATIENCE)
        wait_for(lambda: mirrored(folder), "the device", PATIENCE)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, "lines were left out" in err) == (0, True), err
    finally:
        process.kill()
        process.communicate()
        os.close(read)
        os.close(write)


def test_lines_that_a_full_disk_does_not_take_are_told(folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        process = begin(folder, "--json", stdout=full.fileno())
    try:
        wait_for((folder / "halia.sock").exists, "the socket", PATIENCE)
        wait_for(lambda: mirrored(folder), "the device", PATIENCE)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, "No space left" in err) == (2, True), err
    finally:
        process.kill()
        process.communicate()
