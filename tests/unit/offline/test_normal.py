"""A model of normal is made of labelled captures, those held out apart."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from plugin.errors import DatasetError
from plugin.ml.novelty.fit import Options
from plugin.ml.store import load_normal, save_model
from plugin.offline.learning import labelled
from plugin.offline.normal import make_normal
from plugin.offline.training import file_digest

CAPTURES = Path(__file__).parents[2] / "data" / "captures"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Each of the shipped captures several times, as if of several networks.

    A field of their headers that nobody reads makes them differ, or they would be copies.
    """
    files = [file for file in sorted(CAPTURES.glob("*.pcap"))[:4] if file.stat().st_size < 1 << 20]
    with (tmp_path / "list.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("path", "label", "network"))
        for number in range(24):
            content = bytearray(files[number % len(files)].read_bytes())
            content[12] = number  # "sigfigs", 0 everywhere
            (tmp_path / f"{number}.pcap").write_bytes(content)
            writer.writerow((f"{number}.pcap", "Printer", f"net{number % 3}"))
    return tmp_path / "list.csv"


def test_captures_become_references(table: Path, tmp_path: Path) -> None:
    found = labelled(table, root=table.parent)
    made = make_normal(found, features="service-ports", how=Options("spread", least=2))
    manifest = made.model.manifest
    assert manifest.metrics["networks"] == 3
    assert manifest.metrics["references"] == {"Printer": len(made.model.arrays["rows"])}
    assert manifest.min_packets > 0
    save_model(made.model, tmp_path / "normal")
    assert load_normal(tmp_path / "normal").manifest.roles == ("Printer",)
    again = make_normal(found, features="service-ports", how=Options("spread", least=2))
    assert again.model.manifest == manifest


def test_what_is_held_out_is_no_reference(table: Path) -> None:
    found = labelled(table, root=table.parent)
    out = file_digest(table.parent / found.listing.samples[0].path)
    every = make_normal(found, features="service-ports", how=Options("spread", least=2)).model
    held = found._replace(held_out=frozenset({out}))
    fewer = make_normal(
        held, features="service-ports", how=Options("spread", least=2, alarms=0.2)
    ).model
    assert len(fewer.arrays["rows"]) < len(every.arrays["rows"])
    assert fewer.manifest.training_digest != every.manifest.training_digest


def test_too_few_captures_are_refused(table: Path) -> None:
    with pytest.raises(DatasetError, match="too few"):
        make_normal(
            labelled(table, root=table.parent), features="service-ports", how=Options(least=99)
        )
