"""A case as a page for a help desk."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.cli.case_page import page, standing
from plugin.cli.case_rows import STATES
from tests.services import LAPTOP, NOW, case


def told(document: dict[str, Any], **options: Any) -> str:
    return page(document, NOW, **{"width": None, "colour": False, **options})


def test_one_that_is_isolated() -> None:
    notes = ["dns 10.0.0.53 is left out: sw1 port 2 denies it"]
    text = told(case(7, name="ann-laptop", notes=notes, models=["device"]))
    for words in (
        f"case 7: {LAPTOP}  ann-laptop\n",
        "decision    case 7, quarantine: it is isolated",
        "began by    scanners",
        "ends        2023-11-14T23:13:20Z, in 1 h",
        "proof       proven: read back from every hooked port",
        "but         dns 10.0.0.53 is left out",
        "but         broadcasts, multicasts",
        "reason      it scans",
        "last step   2023-11-14T22:12:30Z, by scanners",
        "evidence    f-1",
        "models      device",
        f"policy      {'ab' * 32}",
    ):
        assert words in text, words
    assert "began with" not in text
    assert "answer" not in text


def test_what_is_not_proven_is_not_called_so() -> None:
    text = told(case(proof="loaded"))
    assert "proof       loaded by Faucet; not read back from the switches" in text
    assert "\x1b[33mloaded by Faucet" in told(case(proof="loaded"), colour=True)


def test_one_that_asks() -> None:
    text = told(case(2, state="pending", until=None, deadline=NOW + 600, proof="none"))
    assert "halia decisions approve 2 --reason TEXT, or halia decisions deny 2 --reason" in text
    assert "ends        2023-11-14T22:23:20Z, in 10 min: without an answer it is a no" in text
    assert f"the trail   halia audit show {LAPTOP}" in text
    assert "proof" not in text
    assert "broadcasts" not in text


def test_one_without_an_end_and_one_of_its_port() -> None:
    text = told(case(until=None, deadline=None, parent=3, origin="port"))
    assert "ends        when somebody releases it" in text
    assert "began with  case 3, of its port" in text


@pytest.mark.parametrize("state", [*STATES, "of a newer Halia"])
def test_every_state_can_be_told(state: str) -> None:
    assert "decision" in told(case(state=state, deadline=None))


def test_what_stands_in_a_devices_document_is_enough() -> None:
    short = {
        "number": 7, "state": "isolated", "action": "block", "until": NOW + 60, "rule": None,
        "origin": "operator", "actor": "ann", "reason": "x", "proof": "proven", "notes": [],
    }  # fmt: skip
    labels = [label for label, _, _ in standing(short, NOW)]
    assert labels == ["decision", "began by", "ends", "proof", "but"]


def test_who_was_let_out_is_said_to_be_left_alone() -> None:
    """Also of a case as it stands in its device's document: ``devices show`` says it."""
    short = {
        "number": 7, "state": "released", "action": "revlan:lab", "until": NOW - 60,
        "deadline": NOW + 60, "rule": None, "origin": "operator", "actor": "ann", "reason": "x",
        "proof": "none", "notes": [],
    }  # fmt: skip
    (said,) = [text for label, text, _ in standing(short, NOW) if label == "but"]
    assert said == (
        "left alone by rules that are no harder than revlan:lab until 2023-11-14T22:14:20Z,"
        " after case 7"
    )
    assert not any("same rule" in text for _, text, _ in standing(short, NOW))


def test_foreign_text_does_nothing_to_a_terminal() -> None:
    text = told(case(name="\x1b[2Jevil", reason="a\nb", notes=["\x1b]0;x\x07"]), width=60)
    assert "\x1b" not in text
    assert "a\\nb" in text
    assert max(map(len, text.splitlines())) <= 70
