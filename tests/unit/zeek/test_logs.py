"""Zeek's logs, line by line."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from plugin.zeek.logs import LogReader, flat

HEAD = b"""#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\tconn
#open\t2024-04-20-00-00-00
#fields\tts\tid.orig_h\tid.orig_p\tservice\ttags
#types\ttime\taddr\tport\tstring\tset[string]
"""
ROW = b"1713571129.5\t10.0.0.1\t53\tdns\ta,b\n"
VALUES = {
    "ts": 1713571129_500000000,
    "id.orig_h": "10.0.0.1",
    "id.orig_p": 53,
    "service": "dns",
    "tags": ("a", "b"),
}


class Read:
    """What comes of a log."""

    def __init__(self, content: bytes, **options: Any) -> None:
        self.problems: list[tuple[int, str]] = []
        self.reader = LogReader(problem=lambda *told: self.problems.append(told), **options)
        self.rows = list(self.reader.rows(content.splitlines(keepends=True)))

    @property
    def values(self) -> list[dict[str, Any]]:
        return [row.values for row in self.rows]


def test_the_text_format() -> None:
    read = Read(HEAD + ROW + b"#close\t2024-04-21-00-00-00\n")
    assert read.values == [VALUES]
    assert read.rows[0].line == 9
    assert (read.reader.path, read.reader.closed, read.problems) == ("conn", True, [])
    assert list(read.reader.fields) == list(VALUES)
    assert read.reader.described


def test_a_log_that_goes_on_is_not_closed() -> None:
    assert not Read(HEAD + ROW).reader.closed
    assert not Read(HEAD + ROW + b"#close\tx\n" + HEAD).reader.closed


def test_only_the_fields_asked_for() -> None:
    read = Read(HEAD + ROW, fields=["service", "nothing"])
    assert read.values == [{"service": "dns"}]
    assert "id.orig_p" in read.reader.fields


def test_cells_that_are_not_asked_for_may_be_damaged() -> None:
    assert Read(HEAD + ROW.replace(b"53", b"x"), fields=["ts"]).problems == []


def test_as_written() -> None:
    row = b"1713571129.5\t10.0.0.1\t-\t(empty)\t\\x41\n"
    assert Read(HEAD + row, typed=False).values == [
        {
            "ts": "1713571129.5",
            "id.orig_h": "10.0.0.1",
            "id.orig_p": None,
            "service": "",
            "tags": "\\x41",
        }
    ]


def test_other_separators_and_marks() -> None:
    head = b"#separator |\n#set_separator|;\n#unset_field|?\n#empty_field|{}\n#fields|a|b|c\n"
    read = Read(head + b"#types|string|set[count]|string\n?|1;2|{}\n-|?|x\n")
    assert read.values == [{"a": None, "b": (1, 2), "c": ""}, {"a": "-", "b": None, "c": "x"}]


def test_a_head_in_the_middle_counts_from_there_on() -> None:
    second = b"#fields\tservice\tts\n#types\tstring\ttime\n"
    read = Read(HEAD + ROW + second + b"http\t1.0\n")
    assert read.values[1] == {"service": "http", "ts": 10**9}


def test_without_types_the_well_known_have_theirs() -> None:
    read = Read(b"#fields\tts\tid.orig_p\tother\n1.0\t7\t7\n")
    assert read.values == [{"ts": 10**9, "id.orig_p": 7, "other": "7"}]


def test_empty_cells_too_many_are_no_damage() -> None:
    assert Read(HEAD + ROW[:-1] + b"\t\t\n").values == [VALUES]


def test_the_mark_of_a_comment_within_a_field() -> None:
    read = Read(HEAD + ROW.replace(b"dns", b"http://a/#b"))
    assert read.values[0]["service"] == "http://a/#b"


def test_columns_that_stand_behind_three_blanks() -> None:
    """IoT-23's labels: they were added to the last of Zeek's columns."""
    head = b"#fields\tts\ttunnel   label   detailed-label\n"
    head += b"#types\ttime\tset[string]   string   string\n"
    read = Read(head + b"1.0\t(empty)   Malicious   C&C  File\n2.0\t-   Benign   -\n")
    assert read.values[0] == {
        "ts": 10**9, "tunnel": (), "label": "Malicious", "detailed-label": "C&C  File",
    }  # fmt: skip
    assert read.values[1]["label"] == "Benign"
    assert read.values[1]["detailed-label"] is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"1.0\t10.0.0.1\n", "2 cells, its head has 5"),
        (b"1.0\t10.0.0.1\t1\tx\ty\tz\n", "6 cells, its head has 5"),
        (b"1.0\t10.0.0.1", "2 cells, its head has 5: the file ends in it"),
        (b"x\t10.0.0.1\t1\tx\ty\n", "ts: 'x' is no time"),
        (b"1.0\t10.0.0.1\t99999\tx\ty\n", "id.orig_p: 99999 is no port"),
        (b"#types\ttime\n", "1 types, 5 fields"),
        (b"{\n", "no JSON"),
    ],
)
def test_damaged_lines_are_named_and_the_others_read(line: bytes, said: str) -> None:
    read = Read(HEAD + ROW + line)
    assert len(read.rows) == 1
    assert [number for number, _ in read.problems] == [10]
    assert said in read.problems[0][1]
    assert len(Read(HEAD + ROW + line.rstrip(b"\n") + b"\n" + ROW).rows) == 2


def test_two_fields_of_one_name() -> None:
    read = Read(b"#fields\ta\ta\n1\t2\n")
    assert [number for number, _ in read.problems] == [1, 2]
    assert read.rows == []


def test_rows_without_a_head() -> None:
    read = Read(ROW + b"\n" + ROW)
    assert [number for number, _ in read.problems] == [1, 3]
    assert "no #fields" in read.problems[0][1]


def test_bytes_that_are_no_utf8_and_ends_of_lines_of_windows() -> None:
    read = Read((HEAD + ROW.replace(b"dns", b"\xff\xc3\xa9")).replace(b"\n", b"\r\n"))
    assert read.values[0]["service"] == "\\xffé"
    assert read.values[0]["tags"] == ("a", "b")


def test_json() -> None:
    line = {"_path": "conn", "ts": 1.5, "id.orig_h": "10.0.0.1", "id.orig_p": 53, "n": 2**40}
    read = Read(json.dumps(line).encode() + b"\n")
    assert read.values == [line | {"ts": 1_500_000_000}]
    assert (read.reader.path, read.reader.described) == ("conn", False)


def test_json_with_fields_asked_for() -> None:
    read = Read(b'{"ts":1.5,"a":1}\n{"b":2}\n', fields=["ts", "b"])
    assert read.values == [{"ts": 1_500_000_000, "b": None}, {"ts": None, "b": 2}]
    assert set(read.reader.fields) == {"ts", "a", "b"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"ts":1.5,"x":"', "no JSON"),
        (b'{"ts":"soon"}\n', "ts: 'soon' is no time"),
        (b'{"a":{"b":{"c":{"d":{}}}}}\n', "nested too deeply"),
        (b'{"a":' + b"[" * 100_000 + b"\n", "no JSON"),
        (b'{"a":1}}\n', "no JSON"),
        (b"1.0\tx\n", "no row of a Zeek log"),
    ],
)
def test_damaged_json(line: bytes, said: str) -> None:
    read = Read(b'{"ts":1}\n' + line)
    assert len(read.rows) == 1
    assert read.problems[0][0] == 2
    assert said in read.problems[0][1]


def test_names_of_json() -> None:
    assert flat({"id": {"orig_h": "a"}, "b": {"c": {"d": 1}}}) == {"id.orig_h": "a", "b.c.d": 1}
    assert flat({"id_orig_h": "a", "id_resp_p": 1, "id_other": 2}) == {
        "id.orig_h": "a", "id.resp_p": 1, "id_other": 2,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_anything_at_all_is_read_to_its_end(seed: int) -> None:
    """Changed bytes never end the reading, and every line that is no row has its number told."""
    chance = random.Random(seed)
    base = HEAD + ROW * 3 + b'{"ts":1.5,"id":{"orig_h":"a"},"_path":"x"}\n' + HEAD + ROW
    for _ in range(250):
        content = bytearray(base)
        for _ in range(chance.randrange(1, 12)):
            content[chance.randrange(len(content))] = chance.choice(b'\t\n#{}"\\-,x0\xff\x00')
        del content[chance.randrange(len(content)) :]
        read = Read(bytes(content), typed=chance.random() < 0.8)
        numbers = [row.line for row in read.rows] + [number for number, _ in read.problems]
        assert len(set(numbers)) == len(numbers)
        assert set(numbers) <= set(range(1, len(content.splitlines()) + 1))
