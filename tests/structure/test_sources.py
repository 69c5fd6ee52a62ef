"""Rules that hold for every file: a test beside each source, sizes, no traces of a machine."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "plugin").rglob("*.py"))
LINES_MAX = 400


def tracked() -> list[Path]:
    """Give the files of the project: those that git keeps or would keep."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if (ROOT / name).is_file()]


def mirrors_of(source: Path) -> set[Path]:
    """Name the test files that may go with plugin/a/_b.py: tests/unit/a/test_b.py, test__b.py."""
    inside = source.relative_to(ROOT / "plugin")
    folder = ROOT / "tests" / "unit" / inside.parent
    return {folder / f"test_{name}.py" for name in (inside.stem, inside.stem.strip("_"))}


def has_code(source: Path) -> bool:
    """Tell whether a file does anything; an __init__.py with a docstring does not."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    return any(
        isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        for node in tree.body
    )


def test_every_source_file_has_its_test_file() -> None:
    missing = [
        f"{source.relative_to(ROOT)} -> {min(mirrors_of(source)).relative_to(ROOT)}"
        for source in SOURCES
        if (source.name != "__init__.py" or has_code(source))
        and not any(mirror.exists() for mirror in mirrors_of(source))
    ]
    assert not missing


def test_every_unit_test_belongs_to_a_source_file() -> None:
    known = set().union(*map(mirrors_of, SOURCES))
    found = set((ROOT / "tests" / "unit").rglob("test_*.py"))
    assert sorted(str(p.relative_to(ROOT)) for p in found - known) == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_source_file_is_small_typed_and_named_well(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    assert text.count("\n") <= LINES_MAX
    assert text.startswith(('"""', 'r"""')), "says first what it is for"
    assert "from __future__ import annotations" in text or not has_code(source)
    words = set(source.stem.strip("_").split("_"))
    assert not words & {"manager", "helper", "helpers", "util", "utils", "handler", "data"}


def test_no_module_is_named_as_one_of_the_standard_library() -> None:
    import sys

    # A file run by mistake as a script would hide it: only plain top-level names matter.
    names = {p.stem for p in (ROOT / "plugin").glob("*.py")} - {"__init__", "__main__"}
    assert not names & sys.stdlib_module_names


def test_no_path_of_a_machine_stands_in_the_tree() -> None:
    # The folders above the checkout, and homes; tests need not name any of them.
    traces = [re.escape(f"{ROOT.parent}/")] if len(ROOT.parent.parts) > 1 else []
    pattern = re.compile("|".join([*traces, "/root/", r"/home/[a-z]\w+/(?!\.)\w"]))
    found = []
    for file in tracked():
        content = file.read_bytes()
        if b"\0" in content[:4096] or file == Path(__file__):
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{file.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert not found


def test_shell_scripts_are_clean() -> None:
    import shutil

    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    scripts = [
        p
        for p in tracked()
        if p.suffix in {"", ".sh"} and p.read_bytes()[:20].startswith(b"#!/usr/bin/env bash")
    ]
    assert scripts
    done = subprocess.run(
        ["shellcheck", *map(str, scripts)], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""


def test_ignores_carry_a_code_and_a_reason() -> None:
    reasoned = re.compile(
        r"#\s*(noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*|type: ignore\[[\w, -]+\]) +(#|-|—) *\S"
    )
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for folder in ("plugin", "tests", "bench", "scripts")
        for file in sorted((ROOT / folder).rglob("*.py"))
        if file != Path(__file__)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"#\s*(noqa|type: ignore)", line) and not reasoned.search(line)
    ]
    assert not found


def test_skips_carry_a_reason() -> None:
    bare = re.compile(r"pytest\.(mark\.(skip|xfail)\b(?!.*reason)|skip\(\s*\))")
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in sorted((ROOT / "tests").rglob("*.py"))
        if file != Path(__file__)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert not found
