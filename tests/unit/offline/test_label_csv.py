"""Labels in CSV."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.errors import InputError
from plugin.flows.label_mapping import LabelMapping, parse_mapping
from plugin.flows.labels import match
from plugin.offline import label_csv
from plugin.offline.label_csv import read_csv
from tests.label_flows import Sent, flows

if TYPE_CHECKING:
    from plugin.offline.label_reading import LabelFile

HEAD = "Id, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Label\n"
ROW = "x,10.0.0.1,1000,10.0.0.2,80,6,03/07/2017 09:08:11,BENIGN\n"
SENT = flows(Sent("10.0.0.1:1000", "10.0.0.2:80"), Sent("10.0.0.2:80", "10.0.0.1:1000"))


def read(text: str | bytes, mapping: str = "") -> LabelFile:
    content = text.encode() if isinstance(text, str) else text
    given = parse_mapping(mapping, "m.yaml") if mapping else LabelMapping()
    return read_csv("a.csv", iter(content.splitlines(keepends=True)), given)


def test_the_columns_of_cic_ids_2017() -> None:
    found = read(HEAD + ROW + ROW.replace("BENIGN", "Bot").replace("1000", "1001"))
    assert (found.kind, found.normal, found.abnormal, found.damaged) == ("csv", 1, 1, 0)
    assert match(SENT, found.labels).tolist() == [0, -1]


def test_the_last_row_wins() -> None:
    assert match(SENT, read(HEAD + ROW + ROW.replace("BENIGN", "Bot")).labels)[0] == 1
    assert match(SENT, read(HEAD + ROW.replace("BENIGN", "Bot") + ROW).labels)[0] == 0


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace(", ", ","),
        HEAD.upper(),
        HEAD.replace("Source", "Src").replace("Destination", "Dst"),
        '"' + HEAD.strip().replace(",", '","') + '"\r\n',
        "\n\n" + HEAD,
    ],
)
def test_other_spellings_of_the_columns(head: str) -> None:
    assert read(head + ROW).normal == 1


def test_a_column_that_is_there_twice_counts_once() -> None:
    head = HEAD.strip() + ", Label\n"
    assert read(head + ROW.strip() + ",Bot\n").normal == 1


def test_rows_of_commas_repeated_heads_and_odd_bytes_are_no_damage() -> None:
    odd = ROW.encode().replace(b"BENIGN", b"Web Attack \x96 XSS")
    found = read((HEAD + ",,,,,,,\n\n" + HEAD).encode() + odd)
    assert (found.abnormal, found.damaged, found.others) == (1, 0, 0)


def test_damaged_rows_are_named_by_their_line() -> None:
    text = HEAD + ROW + ROW.replace("1000", "x") + "a,b\n" + ROW.replace("10.0.0.1", "h") + ROW
    found = read(text)
    assert (found.normal, found.damaged) == (2, 3)
    assert found.problems == (
        "a.csv: line 3: 'x' is no port",
        "a.csv: line 4: 2 cells, the header has 8",
        "a.csv: line 5: 'h' is no IP address",
    )


def test_a_cell_without_end_is_one_damaged_row() -> None:
    lines = HEAD + ROW + '"' + "x" * 200_000 + "\n" + "y\n" + ROW
    found = read(lines)
    assert found.normal >= 1
    assert found.damaged >= 1
    assert "line 3" in found.problems[0]


@pytest.mark.parametrize("text", ['"' + "x" * 200_000, "x" * 200_000])
def test_a_head_without_end(text: str) -> None:
    with pytest.raises(InputError, match=r"a\.csv: line 1: field larger"):
        read(text)


def test_the_mapping_names_the_columns() -> None:
    text = "when;from;to;sport;dport;how;kind\n100.5;10.0.0.1;10.0.0.2;1000;80;tcp;bad\n"
    mapping = (
        "columns: {src_ip: from, dst_ip: to, src_port: sport, dst_port: dport, proto: how,"
        " label: kind, start: when}\nabnormal: bad\ndelimiter: ';'\ndirections: both"
    )
    found = read(text, mapping)
    assert match(SENT, found.labels).tolist() == [1, 1]
    assert match(SENT, read(text.replace("100.5", "200"), mapping).labels).tolist() == [-1, -1]


def test_every_row_the_same_needs_no_label() -> None:
    head, row = HEAD.replace(", Label", ""), ROW.replace(",BENIGN", "")
    assert read(head + row, "every: abnormal").abnormal == 1
    with pytest.raises(InputError, match="no column 'Label'"):
        read(head + row)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD.replace("Source Port", "Sorce Port"), "'Source Port' (src_port); did you mean"),
        ("a,b\n", "no column 'Source IP' (src_ip); known: a, b; say in a mapping file"),
        (" Destination Port, Flow Duration, Label\n", "its columns have no addresses"),
        (HEAD, "has no label of a flow: it has no rows"),
    ],
)
def test_what_is_missing(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert said in str(caught.value)
    assert str(caught.value).startswith("a.csv: ")


def test_a_long_name_of_a_column_is_cut_in_the_message() -> None:
    with pytest.raises(InputError) as caught:
        read(HEAD + ROW, f"columns: {{label: {'x' * 5_000}}}")
    assert len(str(caught.value)) < 400


def test_a_missing_column_of_time_is_an_error_if_it_was_asked_for() -> None:
    with pytest.raises(InputError, match=r"no column 'Time' \(start\)"):
        read(HEAD + ROW, "columns: {start: Time}")


@given(st.text(alphabet='ab,"\n\r ;', max_size=30), st.sampled_from([",", ";"]))
@settings(max_examples=60)
def test_lines_are_parted_as_csv_parts_them(text: str, delimiter: str) -> None:
    lines = [f"{line}\n" for line in text.split("\n")]

    def found(rows: Any) -> list[Any]:
        told: list[Any] = []
        while True:
            try:
                told.append((next(rows), rows.line_num))
            except StopIteration:
                return told
            except csv.Error:
                told.append(rows.line_num)

    ours = label_csv._Csv(iter(lines), delimiter)
    assert found(ours) == found(csv.reader(iter(lines), delimiter=delimiter))
