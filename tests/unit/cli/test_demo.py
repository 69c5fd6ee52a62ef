"""What ``halia demo`` prints, on the recorded run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import plugin.cli.demo
from plugin.cli.main import main
from plugin.errors import LabError
from plugin.lab.demo import Step, recorded
from plugin.lab.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.lab.demo import Happening, Wishes


def test_the_recorded_run_is_told_line_by_line_and_summed_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["demo", "--recorded"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("* no network of its own (as you wish): a recorded run")
    assert "finding  ben " in out
    assert "alarm    ben " not in out  # each finding once
    table = out[out.index("\nhost ") :]
    assert "printer    printer            Printer" in table
    assert "10 of 12 hosts are known, 10 of these rightly.\n" in table
    assert "ben turned bad and was named after 0." in table
    assert out.endswith("All is as it should be.\n")


def test_json_lines_end_with_the_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--recorded", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["kind"] for line in lines].count("outcome") == 1
    outcome = lines[-1]
    assert (outcome["live"], outcome["bad"], outcome["failures"]) == (False, "ben", [])
    gadget = next(host for host in outcome["hosts"] if host["host"] == "gadget")
    assert (gadget["decision"], gadget["truth"]) == ("unknown", None)


def test_without_a_network_it_says_why_and_plays_the_recorded_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(wishes: Wishes) -> Iterator[Happening]:
        if wishes.seed:
            raise LabError("namespaces cannot be made here", where="office-1")
        yield Step("never")

    monkeypatch.setattr(plugin.cli.demo, "demo", no_network)
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    assert "no network of its own (office-1: namespaces cannot be made here)" in out
    assert "did not count" not in out
    assert main(["demo", "--seed", "5", "--for", "90s"]) == 0
    assert "all is decided: --seed, --for did not count" in capsys.readouterr().out


def test_what_is_not_as_it_should_be_is_said_and_is_exit_code_4(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unnamed() -> Iterator[Happening]:
        for one in recorded():
            yield one._replace(named_after=None) if isinstance(one, Outcome) else one

    monkeypatch.setattr(plugin.cli.demo, "recorded", unnamed)
    assert main(["demo", "--recorded"]) == 4
    out = capsys.readouterr().out
    assert out.endswith("NOT AS IT SHOULD BE: ben turned bad, and was not named\n")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--bad", "nobody"], "no such host"),
        (["--seed", "-1"], "no whole number"),
        (["--kind", "dance"], "invalid choice"),
        (["--picture", "x.png"], "goes with --captures"),
        (["--bad", "collector"], "no such host"),
        (["--kind", "brute", "--seed", "3"], "nobody in its VLAN serves imap"),
        (["--for", "10s"], "--for 10s: is too short"),
        (["--recorded", "--seed", "0"], "--seed: does not go with --recorded"),
        (["--recorded", "--for", "90s"], "--for: does not go with --recorded"),
        (["--captures", "--kind", "scan"], "--kind: does not go with --captures"),
        (["--captures", "--recorded"], "--recorded: does not go with --captures"),
        (["--bad", "none", "--kind", "scan"], "--kind: nobody does it with --bad none"),
    ],
)
def test_wishes_that_cannot_be(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", *words]) == 2
    assert reason in capsys.readouterr().err
