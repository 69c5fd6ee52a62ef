"""The account of a file of labels."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.errors import InputError
from plugin.flows.label_mapping import CIC
from plugin.offline.label_reading import PROBLEMS_TOLD, Reading, near

ROW: dict[str, Any] = {
    "src_ip": "10.0.0.1", "dst_ip": "10.0.0.2", "src_port": 1, "dst_port": 2, "proto": 6,
}  # fmt: skip


def test_the_account() -> None:
    reading = Reading("a.csv", CIC)
    for label in ("BENIGN", "BENIGN", "Bot", ""):
        reading.table.add(ROW | {"label": label})
    reading.table.add(ROW | {"proto": 1})
    reading.others += 1
    reading.problem(7, "is bad\n")
    found = reading.file("csv")
    assert (found.normal, found.abnormal, found.ignored) == (2, 1, 1)
    assert (found.others, found.damaged) == (2, 1)
    assert found.problems == ("a.csv: line 7: is bad\\n",)
    assert (found.source, found.kind, found.labels.total) == ("a.csv", "csv", 3)
    assert len(reading) == 5


def test_only_some_problems_are_kept() -> None:
    reading = Reading("a", CIC)
    reading.table.add(ROW | {"label": "x"})
    for line in range(1_000):
        reading.problem(line, "bad")
    found = reading.file("csv")
    assert (found.damaged, len(found.problems)) == (1_000, PROBLEMS_TOLD)


def refusal(reading: Reading) -> str:
    with pytest.raises(InputError) as caught:
        reading.file("csv")
    return str(caught.value)


def test_nothing_read_is_an_error_that_says_why() -> None:
    reading = Reading("a", CIC)
    assert refusal(reading) == "a: has no label of a flow: it has no rows"
    reading.table.add(ROW | {"label": ""})
    assert refusal(reading).endswith(": 1 rows say neither normal nor abnormal")
    reading.table.add(ROW | {"proto": "icmp"})
    assert refusal(reading).endswith(", 1 rows are about something else than TCP or UDP")
    reading.problem(3, "is bad")
    assert refusal(reading) == "a: has no label of a flow: line 3: is bad"


def test_near_names() -> None:
    assert near("label", ["Label", "x"]) == "; did you mean 'Label'?"
    assert near("label", ["a", "b"]) == "; known: a, b"
    assert near("label", []) == ""
    assert near("label", [f"column {n}" for n in range(100)]) == ""
    assert near("label", ["\x1b[31m", "x" * 100]) == ""
