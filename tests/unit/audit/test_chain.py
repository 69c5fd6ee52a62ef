"""Entries and what binds them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.audit.chain import GENESIS, Broken, Entry, check_follows, follow, parse_entry

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | FLOATS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def entry(last: Entry | None = None, **body: object) -> Entry:
    return follow(last, time=1.5, kind="test", actor="me", body=body)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_an_entry_comes_back_from_its_line(body: dict[str, object]) -> None:
    first = follow(None, time=1.5, kind="k", actor="a", body=body)
    assert parse_entry(first.line()) == first
    assert first.line().count(b"\n") == 1


def test_the_chain() -> None:
    first = entry(x=1)
    second = entry(first, x=2)
    assert (first.number, first.previous, second.number) == (1, GENESIS, 2)
    assert second.previous == first.digest
    check_follows(None, first)
    check_follows(first, second)
    third = entry(second, x=3)
    for last, wrong in ((None, second), (first, third), (second, second), (first, first)):
        with pytest.raises(Broken):
            check_follows(last, wrong)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", 2),
        ("time", 2.5),
        ("kind", "tset"),
        ("actor", "you"),
        ("body", {"x": 2}),
        ("previous", "f" * 64),
        ("digest", "f" * 64),
    ],
)
def test_a_change_of_any_field_shows(field: str, value: object) -> None:
    document = json.loads(entry(x=1).line())
    document[field] = value
    with pytest.raises(Broken, match="changed"):
        parse_entry(json.dumps(document).encode())


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"x", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"number": 1}', b"1" * 2_000_000],
)
def test_what_is_no_entry(line: bytes) -> None:
    with pytest.raises(Broken):
        parse_entry(line)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), "x" * (1 << 20)])
def test_bodies_that_no_json_holds_are_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        entry(x=value)
