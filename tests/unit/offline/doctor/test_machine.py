"""What this machine must have, each thing there and missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plugin.offline.doctor import machine
from plugin.offline.doctor.account import account_of
from plugin.offline.doctor.check import Check, State
from plugin.settings import Settings
from tests.doctors import wanted
from tests.flow_models import saved_flows
from tests.nobody import as_nobody
from tests.services import open_folder

ROOT = Path(__file__).resolve().parents[4]
OK, WARN, FAILED, SKIPPED = State
NOW = machine.EARLIEST + 1e7


def test_the_core(core: str) -> None:
    found = machine.core()
    assert found.state is (OK if core == "c" else WARN)
    assert "Python 3." in found.what


def test_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.libraries(wanted(tmp_path)).state is OK
    there = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pika" else there(name)
    )
    assert machine.libraries(wanted(tmp_path)).state is OK
    for settings in (
        wanted(tmp_path, broker__url="amqp://127.0.0.1"),
        wanted(tmp_path, faucet__events="rabbitmq", broker__url="amqp://127.0.0.1"),
    ):
        found = machine.libraries(settings)
        assert (found.state, found.what) == (FAILED, "not installed: pika")
        assert "halia[live]" in str(found.remedy)


@pytest.mark.parametrize(
    ("now", "kept", "state"), [(NOW, True, OK), (NOW, False, WARN), (0.0, True, FAILED)]
)
def test_the_clock(now: float, state: State, *, kept: bool) -> None:
    found = machine.clock(now, kept=kept)
    assert found.state is state
    assert "1970-01-01" in found.what or state is not FAILED


def test_the_kernel_tells_whether_the_clock_is_kept() -> None:
    assert isinstance(machine.is_kept(), bool)
    assert machine.clock(NOW).state in {OK, WARN}


def state_folder(settings: Settings) -> Check:
    return machine.state_folder(settings, account_of(settings))


def test_a_state_folder(tmp_path: Path) -> None:
    found = state_folder(wanted(tmp_path, run__state=tmp_path, capture__quota=0))
    assert found.state is OK
    assert "will be made" not in found.what
    found = state_folder(wanted(tmp_path, run__state=tmp_path / "a" / "b"))
    assert "will be made" in found.what
    assert not (tmp_path / "a").exists()


def test_a_state_folder_without_room(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    found = state_folder(wanted(tmp_path, run__state=tmp_path, capture__min_free=2 * free))
    assert found.state is FAILED
    assert "less than capture.min_free" in found.what
    found = state_folder(wanted(tmp_path, run__state=tmp_path, capture__quota=2 * free))
    assert found.state is WARN
    assert "capture.quota" in found.what


def test_a_state_folder_that_is_not_ours() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    code = (
        "import sys; from pathlib import Path; from tests.doctors import wanted;"
        "from plugin.offline.doctor.machine import state_folder;"
        "from plugin.offline.doctor.account import account_of;"
        "found = wanted(Path(sys.argv[1]), run__state=Path(sys.argv[2]));"
        "found = state_folder(found, account_of(found));"
        "print(found.state, found.what, found.remedy)"
    )
    with open_folder() as folder, open_folder() as closed:
        folder.chmod(0o777)
        words = [sys.executable, "-c", code, str(folder), str(closed / "state")]
        done = subprocess.run(
            as_nobody(words, ROOT, folder, closed), cwd=ROOT, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
    assert done.stdout.startswith("failed")
    assert "Permission denied" in done.stdout
    assert str(closed) in done.stdout


def test_a_state_folder_of_an_earlier_run_as_root() -> None:
    """It is looked at as whom the daemon becomes, and the command that gives it away is told."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with open_folder() as folder:
        (folder / "state").mkdir(0o750)
        assert state_folder(wanted(folder, run__state=folder / "state")).state is OK
        settings = wanted(folder, run__state=folder / "state", run__user="nobody")
        found = state_folder(settings)
        assert (found.state, "belongs to root, not to nobody" in found.what) == (FAILED, True)
        assert "chown -hR" in str(found.remedy)
        assert str(folder / "state") in str(found.remedy)
        later = wanted(folder, run__state=folder / "new", run__user="nobody")
        assert state_folder(later).state is OK, "it will be made, and given away"


def test_models(tmp_path: Path) -> None:
    checks = list(machine.models(wanted(tmp_path)))
    assert [c.state for c in checks] == [OK]
    assert "device" in checks[0].what
    (found,) = machine.models(wanted(tmp_path, model="none-such"))
    assert found.state is FAILED
    assert "none-such" in found.what


def test_a_damaged_model(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "models", tmp_path / "models")
    settings = wanted(tmp_path, data=tmp_path, model="device")
    arrays = tmp_path / "models" / "enterprise" / "arrays.npz"
    arrays.write_bytes(arrays.read_bytes()[:-9])
    assert [c.state for c in machine.models(settings)] == [OK, WARN]
    arrays = tmp_path / "models" / "device" / "arrays.npz"
    arrays.write_bytes(arrays.read_bytes()[:-9])
    (found,) = machine.models(settings)
    assert found.state is FAILED
    assert "halia models verify" in str(found.remedy)


def test_models_of_flows(tmp_path: Path) -> None:
    model = saved_flows(tmp_path)
    _, found = machine.models(wanted(tmp_path, detect__flows=(f"Printer={model}",)))
    assert (found.state, found.what) == (OK, "Printer: tiny: loaded, and whole")
    for named, what in ((f"Prunter={model}", "'Printer'?"), ("*=none-such", "none-such")):
        _, found = machine.models(wanted(tmp_path, detect__flows=(named,)))
        assert found.state is FAILED
        assert what in found.what


def test_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert machine.user(wanted(tmp_path)).state is WARN
    assert machine.user(wanted(tmp_path, run__user="nobody")).state is OK
    found = machine.user(wanted(tmp_path, run__user="nosuchuser"))
    assert (found.state, "no such user" in found.what) == (FAILED, True)
    assert machine.user(wanted(tmp_path, run__user="root")).state is FAILED
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert machine.user(wanted(tmp_path)).state is OK
    assert machine.user(wanted(tmp_path, run__user="nobody")).state is SKIPPED


def test_the_policy(tmp_path: Path) -> None:
    def look(**values: Any) -> Check:
        settings = wanted(tmp_path, **values)
        return machine.policy(settings, account_of(settings))

    file = tmp_path / "p.yaml"
    assert look().state is SKIPPED
    found = look(policy__file=file)
    assert (found.state, str(file) in found.what) == (FAILED, True), "it has gone"
    rule = "{name: a, match: {behaviours: [beacon]}, action: block, mode: enforce}"
    file.write_text(f"halia-policy: 1\nrules: [{rule}]\n")
    found = look(policy__file=file)
    assert (found.state, "1 rules, 1 of them enforced" in found.what) == (OK, True)
    file.write_text("halia-policy: 1\nrules: [{name: a}]\n")
    found = look(policy__file=file)
    assert found.state is FAILED
    assert f"{file}:2:" in found.what
    assert f"halia policy check {file}" in str(found.remedy)


def test_a_policy_that_the_daemon_s_user_may_not_read() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with open_folder() as folder:
        file = folder / "p.yaml"
        file.write_text("halia-policy: 1\nrules: []\n")
        file.chmod(0o600)
        settings = wanted(folder, policy__file=file, run__user="nobody")
        found = machine.policy(settings, account_of(settings))
    assert (found.state, "may not be read by nobody" in found.what) == (FAILED, True)
