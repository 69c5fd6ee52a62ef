"""The samples of configs/behaviours: what is found in each, and that the script wrote them."""

from __future__ import annotations

import csv
import gzip
import runpy
from pathlib import Path
from typing import get_type_hints

from plugin.ml.behaviour import NAMES
from plugin.ml.behaviour.parameters import Parameters
from plugin.offline.behaviours import behaviours_in

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "configs" / "behaviours"
CAPTURES = sorted(FOLDER.glob("*.pcap.gz"))


def test_in_each_is_found_what_is_expected_and_nothing_else() -> None:
    with (FOLDER / "expected.csv").open(encoding="utf-8", newline="") as stream:
        expected = {(row["path"], row["mac"], row["behaviour"]) for row in csv.DictReader(stream)}
    found = [
        (path.name, one.mac, one.finding.name)
        for path in CAPTURES
        for one in behaviours_in(path, Parameters())
    ]
    assert set(found) == expected
    assert {name for *_, name in expected} == NAMES
    assert len(found) == len(expected) == len(CAPTURES) + 1  # one is told of two devices


def test_there_is_one_for_each_detector() -> None:
    names = {path.name.partition(".")[0].replace("-", "_") for path in CAPTURES}
    floods = {"syn_flood", "udp_flood", "icmp_flood"}
    disputes = {"address_conflict"}  # told by the detector of ARP spoofing
    detectors = set(get_type_hints(Parameters)) - {"attempts", "flood"}
    assert names == detectors | floods | disputes


def test_they_are_what_the_script_writes(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "behaviour_samples.py"))
    script["write"](tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in FOLDER.iterdir()}
    for path in CAPTURES:
        written = gzip.decompress((tmp_path / path.name).read_bytes())
        assert gzip.decompress(path.read_bytes()) == written
    csv_file = "expected.csv"
    assert (tmp_path / csv_file).read_bytes() == (FOLDER / csv_file).read_bytes()


def test_they_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 64 << 10
