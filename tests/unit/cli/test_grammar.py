from __future__ import annotations

import os

import pytest

from plugin.cli.grammar import Parser, help_width


def test_no_option_can_be_abbreviated_not_even_of_a_sub_command() -> None:
    parser = Parser(prog="x")
    parser.add_argument("--number")
    verb = parser.add_subparsers().add_parser("show")
    verb.add_argument("--window")
    assert parser.parse_args(["--number", "1", "show", "--window", "2"]).window == "2"
    for words in (["--numb", "1"], ["show", "--win", "2"]):
        with pytest.raises(SystemExit):
            parser.parse_args(words)


def test_help_is_as_wide_as_columns_say_or_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    assert help_width() == 48
    monkeypatch.setenv("COLUMNS", "wide")
    monkeypatch.setattr(os, "get_terminal_size", lambda _fd: os.terminal_size((120, 30)))
    assert help_width() == 118

    def no_terminal(_fd: int) -> os.terminal_size:
        raise OSError

    monkeypatch.setattr(os, "get_terminal_size", no_terminal)
    assert help_width() == 78


def test_a_description_keeps_its_lines() -> None:
    assert "one\n  two" in Parser(prog="x", description="one\n  two").format_help()


def test_a_negative_value_reaches_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="x", exit_on_error=False)
    parser.add_argument("--window", type=str)
    parser.add_argument("-q", action="store_true")
    assert vars(parser.parse_args(["--window", "-5m", "-q"])) == {"window": "-5m", "q": True}
    parser.print_help()
    assert capsys.readouterr().out == parser.format_help()


def test_a_wrong_option_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="halia x")
    parser.add_argument("--window", type=int)
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(["--window", "a"])
    assert stop.value.code == 2
    said = "halia x: argument --window: invalid int value: 'a'; see 'halia x --help'\n"
    assert capsys.readouterr() == ("", said)
