from __future__ import annotations

from plugin.cli.tally import Tally
from plugin.ml.verdict import Anomaly, Role, Verdict

ROLE = Role("known", ("A", "B", "C"), (0.9, 0.1, 0.0), "m", None)


def verdict(decision: str, anomaly: str | None) -> Verdict:
    found = None if anomaly is None else Anomaly(anomaly)
    role = ROLE._replace(decision=decision)
    return Verdict(None, (), "c", 1, 1, None, None, role, (), (), found)


def test_few_devices_are_not_summed_up() -> None:
    tally = Tally()
    assert all(tally.shows(verdict("undetermined", None)) for _ in range(9))
    assert list(tally.lines()) == []
    assert tally.shows(verdict("known", "anomalous"))
    assert list(tally.lines()) == [
        "10 devices: role 1 known, 0 unknown, 9 undetermined; 1 anomalous, 0 changed, 0 novel"
    ]


def test_only_who_nothing_is_said_about_is_left_out() -> None:
    tally = Tally(brief=True)
    for decision, anomaly, shown in (
        ("undetermined", "undetermined", False),
        ("undetermined", None, False),
        ("undetermined", "anomalous", True),
        ("undetermined", "changed", True),
        ("unknown", "undetermined", True),
        ("known", "normal", True),
    ):
        assert tally.shows(verdict(decision, anomaly)) is shown
    assert tally.left == 2
    assert list(tally.lines()) == ["2 devices left out: too little was seen to say anything"]
