from __future__ import annotations

from typing import Any

from plugin.cli.policy_page import page


def _rule(**changed: Any) -> dict[str, Any]:
    usual = {
        "rule": "scans",
        "action": "block",
        "mode": "enforce",
        "applies": True,
        "reasons": ["it scanned"],
        "evidence": ["f1", "f2"],
        "missing": None,
        "outcome": "it decides: it reaches nobody",
        "words": "Ask the help desk.",
    }
    return usual | changed


def _page(*rules: dict[str, Any], width: int | None = None, **changed: Any) -> list[str]:
    document: dict[str, Any] = {
        "mac": "02:00:00:00:00:07",
        "name": None,
        "enforced": None,
        "simulated": None,
        "held": None,
        "notes": [],
        "rules": rules,
    }
    return page(document | changed, width=width, colour=False).splitlines()


def test_a_rule_that_decides() -> None:
    assert _page(_rule(), enforced="scans", name="cam") == [
        "02:00:00:00:00:07  cam",
        "the rule scans decides",
        "",
        "scans: block, enforce: applies",
        "    because it scanned",
        "    evidence: f1, f2",
        "    the rule says: Ask the help desk.",
        "    it decides: it reaches nobody",
    ]


def test_a_rule_that_does_not_apply() -> None:
    lines = _page(_rule(applies=False, missing="it did nothing", reasons=[], evidence=[]))
    assert lines[1] == "no rule applies: nothing is done"
    assert lines[3:] == ["scans: block, enforce: does not apply", "    because it did nothing"]


def test_a_rule_says_no_more_than_there_is() -> None:
    lines = _page(_rule(evidence=[], words=None))
    assert lines[4:] == ["    because it scanned", "    it decides: it reaches nobody"]


def test_what_is_held_and_what_is_on_trial() -> None:
    held = _page(enforced="a", simulated="b", held="it is protected", notes=["a note"])
    assert held[1:3] == ["the rule a decides, but it is protected; on trial: b", "a note"]
    assert _page(simulated="b")[1] == ("nothing is done; the rule b is only tried and would act")


def test_lines_fit_a_terminal() -> None:
    lines = _page(_rule(reasons=["word " * 40]), width=40)
    assert max(map(len, lines)) <= 40
    assert " ".join(" ".join(lines).split()).count("word") == 40


def test_no_cursor_moves() -> None:
    lines = _page(
        _rule(rule="\x1b[2J", reasons=["\x1b[2J"], evidence=["\n"], words="\r", outcome="\x07"),
        name="\x1b]0;x",
        enforced="\x1b",
        notes=["\x1b"],
    )
    assert all(line.isprintable() for line in lines)
    coloured = page(
        {"mac": "m", "name": None, "enforced": None, "simulated": None, "held": None,
         "notes": [], "rules": []}, width=None, colour=True,
    )  # fmt: skip
    assert coloured.startswith("\x1b[1mm")
