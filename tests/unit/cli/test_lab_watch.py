from __future__ import annotations

import signal
import subprocess

import pytest

from plugin.cli import lab_watch as command
from plugin.cli.main import command_parser, main
from plugin.lab.running import Running

# On a lab that is up: tests/e2e/test_lab.py.


def test_options_of_the_run_are_passed_on() -> None:
    args = command_parser("lab").parse_args(["watch", "--name", "x", "--", "--json", "--verbose"])
    assert (args.name, args.options) == ("x", ["--json", "--verbose"])
    assert command_parser("lab").parse_args(["watch"]).options == []


def test_no_lab_no_watch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "watch", "--name", "is-not-up"]) == 3
    assert "no lab is up" in capsys.readouterr().err


def test_sigterm_ends_it_as_ctrl_c_does() -> None:
    with pytest.raises(KeyboardInterrupt):
        command._interrupt(signal.SIGTERM, None)
    with Running(subprocess.Popen(["sh", "-c", "exit 7"], text=True)) as program:
        assert command._wait(program) == 7
