"""``halia release`` asked of a real control socket, and without one."""

from __future__ import annotations

import json
import os
import pwd
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plugin.audit.journal import Journal
from plugin.cli.main import main
from plugin.offline.faucet import read_place
from plugin.offline.freeing import isolated
from tests.checker import environment
from tests.grounds import isolation, mac, site
from tests.isolated import journal, on_disk
from tests.services import LAPTOP, PRINTER, Office, case, serving, step
from tests.terminals import terminal

ROOT = Path(__file__).resolve().parents[3]
ME = pwd.getpwuid(os.getuid()).pw_name
WORDS = ["--reason", "a false alarm"]
Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def office() -> Office:
    """A daemon that lets out, and proves it at the fourth look."""
    found = Office()
    going = case(1, state="releasing")
    found.steps = [step(going, "isolated")]
    found.looks = [[case(1)], [going], [going], [case(1, state="released")]]
    return found


@pytest.fixture
def ran(tmp_path: Path, office: Office, capsys: pytest.CaptureFixture[str]) -> Ran:
    def run(*words: str) -> tuple[int, str, str]:
        with serving(tmp_path / "s", office):
            code = main(["release", *words, "--socket", str(tmp_path / "s")])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_one(ran: Ran, office: Office) -> None:
    code, out, _ = ran("ann-laptop", *WORDS, "--yes")
    assert code == 0
    assert "released; proven: no switch has a rule about it any more" in out
    assert office.orders == [("release", {"key": LAPTOP, "reason": "a false alarm", "actor": ME})]


def test_all_as_json(ran: Ran, office: Office) -> None:
    code, out, _ = ran("--all", *WORDS, "--yes", "--json")
    document = json.loads(out)
    assert (code, document["settled"]) == (0, True)
    assert document["cases"][0]["state"] == "released"
    assert office.orders[0][1]["key"] is None


def test_who_is_gone_is_known_by_his_case(ran: Ran, office: Office) -> None:
    office.found = []
    assert ran("10.0.0.12", *WORDS, "--yes")[0] == 0
    assert office.orders[0][1]["key"] == LAPTOP


@pytest.mark.parametrize(
    ("last", "code", "words"),
    [
        (case(1, state="releasing"), 3, "1 of 1 not released yet"),
        (case(1, state="isolated"), 4, "1 of 1 not released: isolated again"),
        (case(1, state="over"), 0, "released; proven"),
    ],
)
def test_what_was_reached_is_said_honestly(
    ran: Ran, office: Office, last: dict[str, object], code: int, words: str
) -> None:
    office.looks = [[case(1)], [last]]
    found, out, _ = ran(LAPTOP, *WORDS, "--yes", "--timeout", "0.3")
    assert (found, words in out) == (code, True), out


def test_what_was_never_read_is_not_called_proven(ran: Ran, office: Office) -> None:
    office.looks = [[case(1, proof="loaded")], [case(1, state="released")]]
    assert (
        "released; not proven: Faucet has loaded a file without it"
        in ran(LAPTOP, *WORDS, "--yes")[1]
    )


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (None, "released; proven: no switch has a rule about it any more"),
        ("probe: away", "a file without it, and the switches cannot be read: probe: away"),
    ],
)
def test_where_switches_are_read_it_is_not_said_that_none_is(
    ran: Ran, office: Office, problem: str | None, words: str
) -> None:
    """Also of a case that was never loaded."""
    office.state = {**office.state, "probe": {"address": "127.0.0.1:6654", "problem": problem}}
    office.looks = [[case(1, proof="none")], [case(1, state="released")]]
    assert words in ran(LAPTOP, *WORDS, "--yes")[1]


def test_why_it_is_not_released_yet_is_said(ran: Ran, office: Office) -> None:
    note = "not proven yet: Faucet has not loaded it"
    office.looks = [[case(1)], [case(1, state="releasing", notes=[note])]]
    code, out, _ = ran(LAPTOP, *WORDS, "--yes", "--timeout", "0.3")
    assert (code, note in out) == (3, True)


def test_what_only_asked_is_ended_and_no_proof_is_claimed(ran: Ran, office: Office) -> None:
    office.looks = [[case(1, state="pending")]]
    office.steps = [step(case(1, state="over", until=None), "pending")]
    code, out, _ = ran(LAPTOP, *WORDS, "--yes")
    assert code == 0
    assert "ended; nothing of it stood at a switch" in out
    assert "proven" not in out


def test_nobody_to_let_out(ran: Ran, office: Office) -> None:
    office.steps, office.looks = [], [[]]
    code, _, err = ran("--all", *WORDS, "--yes")
    assert (code, "nobody was isolated" in err) == (0, True)
    office.denied = "it is not isolated"
    code, _, err = ran(PRINTER, *WORDS, "--yes")
    assert (code, "it is not isolated" in err) == (4, True)


def test_whom_nobody_knows(ran: Ran, office: Office) -> None:
    code, _, err = ran("10.9.9.9", *WORDS, "--yes")
    assert (code, "no such device" in err) == (4, True)
    assert office.orders == []


def test_without_a_terminal_it_wants_a_yes(ran: Ran, office: Office) -> None:
    code, _, err = ran("--all", *WORDS)
    assert (code, "--yes" in err) == (4, True)
    assert office.orders == []


@pytest.fixture
def alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ran:
    """Without a daemon: two are isolated, and no switch is read."""
    config = on_disk(tmp_path, site(), isolation("block", 1), isolation("block", 2))
    cases = [case(n, mac(n), cookie=n, addresses=[f"10.0.0.{n}"]) for n in (1, 2)]
    journal(tmp_path / "state" / "journal", *cases)
    monkeypatch.setenv("HALIA_RUN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HALIA_CONTROL_SOCKET", str(tmp_path / "s"))
    here = ["--file", str(config), "--faucet", str(environment()), "--no-reload"]

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["release", *words, *WORDS, *here])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.mark.parametrize("words", [[*WORDS], [LAPTOP, "--all", *WORDS], ["--all"]])
def test_what_makes_no_sense(ran: Ran, office: Office, words: list[str]) -> None:
    assert ran(*words, "--yes")[0] == 2
    assert office.orders == []


def test_all_without_a_daemon(alone: Ran, tmp_path: Path) -> None:
    code, out, err = alone("--all", "--yes")
    assert code == 3, "nobody says that it is loaded"
    assert f"out of Faucet's file: {mac(1)}, {mac(2)}\n" in out
    assert "cases ended in the journal: 2\n" in out
    assert "not proven: nobody says that it is loaded" in out
    assert "no Halia runs here: working on journal and files alone" in err
    assert "halia run" not in err
    assert isolated(read_place(tmp_path / "faucet.yaml")) == frozenset()


def test_a_rule_of_ours_that_matches_anybody_is_not_called_nobody(
    alone: Ran, tmp_path: Path
) -> None:
    file = on_disk(tmp_path, site()).parent / "halia_isolation.yaml"
    rule = "    - {rule: {dl_type: 0x800, cookie: 77, actions: {allow: 0}}}\n"
    text = file.read_text()
    file.write_text(text.replace("    - {rule", rule + "    - {rule", 1))
    _, out, _ = alone("--all", "--yes")
    assert file.read_text() == text
    assert "out of Faucet's file: rules that name no device" in out


def test_one_without_a_daemon_as_json(alone: Ran, tmp_path: Path) -> None:
    code, out, _ = alone("10.0.0.2", "--yes", "--json")
    document = json.loads(out)
    assert (code, document["released"], document["cases"]) == (3, [mac(2)], 1)
    assert (document["gone"], document["written"], document["unnoted"]) == (False, True, None)
    assert isolated(read_place(tmp_path / "faucet.yaml")) == {mac(1)}


def test_nobody_to_let_out_without_a_daemon(alone: Ran) -> None:
    assert alone("--all", "--yes")[0] == 3
    code, out, _ = alone("--all", "--yes")
    assert code == 3, "nobody has seen yet that they are gone"
    assert "nobody was isolated there (let out before: 2)\n" in out
    assert "no running Faucet is found that reads " in out


def test_where_nobody_ever_was_isolated_nothing_is_wrong(alone: Ran, tmp_path: Path) -> None:
    on_disk(tmp_path, site())
    kept = tmp_path / "state" / "journal"
    for file in kept.iterdir():
        file.unlink()
    journal(kept, case(1, mac(1), state="over"))
    code, out, _ = alone("--all", "--yes")
    assert (code, "nobody was isolated there\n" in out) == (0, True)


def test_without_a_daemon_it_wants_a_yes_too(alone: Ran, tmp_path: Path) -> None:
    code, _, err = alone("--all")
    assert (code, "--yes" in err) == (4, True)
    assert len(isolated(read_place(tmp_path / "faucet.yaml"))) == 2


def test_a_daemon_that_hangs_is_not_worked_against(alone: Ran, tmp_path: Path) -> None:
    with Journal(tmp_path / "state" / "journal"):
        code, _, err = alone("--all", "--yes", "--anyway")
    assert (code, "a Halia that lives would isolate them again" in err) == (4, True)
    assert len(isolated(read_place(tmp_path / "faucet.yaml"))) == 2


def test_anyway_is_for_all(ran: Ran) -> None:
    code, _, err = ran(LAPTOP, *WORDS, "--anyway")
    assert (code, "only goes with --all" in err) == (2, True)


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"\n", 4)])
def test_at_a_terminal_it_shows_whom_and_asks(
    tmp_path: Path, office: Office, answer: bytes, code: int
) -> None:
    words = [sys.executable, "-m", "plugin", "release", "--all", *WORDS]
    words += ["--socket", str(tmp_path / "s")]
    office.looks[0][0]["mac"] = "\x1b[2J"
    with serving(tmp_path / "s", office), terminal(words, ROOT) as one:
        one.read_until("Release all 1? [y/N]")
        assert "case 1  \\x1b[2J  isolated  quarantine" in one.seen
        one.type(answer)
        one.read_all()
        assert one.process.wait() == code
    assert len(office.orders) == (code == 0)


@pytest.mark.usefixtures("alone")  # it sets up the files and the environment
@pytest.mark.parametrize(
    ("whom", "question", "named"),
    [("--all", "Release all 2, without the daemon? [y/N]", [1, 2]),
     ("10.0.0.2", "Release it, without the daemon? [y/N]", [2])],
)  # fmt: skip
def test_without_a_daemon_it_shows_whom_and_asks_too(
    tmp_path: Path, whom: str, question: str, named: list[int]
) -> None:
    words = [sys.executable, "-m", "plugin", "release", whom, *WORDS]
    words += ["--file", str(tmp_path / "faucet.yaml")]
    with terminal(words, ROOT) as one:
        one.read_until(question)
        for number in (1, 2):
            line = f"case {number}  {mac(number)}  isolated  quarantine"
            assert (line in one.seen) is (number in named)
        one.type(b"\n")
        one.read_all()
        assert one.process.wait() == 4
    assert len(isolated(read_place(tmp_path / "faucet.yaml"))) == 2


@pytest.mark.usefixtures("alone")
def test_who_is_not_isolated_is_not_asked_about(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "plugin", "release", "10.0.0.77", *WORDS]
    with terminal([*words, "--file", str(tmp_path / "faucet.yaml")], ROOT) as one:
        one.read_all()
        assert one.process.wait() == 4
    assert "is not isolated" in one.seen
    assert "[y/N]" not in one.seen


def test_one_device_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "ann-laptop", "--all", *WORDS]) == 2
    assert "either a DEVICE or --all, not both" in capsys.readouterr().err
    assert main(["release", *WORDS]) == 2
    assert "needs a DEVICE, or --all" in capsys.readouterr().err
