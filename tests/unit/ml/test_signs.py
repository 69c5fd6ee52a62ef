"""The table of signs."""

from __future__ import annotations

import re

import numpy as np

from plugin.ml.signs import NAMES, SCALES, SIGNS, said, steps_of


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


def test_one_thing_is_told_in_the_singular() -> None:
    told = {sign.name: said(sign, 1.0) for sign in SIGNS}
    assert told["turned"] == "asks 1 inside service by whose kind it was administered itself before"
    assert told["hosts_failed"] == "1 host asked in vain at one port"
    assert said(SIGNS[0], 21.0) == "21 hosts asked in vain at one port"
