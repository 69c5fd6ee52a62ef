"""Which devices are wanted, in which order, and what their rows say."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.cli.device_rows import (
    HEADER,
    SORTS,
    STATES,
    Filter,
    alarm_line,
    decision_line,
    line,
    ordered,
    row,
    table,
)
from plugin.control.service import alarm_event
from plugin.policy.decision import decision_document
from tests.cases import step
from tests.services import GHOST, LAPTOP, NOW, PRINTER, case, device, office, role


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), [PRINTER, LAPTOP, GHOST]),
        (Filter(states=frozenset({"ok", "unknown"})), [PRINTER, GHOST]),
        (Filter(role="printer"), [PRINTER]),
        (Filter(port="sw1"), [PRINTER, LAPTOP]),
        (Filter(port="sw1:2"), [LAPTOP]),
        (Filter(port="7"), [GHOST]),
        (Filter(port="sw9:2"), []),
        (Filter(anomalous=True), [LAPTOP]),
        (Filter(anomalous=True, role="Printer"), []),
    ],
)
def test_filters(wanted: Filter, found: list[str]) -> None:
    assert [d["mac"] for d in office() if wanted.wants(d)] == found


def test_a_role_that_is_a_guess_is_not_found_as_known() -> None:
    guess = device(PRINTER, role=role("Printer", 0.4, "unknown"))
    assert not Filter(role="Printer").wants(guess)
    assert Filter(role="unknown").wants(guess)
    assert [cell.text for cell in row(guess, NOW)][4:6] == ["unknown", "-"]


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("state", [LAPTOP, GHOST, PRINTER]),
        ("port", [PRINTER, LAPTOP, GHOST]),
        ("role", [GHOST, PRINTER, LAPTOP]),
        ("seen", [PRINTER, LAPTOP, GHOST]),
        ("device", [PRINTER, LAPTOP, GHOST]),
    ],
)
def test_order(sort: str, found: list[str]) -> None:
    assert [d["mac"] for d in ordered(reversed(office()), sort)] == found


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "1: quarantine by scanners, in 1 h, proven"),
        ({"until": None}, "1: quarantine by scanners, until released, proven"),
        ({"proof": "loaded"}, "1: quarantine by scanners, in 1 h, not proven (loaded)"),
        ({"state": "releasing"}, "1: quarantine by scanners, being let out"),
        ({"state": "pending"}, "1: quarantine by scanners, approve or deny it"),
        ({"state": "simulated"}, "1: quarantine by scanners, only simulated"),
        ({"state": "over"}, "-"),
    ],
)
def test_what_is_decided_is_told(fields: dict[str, Any], said: str) -> None:
    one = device(LAPTOP, state="suspect", case=case(**fields))
    header, (other, cells) = table([device(GHOST), one], NOW)
    if said == "-":
        assert header == HEADER
    else:
        assert dict(zip(header, cells, strict=True))["decision"].text == said
        assert dict(zip(header, other, strict=True))["decision"].text == "-"
    assert dict(zip(header, cells, strict=True))["state"].text == "suspect"


def test_where_nothing_is_decided_no_column_says_so() -> None:
    assert table(office(), NOW) == (HEADER, [row(one, NOW) for one in office()])


def test_who_is_isolated_comes_first() -> None:
    isolated = device(GHOST, state="isolated", case=case(mac=GHOST))
    assert ordered([*office(), isolated], "state")[0]["mac"] == GHOST


def test_every_order_takes_every_state() -> None:
    many: list[dict[str, Any]] = [
        device(f"02:00:00:00:00:{i:02x}", state=state)
        for i, state in enumerate((*STATES, "a state of a newer Halia"))
    ]
    for sort in SORTS:
        assert len(ordered(many, sort)) == len(many)


def test_rows() -> None:
    printer, laptop, ghost = (dict(zip(HEADER, row(one, NOW), strict=True)) for one in office())
    told = [printer[name].text for name in HEADER[1:8]]
    assert told == ["10.0.0.11", "sw1:1", "ok", "Printer", "0.97", "normal", "5 s"]
    assert laptop["state"].style == laptop["anomaly"].style == "red"
    assert laptop["seen"].text == "2 min"
    assert [ghost[name].text for name in ("address", "role", "conf", "anomaly")] == ["-"] * 4


def test_lines() -> None:
    laptop = office()[1]
    assert line(laptop).startswith(f"{LAPTOP}  sw1:2  suspect  Workstation 0.81  anomalous  It ")
    assert alarm_line(alarm_event(NOW, "twice", LAPTOP, "on two ports")) == (
        f"alarm twice {LAPTOP}: on two ports"
    )
    assert alarm_line(alarm_event(NOW, "disk", None, "is full")) == "alarm disk: is full"


def test_a_decision_is_one_line() -> None:
    assert decision_line(decision_document(step("over", "released", why="it ended"))) == (
        "decision 02:00:00:00:00:0a: case 7, quarantine: the case is closed: horizontal scan:"
        " 412 hosts on port 445 in 60 s (it ended)"
    )


def test_what_says_nothing_is_not_said() -> None:
    quiet: dict[str, Any] = {
        "verdict": "undetermined",
        "novelty": None,
        "change": None,
        "behaviour": [],
    }
    unclear = role("Printer", 0.1, "undetermined")
    one = device(
        PRINTER, dp=None, port=None, state="undetermined", role=unclear, anomaly=quiet, why="Why."
    )
    assert line(one) == f"{PRINTER}  -  undetermined  role undetermined  Why."
    assert dict(zip(HEADER, row(one, NOW), strict=True))["anomaly"].text == "-"
    assert ordered([*office(), one], "port")[0]["dp"] is None
