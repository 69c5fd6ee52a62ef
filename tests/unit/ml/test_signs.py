"""The table of signs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from plugin.ml.signs import FLOORS, NAMES, SCALES, SIGNS, said, steps_of

ROOT = Path(__file__).resolve().parents[3]


def test_each_sign_is_told_in_words_with_its_number() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for sign in SIGNS:
        assert re.fullmatch(r"[a-z_]+", sign.name)
        assert sign.scale > 0
        assert sign.definition
        assert re.search(r"\b1,?234\b", sign.words.format(1234.0)), sign.name


def test_a_step_is_a_doubling_beyond_the_scale() -> None:
    values = np.stack([0 * SCALES, SCALES, 3 * SCALES, 7 * SCALES, -SCALES])
    assert (steps_of(values) == np.array([[0], [1], [2], [3], [0]])).all()


def test_what_no_capture_shows_accuses_from_twice_what_is_usual_on() -> None:
    """One doubling beyond the lowest floor there may be; docs/suspicion.md has the figures."""
    accuses = dict(zip(NAMES, (SCALES * (2 ** (FLOORS + 1) - 1)).tolist(), strict=True))
    assert min(accuses[sign.name] - sign.scale for sign in SIGNS) > 0, "nothing by one event"
    some = ("turned", "tcp_queries", "hosts_failed", "query_size", "beat")
    assert [round(accuses[name], 6) for name in some] == [17, 81, 121, 178, 64]


def test_one_thing_is_told_in_the_singular() -> None:
    told = {sign.name: said(sign, 1.0) for sign in SIGNS}
    assert told["turned"] == "asks 1 inside service by whose kind it was administered itself before"
    assert told["hosts_failed"] == "1 host asked in vain at one port"
    assert said(SIGNS[0], 21.0) == "21 hosts asked in vain at one port"


def test_the_document_has_every_floor_with_its_reason() -> None:
    text = (ROOT / "docs" / "suspicion.md").read_text(encoding="utf-8")
    told = [line for line in text.splitlines() if line.startswith("| `")]
    rows = [f"| `{one.name}` | {one.usual:,.0f} | {one.because} |" for one in SIGNS if one.usual]
    assert told == rows


def test_what_is_usual_has_a_reason_and_accuses_beyond() -> None:
    for one in SIGNS:
        assert bool(one.usual) == bool(one.because), one.name
        assert one.alone or not one.usual, f"{one.name} accuses nobody: it needs no floor"
    usual = SCALES * (2.0**FLOORS - 1)
    assert (usual >= np.array([one.usual for one in SIGNS]) - 1e-6).all()
