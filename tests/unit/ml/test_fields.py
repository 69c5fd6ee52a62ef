"""Fields of a manifest: what each takes, and what each refuses in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plugin.ml import fields

NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("field", "good"),
    [
        (fields.text, ""),
        (fields.text, "x" * fields.TEXT_MAX),
        (fields.name, "Domain controller"),
        (fields.model_name, "a-B_1.2"),
        (fields.digest, "0123456789abcdef" * 4),
        (fields.count, 0),
        (fields.count, 2**53 - 1),
        (fields.number, -1e9),
        (fields.positive, 1e-6),
        (fields.probability, 1.0),
        (fields.texts, {"a": "b"}),
        (fields.free, {"a": [1, {"b": None}]}),
    ],
)
def test_what_fits_is_taken_as_it_is(field: Callable[[str, object], Any], good: object) -> None:
    assert field("key", good) == good


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        (fields.text, "x" * (fields.TEXT_MAX + 1)),
        (fields.text, "a\x1b[2J"),
        (fields.name, ""),
        (fields.model_name, ".."),
        (fields.model_name, "a/b"),
        (fields.names, "ab"),
        (fields.names, ["a", "a"]),
        (fields.names, ["a"] * 2_000),
        (fields.digest, "ABCDEF0123456789" * 4),
        (fields.digest, "ab" * 31),
        (fields.count, -1),
        (fields.count, 2**53),
        (fields.count, True),
        (fields.number, NAN),
        (fields.number, 10**400),
        (fields.number, False),
        (fields.positive, 0),
        (fields.probability, 1.01),
        (fields.texts, {"a": 1}),
        (fields.texts, []),
        (fields.free, {"a": [1, {"b": INFINITE}]}),
        (fields.free, 1),
    ],
)
def test_what_does_not_fit_is_refused_with_its_key(
    field: Callable[[str, object], Any], bad: object
) -> None:
    with pytest.raises(ValueError, match=r"^the_key "):
        field("the_key", bad)


def test_names_come_back_as_a_tuple() -> None:
    assert fields.names("key", ["a", "b"]) == ("a", "b")
    assert fields.names("key", []) == ()


WANTED: fields.Fields = {"format": fields.count, "one": fields.text}


def test_a_manifest_has_exactly_its_keys() -> None:
    assert fields.read({"one": "x", "format": 3}, WANTED, 3) == {"format": 3, "one": "x"}
    for bad, why in (
        ([], "no JSON object"),
        ({"format": 2, "one": "x"}, "format 2 is not 3"),
        ({"format": 3}, "lacks one"),
        ({"format": 3, "one": "x", "two": "y" * 90}, "unknown key 'two'"),
    ):
        with pytest.raises(ValueError, match=why):
            fields.read(bad, WANTED, 3)


def test_a_foreign_value_is_shown_on_one_short_line() -> None:
    assert fields.show("a\nb") == r"'a\nb'"
    assert len(fields.show("x" * 1_000)) == 40
