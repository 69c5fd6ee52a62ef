"""``halia decisions`` asked of a real control socket."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugin.cli import asking
from plugin.cli.case_rows import HEADER
from plugin.cli.main import main
from tests.grounds import isolation, mac, site
from tests.isolated import journal, on_disk
from tests.services import LAPTOP, NOW, PRINTER, Office, case, serving, step

ME = pwd.getpwuid(os.getuid()).pw_name
Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def office() -> Office:
    found = Office()
    found.looks = [
        [case(1, state="over"), case(2, PRINTER, state="pending", notes=["x"]), case(3)],
    ]
    return found


@pytest.fixture
def ran(tmp_path: Path, office: Office, capsys: pytest.CaptureFixture[str]) -> Ran:
    def run(*words: str) -> tuple[int, str, str]:
        with serving(tmp_path / "s", office):
            code = main(["decisions", *words, "--socket", str(tmp_path / "s")])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_list(ran: Ran) -> None:
    code, out, err = ran("list")
    head, *rows = out.splitlines()
    assert (code, err) == (0, "")
    assert head.split() == list(HEADER)
    assert [row.split()[:3] for row in rows] == [
        ["3", LAPTOP, "isolated"], ["2", PRINTER, "pending"],
    ]  # fmt: skip


def test_list_all_as_json(ran: Ran) -> None:
    lines = ran("list", "--all", "--json")[1].splitlines()
    assert [json.loads(line)["number"] for line in lines] == [3, 2, 1]


def test_list_says_what_holds_for_all(ran: Ran, office: Office) -> None:
    office.looks = [[]]
    office.state["decisions"] = {
        "frozen": "10 devices are isolated", "learning_until": asking.now() + 7300,
    }  # fmt: skip
    _, _, err = ran("list")
    assert "no rule isolates anybody: 10 devices are isolated; 'halia decisions thaw'" in err
    assert "this site learns for 2 h more" in err
    assert "nothing is decided about anybody" in err
    late = asking.now() + 7300
    office.state["decisions"] = {"refused": "p.yaml: line 3", "rules": 0, "learning_until": late}
    _, _, err = ran("list")
    assert "p.yaml: line 3" in err
    assert "learns" not in err, "there is no rule that could act"
    office.state["decisions"] = {"frozen": None, "learning_until": NOW}
    _, _, err = ran("list")
    assert "learns" not in err
    assert "thaw" not in err


def test_show(ran: Ran) -> None:
    code, out, _ = ran("show", "2")
    assert code == 0
    assert f"case 2: {PRINTER}" in out
    assert "halia decisions approve 2" in out
    assert json.loads(ran("show", "2", "--json")[1])["number"] == 2
    code, out, err = ran("show", "9")
    assert (code, out) == (4, "")
    assert "case 9 is not known, or no more" in err


@pytest.mark.parametrize(
    ("words", "name", "order"),
    [
        (["approve", "2"], "answer", {"number": 2, "approve": True}),
        (["deny", "2"], "answer", {"number": 2, "approve": False}),
        (["extend", "3", "--for", "2h"], "extend", {"number": 3, "seconds": 7200.0}),
        (["thaw"], "thaw", {}),
    ],
)
def test_orders(
    ran: Ran, office: Office, words: list[str], name: str, order: dict[str, Any]
) -> None:
    office.steps = [step(case(3), "pending", "yes")]
    code, out, _ = ran(*words, "--reason", "I looked")
    assert code == 0
    assert f"case 3  {LAPTOP}  isolated  quarantine" in out
    assert office.orders == [(name, {**order, "reason": "I looked", "actor": ME})]
    assert json.loads(ran(*words, "--reason", "x", "--json")[1]) == office.steps[0]


def test_what_is_denied(ran: Ran, office: Office) -> None:
    office.denied = "case 9 asks for nothing"
    code, _, err = ran("approve", "9", "--reason", "x")
    assert (code, "case 9 asks for nothing" in err) == (4, True)


@pytest.mark.parametrize(
    "words",
    [["approve", "0"], ["approve", "-1"], ["deny", "x"], ["approve", "1" * 17], ["extend", "1"]],
)
def test_what_makes_no_sense(ran: Ran, office: Office, words: list[str]) -> None:
    assert ran(*words, "--reason", "x")[0] == 2
    assert ran("approve", "1")[0] == 2, "without a reason"
    assert office.orders == []


def test_no_daemon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decisions", "list", "--socket", str(tmp_path / "none")]) == 3
    assert "no Halia runs here" in capsys.readouterr().err


@pytest.fixture
def alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ran:
    """Without a daemon: one is isolated, one was; another stands in the files alone."""
    config = on_disk(tmp_path, site(), isolation("block", 1), isolation("block", 9))
    cases = [
        case(1, mac(1), name="desk", addresses=["10.0.0.1"], cookie=1),
        case(2, mac(2), state="over", addresses=[], cookie=2),
    ]
    journal(tmp_path / "state" / "journal", *cases)
    monkeypatch.setenv("HALIA_RUN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HALIA_FAUCET_CONFIG", str(config))

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["decisions", *words, "--socket", str(tmp_path / "none")])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_without_a_daemon_the_journal_and_the_files_say_who_is_isolated(alone: Ran) -> None:
    code, out, err = alone("list")
    assert code == 0
    assert [row.split()[:4] for row in out.splitlines()[1:]] == [["1", mac(1), "desk", "isolated"]]
    assert "no Halia runs here" in err
    assert "no Halia runs here: this is what the journal had last; no switch is read" in err
    assert f"{mac(9)} is isolated by Faucet's files, without a case" in err
    lines = alone("list", "--all", "--json")[1].splitlines()
    assert [json.loads(line)["number"] for line in lines] == [1, 2]
    code, out, err = alone("show", "1")
    assert (code, f"case 1: {mac(1)}  desk" in out, "no Halia runs here" in err) == (0, True, True)


def test_a_journal_that_cannot_be_read_leaves_the_files(alone: Ran, tmp_path: Path) -> None:
    for one in (tmp_path / "state" / "journal").iterdir():
        one.unlink()
    code, out, err = alone("list")
    assert (code, out.splitlines()[1:]) == (0, [])
    assert f"{mac(1)} is isolated by Faucet's files, without a case" in err
    assert "no journal" in err


def test_an_order_wants_the_daemon(alone: Ran) -> None:
    assert alone("approve", "1", "--reason", "x")[0] == 3
