from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.ml import calibration
from plugin.ml.role import dispersion


def test_the_temperature_undoes_what_was_done_to_probabilities() -> None:
    random = np.random.default_rng(1)
    true = random.dirichlet([1, 1, 1], 3000)
    y = np.array([random.choice(3, p=p) for p in true])
    assert calibration.fit_temperature(true, y) == pytest.approx(1, abs=0.15)
    assert calibration.fit_temperature(calibration.soften(true, 0.5), y) == pytest.approx(
        2, abs=0.3
    )


def test_known_from_the_confidence_on_where_answers_are_right() -> None:
    top = np.array([0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])
    whole = calibration.Validated(top, top > 0.55)
    sessions = np.full(8, 10)
    threshold, least = calibration.fit_decision(whole, sessions, {1: whole, 5: whole})
    assert 0.5 < threshold <= 0.6
    assert least == 1
    # Answers on one session are confidently wrong: more are needed.
    wrong = calibration.Validated(np.full(8, 0.99), np.zeros(8, np.bool_))
    assert calibration.fit_decision(whole, sessions, {1: wrong, 5: whole})[1] == 5


def test_where_nothing_is_right_often_enough_there_still_is_a_threshold() -> None:
    wrong = calibration.Validated(np.linspace(0.3, 0.9, 10), np.zeros(10, np.bool_))
    threshold, least = calibration.fit_decision(wrong, np.full(10, 9), {3: wrong})
    assert 0.9 < threshold < 1
    assert least == 3


def test_one_in_twenty_of_the_known_may_be_rejected() -> None:
    random = np.random.default_rng(0)
    known = random.dirichlet([8, 1, 1, 1], 200)
    limit = calibration.fit_rejection(known, 0.7)
    assert (dispersion(known, 0.7) > limit).sum() == 10
    assert calibration.fit_rejection(known[:1], 0.7) == pytest.approx(dispersion(known[:1], 0.7)[0])
    assert calibration.fit_rejection(np.full((3, 4), 0.25), 0.7) == pytest.approx(1.0)


def test_a_limit_leaves_out_the_share_that_it_may() -> None:
    values = np.array([0.5, 0.1, 0.4, 0.2, 0.3])
    assert calibration.limit_of(values, 0.0) == 0.5
    assert calibration.limit_of(values, 0.2) == 0.4
    assert calibration.limit_of(values, 0.39) == 0.4
    assert calibration.limit_of(np.array([1.5]), 0.2) == 1.0


def test_least_packets_are_those_of_a_capture_that_was_right() -> None:
    packets = np.array([2, 9, 30])
    assert calibration.least_packets(packets, np.array([False, True, True])) == 9
    assert calibration.least_packets(packets, np.array([False] * 3)) == 30


@settings(max_examples=20)
@given(st.floats(0.4, 2.5))
def test_softening_keeps_the_order(temperature: float) -> None:
    p = np.random.default_rng(0).dirichlet([1] * 4, 20)
    softened = calibration.soften(p, temperature)
    assert np.array_equal(np.argsort(p, axis=1), np.argsort(softened, axis=1))
    assert np.allclose(softened.sum(axis=1), 1)


def test_captures_with_fewer_sessions_than_are_asked_for_do_not_count() -> None:
    sessions = np.repeat([1, 9], 10)
    whole = calibration.Validated(np.full(20, 0.99), sessions > 1)
    right = calibration.Validated(np.full(20, 0.99), np.ones(20, np.bool_))
    threshold, least = calibration.fit_decision(whole, sessions, {1: right, 5: right})
    assert least == 5
    assert threshold > 0.9  # where none will do it is the lowest of all
