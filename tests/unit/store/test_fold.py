"""Entries become rows: known kinds, unknown ones, and damaged bodies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plugin.actions import parse_action
from plugin.store.fold import Latest, fold
from tests import journals as j


def test_the_last_word_counts_and_verdicts_are_counted(tmp_path: Path) -> None:
    found = fold(
        j.write(
            tmp_path,
            j.device(1),
            j.device(1, name="ann\x1b[2J"),
            j.verdict(1, "a.pcap"),
            j.verdict(1, "b.pcap", "Camera"),
            j.finding(1, None),
            j.unjudged(1, "c.pcap"),
            j.alarm(),
        )
    )
    row = found.devices[j.mac(1)]
    assert row is not None
    assert (row["name"], row["number"], row["port"]) == ("ann\\x1b[2J", 2, 2)
    assert json.loads(row["document"])["name"] == "ann\x1b[2J"
    last = found.latest[j.mac(1)]
    assert isinstance(last, Latest)
    assert (last.capture, last.more, last.anew, last.number) == ("b.pcap", 2, False, 4)
    assert found.captures == {"a.pcap": 3, "b.pcap": 4, "c.pcap": 6}
    assert [len(rows) for rows in (found.verdicts, found.findings, found.alarms)] == [2, 1, 1]
    assert found.findings[0]["capture"] is None
    assert found.unreadable == 0


def test_who_was_gone_begins_anew(tmp_path: Path) -> None:
    entries = j.write(
        tmp_path, j.verdict(1, "a"), j.gone(1), j.device(1), j.verdict(1, "b"), j.gone(2)
    )
    found = fold(entries)
    last = found.latest[j.mac(1)]
    assert last is not None
    assert (last.more, last.anew) == (1, True)
    assert found.devices[j.mac(2)] is None
    assert found.latest[j.mac(2)] is None


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("device", {"mac": "02:00:00:00:00:01"}),
        j.device(1, mac="x" * 18),
        j.device(1, port=-1),
        j.device(1, port=1 << 63),
        j.device(1, addresses=None),
        ("gone", {}),
        ("gone", {"mac": 1}),
        ("verdict", j.verdict(1, "a")[1] | {"verdict": None}),
        ("verdict", j.verdict(1, "a")[1] | {"capture": None}),
        j.verdict(1, "x" * 256),
        ("finding", j.finding(1, "a")[1] | {"message_id": "x" * 65}),
        ("unjudged", {"capture": "a\0b"}),
        ("alarm", {"mac": None}),
        ("decision", {"case": None}),
        ("caps", {}),
        ("decision", {"case": "one"}),
        j.decision(-1),
        j.decision(1, "x" * 17),
        j.decision(1, number="1"),
        j.decision(1, mac=None),
    ],
)
def test_a_body_that_is_not_as_it_should_be_is_counted(
    tmp_path: Path, kind: str, body: dict[str, Any]
) -> None:
    found = fold(j.write(tmp_path, (kind, body), j.device(7)))
    assert found.unreadable == 1
    assert list(found.devices) == [j.mac(7)]
    assert (found.captures, found.verdicts, found.findings, found.alarms) == ({}, [], [], [])
    assert (found.decisions, found.cases, found.caps) == ([], {}, [])


def test_kinds_of_later_versions_make_no_row(tmp_path: Path) -> None:
    found = fold(j.write(tmp_path, ("of-a-later-version", {"mac": 5}), ("started", {})))
    assert found == fold([])


def test_each_step_of_a_case_is_a_row_and_its_last_one_is_the_case(tmp_path: Path) -> None:
    found = fold(
        j.write(
            tmp_path,
            j.decision(1, "isolating"),
            j.decision(2, "pending", 2, rule=None, action=parse_action("revlan:guest")),
            j.decision(1, "isolated", action=parse_action("limit:500k")),
        )
    )
    steps = [(row["case_number"], row["state"], row["action"]) for row in found.decisions]
    assert steps == [
        (1, "isolating", "block"), (2, "pending", "revlan:guest"), (1, "isolated", "limit:500k"),
    ]  # fmt: skip
    assert [row["number"] for row in found.decisions] == [1, 2, 3]
    assert [row["rule"] for row in found.decisions] == ["scanners", None, "scanners"]
    assert {row["actor"] for row in found.decisions} == {"halia"}
    assert json.loads(found.decisions[1]["document"])["why"] == "it scans"
    assert set(found.cases) == {1, 2}
    one = found.cases[1]
    assert (one["number"], one["state"], one["mac"]) == (3, "isolated", j.mac(1))
    assert json.loads(one["document"]) == j.case(1, "isolated", action=parse_action("limit:500k"))
