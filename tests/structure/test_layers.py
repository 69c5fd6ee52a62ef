"""The layer rule, by import-linter, and that no module can be left out of it."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run_linter(folder: Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("importlinter", reason="import-linter (extra dev) is not installed")
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    code = code.replace(
        "lint_imports())", "lint_imports(config_filename='setup.cfg', no_cache=True))"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


def test_imports_keep_to_the_layers() -> None:
    done = run_linter(ROOT)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("plugin/errors.py", "import plugin.settings\n"),
        ("plugin/forgotten.py", ""),
        ("plugin/core/layout.py", "import socket\n"),
    ],
)
def test_the_rule_can_be_broken(tmp_path: Path, file: str, text: str) -> None:
    for source in [ROOT / "setup.cfg", *(ROOT / "plugin").rglob("*.py")]:
        copy = tmp_path / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
    broken = tmp_path / file
    before = broken.read_text(encoding="utf-8") if broken.exists() else ""
    broken.write_text(before + text, encoding="utf-8")
    assert run_linter(tmp_path).returncode != 0


def test_pure_modules_are_all_named() -> None:
    """A new file in a pure folder is pure from the start: wildcards, not lists, name them."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    pure = config["importlinter:contract:pure"]["source_modules"].split()
    assert {"plugin.errors", "plugin.core.layout"} <= set(pure)
    if (ROOT / "plugin" / "sessions").is_dir():
        assert "plugin.sessions.*" in pure or "plugin.sessions" in pure
