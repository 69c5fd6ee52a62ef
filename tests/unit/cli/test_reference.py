from __future__ import annotations

import os

import pytest

from plugin.cli import reference
from plugin.cli.main import COMMANDS


def test_the_whole_parser_has_every_command_and_its_verbs() -> None:
    whole = reference.whole_parser()
    assert list(reference.children(whole)) == list(COMMANDS)
    config = reference.children(whole)["config"]
    assert list(reference.children(config)) == ["show", "check", "init"]
    names = [parser.prog for parser in reference.parsers(whole)]
    assert "halia config show" in names
    assert len(names) == len(set(names))


def test_the_reference_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    narrow = reference.markdown()
    assert os.environ["COLUMNS"] == "40"
    monkeypatch.delenv("COLUMNS")
    assert reference.markdown() == narrow
    assert "COLUMNS" not in os.environ
    assert "\n## halia config check\n" in narrow
