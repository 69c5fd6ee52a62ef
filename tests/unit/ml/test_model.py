from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.ml.model import Manifest, parse_manifest, to_document
from tests.models import manifest

GOOD = to_document(manifest("net", ("Printer", "Workstation"))._replace(arrays_sha256="ab" * 32))


def test_a_manifest_goes_to_json_and_back() -> None:
    found = parse_manifest(GOOD)
    assert isinstance(found, Manifest)
    assert to_document(found) == GOOD


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "format 2 is not 1"),
        ({"format": True}, "format"),
        ({"name": ""}, "name is empty"),
        ({"name": "../x"}, "letters that no model name may have"),
        ({"name": ".hidden"}, "letters that no model name may have"),
        ({"name": "a\nb"}, "no plain text"),
        ({"version": "x" * 201}, "no plain text"),
        ({"algorithm": "pickle"}, "algorithm 'pickle' is none of net, forest"),
        ({"schema_hash": "xyz"}, "no SHA-256"),
        ({"schema_version": -1}, "no whole number"),
        ({"schema_version": True}, "no whole number"),
        ({"classes": "Printer"}, "no list"),
        ({"classes": ["Printer"]}, "fewer than two"),
        ({"classes": ["Printer", "Printer"]}, "one twice"),
        ({"classes": ["Printer", "Unknown"]}, "reserved"),
        ({"classes": ["Printer", 5]}, "no plain text"),
        ({"classes": [str(k) for k in range(1001)]}, "at most 1000"),
        ({"temperature": 0}, "temperature"),
        ({"temperature": float("nan")}, "no number within"),
        ({"temperature": "1"}, "temperature is no number"),
        ({"temperature": 10**400}, "temperature"),
        ({"threshold": 1.5}, "between 0 and 1"),
        ({"min_packets": 1.5}, "no whole number"),
        ({"window_seconds": -900}, "window_seconds"),
        ({"metrics": []}, "metrics is no object"),
        ({"versions": {"halia": 1}}, "versions is no plain text"),
        ({"networkml": {"Toaster": "x"}}, "a class that the model does not have"),
        ({"colour": 1}, "unknown key 'colour'"),
    ],
)
def test_each_fault_is_named(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_manifest(GOOD | change)


@pytest.mark.parametrize("key", sorted(set(GOOD) - {"format", "rejection"}))
def test_every_key_is_needed(key: str) -> None:
    with pytest.raises(ValueError, match=f"lacks {key}"):
        parse_manifest({name: value for name, value in GOOD.items() if name != key})


def test_a_manifest_from_before_rejection_rejects_nothing() -> None:
    before = {name: value for name, value in GOOD.items() if name != "rejection"}
    assert parse_manifest(before).rejection == 1.0
    assert parse_manifest({**before, "rejection": 0.25}).rejection == 0.25
    with pytest.raises(ValueError, match="rejection is not between 0 and 1"):
        parse_manifest({**before, "rejection": 1.5})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(JSON)
def test_anything_but_a_manifest_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r"manifest|format"):
        parse_manifest(document)


@given(st.sampled_from(sorted(GOOD)), JSON)
def test_a_changed_value_is_accepted_or_refused_in_words(key: str, value: Any) -> None:
    try:
        found = parse_manifest(GOOD | {key: value})
    except ValueError:
        return
    assert to_document(found)[key] == value


@pytest.mark.parametrize("text", ["1e999", "-1e999", "[1, {}, [1e999]]", "1" + "0" * 400])
def test_metrics_that_json_cannot_write_are_refused(text: str) -> None:
    document = to_document(manifest("net", ("a", "b"))._replace(arrays_sha256="0" * 64))
    document["metrics"] = {"deep": {"er": [json.loads(text)]}}
    with pytest.raises(ValueError, match="metrics holds a number that is not finite"):
        parse_manifest(document)
