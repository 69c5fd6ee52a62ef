"""What can be run or set is documented, and the documents are true."""

from __future__ import annotations

import argparse
import re
import runpy
from pathlib import Path

import pytest

from plugin import settings
from plugin.cli import main as frame
from plugin.cli import reference
from plugin.settings.kinds import as_text
from plugin.settings.text import default_text

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_command_line_reference_equals_the_help() -> None:
    assert text_of("docs/cli.md") == reference.markdown(), "run: make docs"


@pytest.mark.parametrize("name", frame.COMMANDS)
def test_every_command_and_option_is_explained(name: str) -> None:
    listed = frame.COMMANDS[name]
    assert (ROOT / "plugin" / "cli" / f"{listed.module}.py").exists()
    assert listed.summary == frame.load(name).HELP, "the table in cli/main.py says otherwise"
    for parser in reference.parsers(frame.command_parser(name)):
        assert parser.description or parser.prog != f"halia {name}"
        # argparse has no public list of its options.
        for action in parser._actions:
            verbs = isinstance(action, argparse._SubParsersAction)
            assert action.help or verbs, f"{parser.prog} {action.option_strings or action.dest}"


@pytest.mark.parametrize("name", frame.COMMANDS)
def test_common_options_are_spelled_the_same_everywhere(name: str) -> None:
    for parser in reference.parsers(frame.command_parser(name)):
        if reference.children(parser):
            continue
        found = {o for action in parser._actions for o in action.option_strings}
        assert {"--config", "-q", "--quiet", "-v", "--verbose"} <= found, parser.prog
        assert ("--out" in found) == ("--force" in found), parser.prog


def test_every_command_stands_in_the_readme() -> None:
    readme = text_of("README.md")
    assert [name for name in frame.COMMANDS if f"halia {name}" not in readme] == []
    assert "make demo" in readme
    assert "make test" in readme


@pytest.mark.parametrize("setting", settings.SETTINGS, ids=lambda s: s.key)
def test_every_setting_is_documented_with_its_default(setting: settings.Setting) -> None:
    default = as_text(setting, setting.default)
    row = f"| `{setting.key}` | `{setting.variable}` | `{default}` | {setting.doc} |"
    assert row in text_of("docs/settings.md")


GIVEN_BY = {
    "broker.password": "broker_password(",
    "broker.password_file": "broker_password(",
}
"""Settings that one function of plugin.settings reads for everybody."""


def reads(text: str, key: str) -> bool:
    """Whether a source reads a setting: as a whole, or by another name for its section."""
    if key in GIVEN_BY:
        return GIVEN_BY[key] in text
    if re.search(rf"\b(settings|loaded)\.{key}\b", text):
        return True
    section, _, name = key.partition(".")
    return any(
        re.search(rf"\b{alias}\.{name}\b", function)
        for function in re.split(r"\n(?=\s*def )", text)
        for alias in re.findall(rf"\b(\w+) = (?:settings|loaded)\.{section}\n", function)
    )


@pytest.mark.parametrize("setting", settings.SETTINGS, ids=lambda s: s.key)
def test_every_setting_is_read_by_something(setting: settings.Setting) -> None:
    sources = [p for p in (ROOT / "plugin").rglob("*.py") if p.parent.name != "settings"]
    readers = [p.name for p in sources if reads(p.read_text(encoding="utf-8"), setting.key)]
    assert readers


def test_the_shipped_settings_file_is_the_default_one() -> None:
    assert text_of("configs/halia.yaml") == default_text(), "run: make docs"


def test_every_variable_is_documented() -> None:
    documented = text_of("docs/settings.md")
    found = set()
    for folder in ("plugin", "bench", "scripts", "tests"):
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in {".py", ".sh", ".c"}:
                found |= set(re.findall(r"\bHALIA_[A-Z][A-Z_]*[A-Z]\b", file.read_text("utf-8")))
    invented = {"HALIA_MODLE", "HALIA_BENCH_X"}  # by the tests of settings
    assert sorted(name for name in found - invented if name not in documented) == []


def test_the_table_of_modules_is_true() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "modules.py"))
    architecture = text_of("docs/architecture.md")
    assert script["renewed"](architecture) == architecture, "run: make docs"
    assert "| `cli/main.py` | The console script" in architecture


def test_every_file_that_architecture_points_to_exists() -> None:
    text = text_of("docs/architecture.md").partition("## Modules")[0]
    named = re.findall(r"`(?:plugin/)?((?:cli|core|capture|ml|sessions)/[\w/.]*\w|\w+\.py)`", text)
    assert named
    assert [n for n in named if "NAME" not in n and not (ROOT / "plugin" / n).exists()] == []


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{file.relative_to(ROOT)} -> {target}"
        for file in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", file.read_text(encoding="utf-8"))
        if "://" not in target and not (file.parent / target).exists()
    ]
    assert not broken


def test_decision_notes_are_short() -> None:
    for note in (DOCS / "decisions").glob("*.md"):
        lines = note.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("# "), note.name
        assert len(lines) <= 40, note.name
