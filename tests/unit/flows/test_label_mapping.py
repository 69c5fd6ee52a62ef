"""Mapping files: what their parts mean, and what is wrong in them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from plugin.errors import SettingsError
from plugin.flows.label_mapping import CIC, EVE, ZEEK, LabelMapping, parse_mapping

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "configs" / "schema" / "labels-v1.schema.json").read_text("utf-8"))
EXAMPLES = re.findall(
    r"```yaml\n(.*?)```", (ROOT / "docs" / "labels.md").read_text("utf-8"), re.DOTALL
)
WHOLE = """
columns:
  src_ip: a
  dst_ip: b
  src_port: c
  dst_port: d
  proto: e
  label: " f "
  start: g
  duration: h
normal: [BENIGN, "*-Normal-*"]
abnormal: BOT
ignore: [Background*]
delimiter: ";"
directions: both
time: {format: "%d/%m/%Y %H:%M", zone: "-03:30", duration: us, slack: 60s}
"""


VERDICTS: list[tuple[str, dict[str, int | None]]] = [
    ("normal: benign", {"BENIGN": 0, " benign ": 0, "Bot": 1, "": None}),
    ("abnormal: bot", {"BENIGN": 0, "Bot": 1, "": None}),
    ("normal: a\nabnormal: b", {"a": 0, "b": 1, "c": None}),
    ("normal: 'flow=*-normal-*'", {"flow=From-Normal-V42": 0, "flow=From-Botnet": 1}),
    ("normal: a\nignore: unk*", {"a": 0, "Unknown": None, "b": 1}),
    ("every: abnormal", {"": 1, "benign": 1}),
    ("every: normal", {"": 0, "bot": 0}),
    ("normal: 0", {"0": 0, "1": 1}),
]
WRONG = [
    ("colums: {}", "m.yaml:1:1: colums: no such field; did you mean 'columns'?"),
    ("columns: {scr_ip: a}", "m.yaml:1:11: columns.scr_ip: no such column"),
    ("columns: {src_ip: [a]}", "m.yaml:1:19: columns.src_ip: a text is expected"),
    ("columns: {start: a, end: b, duration: c}", "end and duration: one of them"),
    ("columns: {end: b}", "end and duration need start"),
    ("every: bad", "m.yaml:1:8: every: normal or abnormal is expected"),
    ("every: normal\nnormal: a", "m.yaml:1:8: every: takes the place of"),
    ("normal: {a: b}", "m.yaml:1:9: normal: one value is expected"),
    ("delimiter: ab", "delimiter: one character"),
    ("delimiter: '\"'", "delimiter: one character"),
    ("directions: two", "directions: one or both is expected"),
    ("time: {format: seconds}", "time.format: s, ms, us, ns, iso or a format"),
    ("time: {format: '%Q'}", "time.format: s, ms, us, ns, iso or a format"),
    ("time: {format: '%m/%m'}", "time.format: s, ms, us, ns, iso or a format"),
    ("time: {zone: Halifax}", "time.zone: a time zone such as"),
    ("time: {duration: min}", "time.duration: s or ms or us or ns is expected"),
    ("time: {slack: soon}", "time.slack: 'soon' is no time span"),
    ("- a", "m.yaml:1:1: the file: a mapping is expected"),
    ("{", "m.yaml:1:2"),
]


def test_a_whole_mapping() -> None:
    found = parse_mapping(WHOLE, "m.yaml")
    assert found == LabelMapping(
        columns={
            "src_ip": "a", "dst_ip": "b", "src_port": "c", "dst_port": "d", "proto": "e",
            "label": "f", "start": "g", "duration": "h",
        },
        normal=("benign", "*-normal-*"),
        abnormal=("bot",),
        ignore=("background*",),
        delimiter=";",
        both=True,
        time_format="%d/%m/%Y %H:%M",
        zone_minutes=-210,
        duration_unit="us",
        slack=60.0,
    )  # fmt: skip


@pytest.mark.parametrize("known", [CIC, ZEEK, EVE])
def test_an_empty_mapping_is_the_known_one(known: LabelMapping) -> None:
    assert parse_mapping("", "m.yaml").over(known) == known


def test_what_is_given_takes_the_place_of_what_is_known() -> None:
    found = parse_mapping("columns: {label: conn_state}\nabnormal: [S0, REJ]\n", "m").over(ZEEK)
    assert dict(found.columns) == {**ZEEK.columns, "label": "conn_state"}
    assert (found.normal, found.abnormal, found.ignore) == (None, ("s0", "rej"), ())
    assert found.both is True
    assert parse_mapping("directions: one", "m").over(ZEEK).both is False


def test_own_times_take_the_place_of_all_known_times() -> None:
    found = parse_mapping("columns: {start: a, end: b}", "m").over(ZEEK)
    assert {"start": "a", "end": "b"}.items() <= found.columns.items()
    assert "duration" not in found.columns


@pytest.mark.parametrize(("text", "expected"), VERDICTS)
def test_verdicts(text: str, expected: dict[str, int | None]) -> None:
    mapping = parse_mapping(text, "m").over(CIC)
    assert {label: mapping.verdict(label) for label in expected} == expected


def test_zeek_passes_over_what_nobody_knows() -> None:
    labels = ["Benign", "Malicious", "Unknown", "background", "PartOfAHorizontalPortScan"]
    assert [ZEEK.verdict(label) for label in labels] == [0, 1, None, None, 1]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_wrong_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_mapping(text, "m.yaml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("m.yaml")


def test_a_part_is_told_once() -> None:
    for text in ("time: {duration: [s]}", "every: [normal]", "directions: {a: b}"):
        with pytest.raises(SettingsError) as caught:
            parse_mapping(text, "m.yaml")
        assert len(str(caught.value).splitlines()) == 1


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_mapping("every: bad\ndirections: two", "m.yaml")
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("zone", "minutes"), [("UTC", 0), ("Z", 0), ("+02:00", 120), ("-0330", -210)]
)
def test_zones(zone: str, minutes: int) -> None:
    assert parse_mapping(f"time: {{zone: '{zone}'}}", "m").zone_minutes == minutes


def fits(text: str) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_of_the_document(text: str) -> None:
    parse_mapping(text, "labels.md")
    assert fits(text)


def test_the_document_has_examples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("text", [WHOLE, "", *(text for text, _ in VERDICTS)])
def test_the_schema_takes_what_is_right(text: str) -> None:
    assert fits(text)


@pytest.mark.parametrize(
    "text", [text for text, _ in WRONG if "slack" not in text and "'%" not in text]
)
def test_the_schema_refuses_what_is_wrong(text: str) -> None:
    if text != "{":  # no YAML
        assert not fits(text)
