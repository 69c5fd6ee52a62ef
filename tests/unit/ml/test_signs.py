"""The table of signs."""

from __future__ import annotations

import re

import numpy as np

from plugin.ml.signs import NAMES, SCALES, SIGNS, steps_of


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
