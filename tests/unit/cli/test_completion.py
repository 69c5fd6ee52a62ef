from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.cli.completion import SHELLS
from plugin.cli.main import COMMANDS, main

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
    ],
)
def test_bash_completes(line: str, offered: list[str], tmp_path: Path) -> None:
    script = tmp_path / "halia.bash"
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
    assert done.stdout.split() == offered


def test_without_shtab_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 2
    assert "pip install 'halia[cli]'" in capsys.readouterr().err


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "invalid choice: 'tcsh'" in capsys.readouterr().err
