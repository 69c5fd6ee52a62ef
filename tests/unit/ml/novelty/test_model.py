"""A model of normal: what its manifest and arrays must be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin.ml.fields import to_document
from plugin.ml.novelty.detectors import DETECTORS
from plugin.ml.novelty.model import Manifest, Normal, check, parse_manifest
from tests.normals import tiny_normal

NORMAL = tiny_normal()
GOOD = to_document(NORMAL.manifest._replace(arrays_sha256="ab" * 32))
WIDTH = NORMAL.arrays["rows"].shape[1]


def test_a_manifest_goes_to_json_and_back() -> None:
    found = parse_manifest(GOOD)
    assert isinstance(found, Manifest)
    assert to_document(found) == GOOD


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "format 2 is not 1"),
        ({"kind": "roles"}, "kind 'roles' is not normal"),
        ({"detector": "guess"}, "detector 'guess' is none of nearest"),
        ({"roles": []}, "roles is empty"),
        ({"roles": ["a", "a"]}, "one twice"),
        ({"alarms": 2}, "between 0 and 1"),
        ({"least": -1}, "no whole number"),
        ({"metrics": {"x": float("inf")}}, "not finite"),
        ({"colour": 1}, "unknown key"),
    ],
)
def test_each_fault_is_named(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_manifest(GOOD | change)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("role", lambda a: a[:-1], "role has shape"),
        ("role", lambda a: a + 1, "has no role"),
        ("role", lambda a: a - 1, "has no role"),
        ("rows", lambda a: a[:, :-1], "rows has shape"),
        ("rows", lambda a: a + 1e9, "out of range"),
        ("unit", lambda a: a * 0, "unit is not above 0"),
        ("typical", lambda a: a[:-1], "typical has shape"),
        ("typical", lambda a: -a, "below 0"),
        ("typical", lambda a: a * 0, "of all rows is 0"),
        ("threshold", lambda a: a * 0, "threshold is not above 0"),
        ("given", lambda a: a[1:], "given has shape"),
        ("typical", lambda a: a * 1e-25, "typical distance is out of range"),
        ("typical", lambda a: a * 1e9, "typical distance is out of range"),
        ("threshold", lambda a: a * 1e-25, "threshold is out of range"),
        ("threshold", lambda a: a * 1e9, "threshold is out of range"),
        ("role", lambda a: a * 0 + 1, "has 0 references"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name: str, change: Any, reason: str) -> None:
    arrays = dict(NORMAL.arrays)
    check(arrays, NORMAL.manifest, WIDTH)
    arrays[name] = change(arrays[name])
    with pytest.raises(ValueError, match=reason):
        check(arrays, NORMAL.manifest, WIDTH)


def test_each_detector_needs_references_of_its_own_number() -> None:
    arrays = dict(NORMAL.arrays)
    for detector in DETECTORS:
        check(arrays, NORMAL.manifest._replace(detector=detector), WIDTH)
    printers = arrays["role"] == NORMAL.manifest.roles.index("Printer")
    rows = arrays["rows"].copy()
    rows[printers] = rows[printers][np.arange(30) % 6]
    arrays["rows"] = rows
    check(arrays, NORMAL.manifest, WIDTH)
    with pytest.raises(ValueError, match="Printer has too few different references for sos"):
        check(arrays, NORMAL.manifest._replace(detector="sos"), WIDTH)
    with pytest.raises(ValueError, match=r"has 30 references, too few"):
        check(arrays, NORMAL.manifest._replace(least=30), WIDTH)
    arrays["typical"] = np.array([0, 0, 0, 1.0])  # of no role by itself, yet of all together
    with pytest.raises(ValueError, match="the model has 63 references, too few"):
        check(arrays, NORMAL.manifest._replace(least=63), WIDTH)


def test_a_role_has_a_place_if_it_has_references_enough() -> None:
    assert [NORMAL.place(role) for role in NORMAL.manifest.roles] == [None, 1, 2]
    assert NORMAL.place("Toaster") is None
    assert NORMAL.place(None) is None
    assert [len(NORMAL.references(place)) for place in (1, 2, None)] == [30, 30, 63]


def test_rows_are_scaled_by_the_units() -> None:
    model = Normal(NORMAL.manifest, {**NORMAL.arrays, "unit": np.full(WIDTH, 4.0)})
    assert (model.scaled(np.ones((2, WIDTH))) == 0.25).all()
