"""What gets installed: one top-level name, ours alone, with everything that it needs."""

from __future__ import annotations

import configparser
import importlib.metadata
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import plugin

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel from a copy of the tree (a build leaves folders behind)."""
    pytest.importorskip("setuptools", minversion="77", reason="setuptools >= 77 is not installed")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    work = tmp_path_factory.mktemp("wheel")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "bench/")):
            copy = work / "tree" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "-w", str(work), "."],
        cwd=work / "tree",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (built,) = work.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_brings_one_top_level_name(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    info = f"halia-{plugin.__version__}"
    assert tops == {"plugin", f"{info}.dist-info", f"{info}.data"}


def test_the_wheel_holds_every_module(wheel: zipfile.ZipFile) -> None:
    packed = set(wheel.namelist())
    sources = {p.relative_to(ROOT).as_posix() for p in (ROOT / "plugin").rglob("*.py")}
    assert sources <= packed
    assert "plugin/py.typed" in packed


def test_models_and_settings_are_installed(wheel: zipfile.ZipFile) -> None:
    packed = set(wheel.namelist())
    base = f"halia-{plugin.__version__}.data/data/share/halia"
    wanted = {
        f"{base}/{p.relative_to(ROOT).as_posix()}"
        for folder in ("configs", "models")
        for p in (ROOT / folder).rglob("*")
        if p.is_file()
    }
    assert wanted - packed == set(), "add them to data_files in setup.cfg"


def test_one_file_of_the_compiled_core_serves_every_python(wheel: zipfile.ZipFile) -> None:
    extensions = [n for n in wheel.namelist() if n.endswith(".so")]
    if not extensions:
        pytest.skip("the compiled core could not be built here")
    assert extensions == ["plugin/core/_core.abi3.so"]
    assert "-cp311-abi3-" in Path(str(wheel.filename)).name


def test_plugin_belongs_to_nobody_else() -> None:
    owners = importlib.metadata.packages_distributions().get("plugin", [])
    assert set(owners) <= {plugin.DISTRIBUTION}
    assert plugin.DISTRIBUTION == "halia"


def test_the_metadata_are_where_they_belong() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    assert config["metadata"]["name"] == plugin.DISTRIBUTION
    assert config["options"]["package_dir"].split() == ["=", "."]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "project" not in project


def test_every_lint_ignore_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    start = lines.index("ignore = [") + 1
    ignores = lines[start : lines.index("]", start)]
    assert ignores
    assert [line for line in ignores if "# " not in line] == []
