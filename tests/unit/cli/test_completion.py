from __future__ import annotations

import os
import shutil
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plugin.cli.completion import SHELLS
from plugin.cli.main import COMMANDS, main
from plugin.control.whom import mac_in
from tests.services import GHOST, LAPTOP, PRINTER, Office, case, device, serving

ROOT = Path(__file__).resolve().parents[3]
pytest.importorskip("shtab", reason="shtab (extra cli) is not installed")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_can_read_its_script(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / f"halia.{shell}"
    assert main(["completion", shell, "--out", str(script)]) == 0
    text = script.read_text(encoding="utf-8")
    assert all(name in text for name in COMMANDS)
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == text
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    parsed = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, check=False)
    assert (parsed.returncode, parsed.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("halia clas", ["classify"]),
        ("halia classify --model ", ["demo", "device", "enterprise"]),
        ("halia models show e", ["enterprise"]),
        ("halia models show n", ["normal"]),
        ("halia classify --normal n", ["normal", "none"]),
        ("halia classify --suspicion ", ["suspicion", "none"]),
        ("halia train --adapt e", ["enterprise"]),
        ("halia evaluate e", ["enterprise"]),
    ],
)
def test_bash_completes(line: str, offered: list[str], tmp_path: Path) -> None:
    assert completed(line, tmp_path) == offered


def completed(line: str, folder: Path) -> list[str]:
    """What bash offers at the end of a line."""
    script = folder / "halia.bash"
    assert main(["completion", "bash", "--out", str(script)]) == 0
    words = " ".join(f"'{word}'" for word in line.split(" "))
    before, last = [f"'{word}'" for word in line.split(" ")][-2:]
    asked = (
        f"source {script}; COMP_WORDS=({words}); COMP_CWORD={len(line.split(' ')) - 1};"
        f" COMP_LINE='{line}'; COMP_POINT={len(line)};"
        f" $(complete -p halia | sed 's/.*-F \\([^ ]*\\).*/\\1/') halia {last} {before};"
        ' echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    return done.stdout.split()


HOSTILE = ("$(touch pwned)", "`touch pwned`", "a b", "-rf", "x;y", "é", "*")


def told(*devices: dict[str, Any]) -> Office:
    office = Office(list(devices))
    office.looks = [[case(7), case(12, PRINTER), case(9, state="over")]]
    return office


def test_words(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("HALIA_CONTROL_SOCKET", str(tmp_path / "s"))
    evil = [device(f"02:00:00:00:01:{n:02x}", name=name) for n, name in enumerate(HOSTILE)]
    known = device(LAPTOP, name="ann-laptop", addresses=["10.0.0.12", "fe80::2"])
    with serving(tmp_path / "s", told(known, *evil)):
        assert main(["completion", "--words", "devices"]) == 0
        words = capsys.readouterr().out.splitlines()
        assert main(["completion", "--words", "cases"]) == 0
        assert capsys.readouterr().out.splitlines() == ["12", "7"]
    assert {"02-00-00-00-00-02", "10.0.0.12", "ann-laptop"} <= set(words)
    assert not set(HOSTILE) & set(words)
    assert all(set(word) <= set(string.ascii_letters + string.digits + "._-") for word in words)
    assert mac_in("02-00-00-00-00-02") == LAPTOP, "what is offered must be understood"
    assert main(["completion", "--words", "devices"]) == 0
    assert capsys.readouterr() == ("", ""), "without a daemon"


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("halia isolate ann", ["ann-laptop"]),
        ("halia release 02-", ["02-00-00-00-00-02"]),
        ("halia devices show 10.", ["10.0.0.12"]),
        ("halia audit show a", ["ann-laptop"]),
        ("halia decisions approve 1", ["12"]),
    ],
)
def test_bash_completes_what_the_daemon_knows(
    line: str, offered: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "halia").write_text(f'#!/bin/sh\nexec {sys.executable} -m plugin "$@"\n')
    (tmp_path / "halia").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("HALIA_CONTROL_SOCKET", str(tmp_path / "s"))
    known = device(LAPTOP, name="ann-laptop", addresses=["10.0.0.12", "fe80::2"])
    with serving(tmp_path / "s", told(known, device(GHOST, name="$(touch pwned)", addresses=[]))):
        found = completed(line, tmp_path)
    assert [word for word in found if word != "02-00-00-00-00-03"] == offered
    assert not (ROOT / "pwned").exists()


def test_a_shell_or_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion"]) == 2
    assert main(["completion", "bash", "--words", "cases"]) == 2
    assert "needs a shell, or --words" in capsys.readouterr().err


def test_without_shtab_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 2
    assert "pip install 'halia[cli]'" in capsys.readouterr().err


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "invalid choice: 'tcsh'" in capsys.readouterr().err
