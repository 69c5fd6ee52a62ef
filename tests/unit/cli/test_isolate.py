"""``halia isolate`` asked of a real control socket."""

from __future__ import annotations

import json
import os
import pwd
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugin.cli.main import main
from plugin.errors import PeerError
from plugin.policy.reports import MISSING, REFUSED, UNREAD
from tests.services import LAPTOP, PRINTER, Office, case, device, serving, step
from tests.terminals import terminal

ROOT = Path(__file__).resolve().parents[3]
WORDS = ["--action", "quarantine", "--for", "1h", "--reason", "it scans"]
Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def office() -> Office:
    """A daemon that isolates at once, and proves it at the third look."""
    found = Office()
    begun = case(1, state="isolating", proof="none", origin="operator", rule=None, actor="ann")
    found.steps = [step(begun)]
    found.looks = [[begun], [begun | {"proof": "loaded"}], [case(1)]]
    return found


@pytest.fixture
def ran(tmp_path: Path, office: Office, capsys: pytest.CaptureFixture[str]) -> Ran:
    def run(*words: str) -> tuple[int, str, str]:
        with serving(tmp_path / "s", office):
            code = main(["isolate", *words, "--socket", str(tmp_path / "s")])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_it_waits_until_it_is_proven(ran: Ran, office: Office) -> None:
    code, out, err = ran("10.0.0.12", *WORDS, "--yes")
    assert code == 0
    assert "isolated; proven: read back from every hooked port" in out
    assert f"case 1  {LAPTOP}  isolated  quarantine" in out
    assert "still reach it" in err
    ((name, order),) = office.orders
    assert name == "isolate"
    assert order == {
        "key": LAPTOP, "action": "quarantine", "seconds": 3600.0, "reason": "it scans",
        "actor": pwd.getpwuid(os.getuid()).pw_name,
    }  # fmt: skip


def test_as_json(ran: Ran) -> None:
    code, out, _ = ran("ann-laptop", *WORDS, "--yes", "--json")
    document = json.loads(out)
    assert (code, document["settled"]) == (0, True)
    assert document["cases"][0]["number"] == 1


@pytest.mark.parametrize(
    ("now", "code", "words"),
    [
        ({"state": "isolating", "proof": "none"}, 3, "not isolated yet: ordered, and not in"),
        ({"state": "isolating", "proof": "written"}, 3, "not isolated yet: written"),
        (
            {"state": "isolating", "proof": "loaded", "notes": [f"{MISSING}sw1 port 2"]},
            3,
            "not read back from the switches; not proven yet: sw1 port 2",
        ),
        (
            {"state": "isolating", "proof": "loaded", "notes": [UNREAD]},
            0,
            "isolated as Faucet says, not proven: loaded by Faucet",
        ),
        (
            {"state": "isolating", "proof": "none", "notes": [f"{REFUSED}no meters"]},
            4,
            "not isolated: cannot be done: no meters",
        ),
        ({"state": "isolated", "proof": "none"}, 3, "not isolated yet"),
        (
            {"state": "over", "reason": "sw1 is not hooked"},
            4,
            "not isolated: the case is over: sw1",
        ),
        ({"state": "releasing"}, 4, "not isolated: the case is releasing"),
    ],
)
def test_what_was_reached_is_said_honestly(
    ran: Ran, office: Office, now: dict[str, Any], code: int, words: str
) -> None:
    office.looks = [[case(1, **now)]]
    found, out, _ = ran(LAPTOP, *WORDS, "--yes", "--timeout", "0.3")
    assert (found, words in out) == (code, True), out


def test_what_is_denied(ran: Ran, office: Office) -> None:
    office.denied = "it is protected: the policy names its role"
    code, out, err = ran(LAPTOP, *WORDS, "--yes")
    assert (code, out) == (4, "")
    assert "it is protected" in err


def test_an_order_that_led_to_nothing(ran: Ran, office: Office) -> None:
    office.steps = [step(case(9, PRINTER))]
    code, _, err = ran(LAPTOP, *WORDS, "--yes")
    assert (code, "took no step" in err) == (4, True)


def test_whom_nobody_knows(ran: Ran, office: Office) -> None:
    assert ran("10.9.9.9", *WORDS, "--yes")[0] == 4
    office.found = [device(PRINTER, name="x"), device(LAPTOP, name="X")]
    code, _, err = ran("x", *WORDS, "--yes")
    assert code == 4
    assert PRINTER in err
    assert LAPTOP in err
    assert office.orders == []


def test_without_a_terminal_it_wants_a_yes(ran: Ran, office: Office) -> None:
    code, _, err = ran(LAPTOP, *WORDS)
    assert (code, "--yes" in err) == (4, True)
    assert office.orders == []


@pytest.mark.parametrize(
    "words",
    [
        ["--action", "watch", "--for", "1h", "--reason", "x"],
        ["--action", "limit", "--for", "1h", "--reason", "x"],
        ["--action", "block", "--for", "0", "--reason", "x"],
        ["--action", "block", "--reason", "x"],
        ["--action", "block", "--for", "1h", "--until-released", "--reason", "x"],
        ["--action", "block", "--for", "1h"],
        ["--action", "block", "--for", "1h", "--reason", "  "],
        ["--action", "block", "--for", "1h", "--reason", "a\nb"],
    ],
)
def test_what_makes_no_sense(ran: Ran, office: Office, words: list[str]) -> None:
    assert ran(LAPTOP, *words, "--yes")[0] == 2
    assert office.orders == []


def test_until_released(ran: Ran, office: Office) -> None:
    assert ran(LAPTOP, "--action", "block", "--until-released", "--reason", "x", "--yes")[0] == 0
    assert office.orders[0][1]["seconds"] is None


def test_no_daemon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["isolate", LAPTOP, *WORDS, "--yes", "--socket", str(tmp_path / "none")]) == 3
    assert "no Halia runs here" in capsys.readouterr().err


def test_a_daemon_that_goes_away_after_the_order(
    ran: Ran, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*, over: bool) -> list[dict[str, object]]:
        raise PeerError(f"the daemon ends {over}")

    monkeypatch.setattr(office, "decisions", away)
    code, _, err = ran(LAPTOP, *WORDS, "--yes")
    assert code == 3
    assert "it was ordered, and how far it came is not known" in err


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 4), (b"\n", 4)])
def test_at_a_terminal_it_shows_who_it_is_and_asks(
    tmp_path: Path, office: Office, answer: bytes, code: int
) -> None:
    office.found.append(device("02:00:00:00:00:99", port=2))
    words = [sys.executable, "-m", "plugin", "isolate", LAPTOP, *WORDS]
    words += ["--socket", str(tmp_path / "s")]
    with serving(tmp_path / "s", office), terminal(words, ROOT) as one:
        one.read_until("Isolate it (quarantine) for 1h? [y/N]")
        for shown in ("ann-laptop", "Workstation", "sw1, port 2", "1 other device there"):
            assert shown in one.seen
        one.type(answer)
        one.read_all()
        assert one.process.wait() == code
    assert len(office.orders) == (code == 0)
