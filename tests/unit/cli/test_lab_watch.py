from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from plugin.cli import lab_watch as command
from plugin.cli.main import command_parser, main
from plugin.errors import LabError, PolicyError
from plugin.lab import Lab
from plugin.lab.running import Running

# On a lab that is up: tests/e2e/test_lab.py.


def test_options_of_the_run_are_passed_on() -> None:
    args = command_parser("lab").parse_args(["watch", "--name", "x", "--", "--json", "--verbose"])
    assert (args.name, args.options) == ("x", ["--json", "--verbose"])
    args = command_parser("lab").parse_args(["watch"])
    assert (args.options, args.policy) == ([], None)
    args = command_parser("lab").parse_args(["watch", "--policy", "p.yaml", "--", "--json"])
    assert (args.options, args.policy) == (["--json"], Path("p.yaml"))


def test_no_lab_no_watch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "watch", "--name", "is-not-up"]) == 3
    assert "no lab is up" in capsys.readouterr().err


def test_sigterm_ends_it_as_ctrl_c_does() -> None:
    with pytest.raises(KeyboardInterrupt):
        command._interrupt(signal.SIGTERM, None)
    with Running(subprocess.Popen(["sh", "-c", "exit 7"], text=True)) as program:
        assert command._wait(program) == 7


def test_a_policy_that_is_wrong_is_refused_before_anything_is_changed(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("halia-policy: 1\nrules: [{name: x, match: {}, action: blok}]\n")
    args = command_parser("lab").parse_args(["watch", "--policy", str(policy)])
    lab = Lab("configs/lab/office.yaml")  # it is not up: the hook cannot be installed
    with pytest.raises(PolicyError, match="blok"):
        command.run(args, lab)
    policy.write_text("halia-policy: 1\n")
    with pytest.raises(LabError, match="is not up"):
        command.run(args, lab)
