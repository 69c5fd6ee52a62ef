"""Lists that are written: what is added, what is replaced, what stays."""

from __future__ import annotations

import csv
import io

import pytest

from plugin.errors import DatasetError
from plugin.ml.dataset import samples_from_rows
from plugin.ml.labels import COLUMNS, Table, labelled, parse_table, to_text

MAC = "02:00:00:00:00:01"


def row(path: str = "a.pcap", label: str = "Printer", **more: str) -> dict[str, str]:
    return {"path": path, "label": label, **more}


def test_a_new_list_can_be_read_by_training() -> None:
    table = labelled(Table(), row(mac=MAC, device=MAC)).table
    text = to_text(labelled(table, row("b.pcap", "Server", mac=MAC)).table)
    assert text.splitlines()[0] == ",".join(COLUMNS)
    samples = samples_from_rows(csv.DictReader(io.StringIO(text)))
    assert [(s.path, s.label, s.mac) for s in samples] == [
        ("a.pcap", "Printer", MAC),
        ("b.pcap", "Server", MAC),
    ]
    assert samples[0].group == MAC


def test_a_label_takes_the_place_of_the_one_before_and_nothing_else() -> None:
    before = parse_table(
        f"note,path,label,mac,network\nmine,a.pcap,Old,{MAC},home\nother,b.pcap,Old,,\n", "x"
    )
    told = labelled(before, row(mac=MAC, network="", sha256="00"))
    assert told.before == "Old"
    assert told.table.columns == ("note", "path", "label", "mac", "network", "sha256")
    first, second = told.table.rows
    assert first == {"note": "mine", "path": "a.pcap", "label": "Printer", "mac": MAC,
                     "network": "home", "sha256": "00"}  # fmt: skip
    assert second["label"] == "Old"
    assert to_text(told.table).splitlines()[2] == "other,b.pcap,Old,,,"


def test_two_devices_of_a_capture_have_a_row_each() -> None:
    table = labelled(Table(), row(mac=MAC)).table
    told = labelled(table, row(label="Server", mac="02:00:00:00:00:02"))
    assert told.before is None
    assert [one["label"] for one in told.table.rows] == ["Printer", "Server"]


def test_a_row_without_an_address_is_about_the_captures_device() -> None:
    table = parse_table("path,label\na.pcap,Old\n", "x")
    told = labelled(table, row(mac=MAC))
    assert told.before == "Old"
    assert len(told.table.rows) == 1
    assert told.table.rows[0]["mac"] == MAC


def test_addresses_may_be_spelled_otherwise() -> None:
    table = parse_table("path,label,mac\na.pcap,Old,02-00-00-00-00-01\n", "x")
    assert labelled(table, row(mac=MAC)).before == "Old"


def test_an_empty_list_is_one() -> None:
    assert parse_table("", "x") == Table()


def test_cells_with_commas_and_lines_come_back() -> None:
    table = labelled(Table(), row(label='a "b", c\nd', mac=MAC)).table
    assert parse_table(to_text(table), "x").rows[0]["label"] == 'a "b", c\nd'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path\na\n", "no column 'label'"),
        ("label\na\n", "no column 'path'"),
        ("path,label\na\n", "row 2"),
        ("path,label\na,b,c\n", "row 2"),
        ('path,label\n"a,b\n', "cannot be read"),
    ],
)
def test_what_is_no_list_is_refused(text: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        parse_table(text, "x")
