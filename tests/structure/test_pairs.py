"""Pieces of recordings of the lab, one for each way to be bad: what is found in them, and when."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from plugin.lab.bad import KINDS
from plugin.lab.outcome import DISPUTE, NAMED_WITHIN, NAMES
from plugin.lab.pairs import known_at
from plugin.ml.behaviour.parameters import BeaconParameters
from plugin.offline.behaviours import behaviours_in, load_parameters
from scripts.tables.pairs_table import section

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "data" / "pairs"
with (FOLDER / "expected.csv").open(encoding="utf-8", newline="") as stream:
    EXPECTED = list(csv.DictReader(stream))


def test_there_is_a_piece_of_each_kind_and_they_are_small() -> None:
    listed = {row["path"] for row in EXPECTED}
    assert {path.name for path in FOLDER.iterdir()} == listed | {"expected.csv"}
    # A piece in which 50 megabytes go outside is too large to keep.
    assert {name.partition(".")[0] for name in listed} == KINDS.keys() - {"exfiltrate"}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1 << 20


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: str(row["path"]))
def test_the_bad_host_is_named_after_it_turned_bad_and_nobody_else(row: dict[str, str]) -> None:
    parameters = load_parameters(ROOT / "configs" / "behaviours.yaml")
    kind = row["path"].partition(".")[0]
    all_found = behaviours_in(FOLDER / row["path"], parameters)
    robbed = {one.mac for one in all_found if one.finding.name in DISPUTE} - {row["mac"]}
    assert len(robbed) == (kind == "arp-spoof")
    (found,) = (one for one in all_found if one.mac not in robbed)
    assert (found.mac, found.finding.name) == (row["mac"], row["behaviour"])
    assert found.finding.name in NAMES[kind]
    after = known_at(found) - float(row["turned"])
    patience = BeaconParameters().lasting if kind == "beacon" else 0.0
    assert 0 < after < NAMED_WITHIN + patience


def test_the_table_is_of_all_kinds_and_hours(tmp_path: Path) -> None:
    csv_file = tmp_path / "pairs.csv"
    csv_file.write_text(
        "kind,expected,seed,pace,host,before,named,delay,also,false_alarms,suspected\n"
        "scan,vertical-scan,1,3,ben,60.0,1,0.5,syn-flood,0,\n"
        "scan,vertical-scan,2,3,ben,60.0,1,1.5,,0,a b\n"
        "scan,vertical-scan,3,3,ben,60.0,0,,,1,c\n"
        "normal,,1,3.0,all 13,3600.0,,,,0,d\n"
        "rehearsed,,1,1.0,all 10,3600.0,,,,0,\n"
        "rehearsed,,2,1.0,all 10,1800.0,,,,2,\n",
        encoding="utf-8",
    )
    text = section(csv_file)
    assert "| `scan` | vertical-scan | 3 | 2 of 3 | 1.0 (1.5) | syn-flood | 1 | 3 |" in text
    assert "| a lab that is up | 3 | 1 | 1.0 | 13 | 0 | 1 |" in text
    assert "| rehearsed | 1 | 2 | 1.5 | 15 | 2 | 0 |" in text


def test_the_docs_have_the_table_of_the_recordings() -> None:
    text = (ROOT / "docs" / "lab.md").read_text(encoding="utf-8")
    assert section() in text, "put there what scripts/tables/pairs_table.py prints"
