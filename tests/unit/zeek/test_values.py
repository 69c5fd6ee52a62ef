"""Cells of Zeek's logs, by type."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.zeek.values import Marks, converter, json_value, time_ns, unescape

NS = 10**9


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("time", "1677024003.714845", 1677024003_714845000),
        ("interval", "0.037629", 0.037629),
        ("interval", "-1.5", -1.5),
        ("count", "18446744073709551615", 2**64 - 1),
        ("int", "-7", -7),
        ("port", "65535", 65535),
        ("double", "1e-3", 0.001),
        ("bool", "T", True),
        ("bool", "F", False),
        ("addr", "fe80::1", "fe80::1"),
        ("string", "a b", "a b"),
        ("string", "(empty)", ""),
        ("set[string]", "(empty)", ()),
        ("set[string]", "", ()),
        ("set[string]", r"a,b\x2cc", ("a", "b,c")),
        ("vector[interval]", "1.0,-,2.0", (1.0, None, 2.0)),
        ("table[count]", "1,2", (1, 2)),
        ("record of tomorrow", "x", "x"),
        ("", r"\x41", r"\x41"),
    ],
)
def test_values(kind: str, cell: str, value: object) -> None:
    made = converter(kind, Marks())(cell)
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize("kind", ["time", "count", "bool", "string", "set[string]", "", "port"])
def test_unset_is_none(kind: str) -> None:
    assert converter(kind, Marks())("-") is None
    assert converter(kind, Marks(unset="?"))("?") is None


def test_other_marks() -> None:
    read = converter("set[string]", Marks("?", "{}", ";"))
    assert read("-;a,b") == ("-", "a,b")
    assert read("{}") == ()


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("time", "soon"),
        ("time", "-1.0"),
        ("time", "4000000000.1"),
        ("time", "1e99999999"),
        ("time", "nan"),
        ("time", "1.²"),
        ("interval", "long"),
        ("interval", "inf"),
        ("count", "1.5"),
        ("count", "9" * 9_000),
        ("port", "65536"),
        ("port", "-1"),
        ("port", "80/tcp"),
        ("bool", "yes"),
        ("set[count]", "1,a"),
    ],
)
def test_what_is_not_of_the_type(kind: str, cell: str) -> None:
    with pytest.raises(ValueError, match=" ") as caught:
        converter(kind, Marks())(cell)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("0", 0),
        ("928.943457", 928_943457000),
        ("1.0000000019", NS + 1),
        ("1.6e9", 1_600_000_000 * NS),
        ("4000000000", 4_000_000_000 * NS),
        ("1517336042.123456789", 1517336042_123456789),
    ],
)
def test_times_are_exact(text: str, ns: int) -> None:
    assert time_ns(text) == ns


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (r"a\x09b", "a\tb"),
        (r"\xc3\xa9", "é"),
        (r"\\x41", r"\x41"),
        (r"\\\x41", "\\A"),
        (r"\xff", "\\xff"),
        (r"\xg1", r"\xg1"),
        ("plain", "plain"),
    ],
)
def test_escapes(text: str, plain: str) -> None:
    assert unescape(text) == plain


@pytest.mark.parametrize(
    ("kind", "value", "made"),
    [
        ("time", 1588205199.82437, 1588205199_824370000),
        ("time", 1588205199, 1588205199 * NS),
        ("time", "1588205199.5", 1588205199_500000000),
        ("time", "2020-04-30T00:06:39.824370Z", 1588205199_824370000),
        ("time", "2020-04-30T00:06:39", 1588205199 * NS),
        ("interval", 0.0015280246, 0.0015280246),
        ("port", 53, 53),
        ("time", None, None),
    ],
)
def test_json_values(kind: str, value: Any, made: object) -> None:
    assert json_value(kind, value) == made


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("time", "soon"),
        ("time", True),
        ("port", "53"),
        ("port", 93145),
        ("time", [1]),
        ("port", 1.5),
    ],
)
def test_json_values_of_another_type(kind: str, value: Any) -> None:
    with pytest.raises(ValueError, match="is no"):
        json_value(kind, value)
