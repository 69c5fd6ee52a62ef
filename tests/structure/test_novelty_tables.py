"""The tables of novelty: own captures are not novel, strangers are."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.ml.novelty.detectors import DETECTORS
from plugin.ml.store import load_normal
from scripts.tables import novelty
from scripts.tables.change import Device
from scripts.tables.novelty import Draw, Named, draws_of, result_of, tried


def named(apart: float, seed: int = 1) -> Named:
    """Ten roles of ten captures in a plane, so far from each other."""
    random = np.random.default_rng(seed)
    places = np.array([(i % 4, i // 4) for i in range(10)], np.float64) * apart
    rows = np.repeat(places, 10, axis=0) + random.normal(0, 1, (100, 2))
    return Named(rows.astype(np.float32), tuple(f"role{i // 10}" for i in range(100)))


@pytest.mark.parametrize("detector", ["nearest", "apart"])
def test_roles_far_apart_are_told_apart_and_equal_ones_are_not(detector: str) -> None:
    far = tried(named(200.0), detector, 5)
    assert far.auc > 0.99
    assert far.novel > 0.95
    assert far.alarms < 0.12
    assert far.worst >= far.alarms
    same = tried(named(0.0), detector, 5)
    assert 0.4 < same.auc < 0.6
    assert same.novel < 0.2


def test_a_role_has_no_say_in_its_own_threshold() -> None:
    low, high = np.linspace(0, 1, 50), np.linspace(9, 10, 50)
    draws = [Draw("a", low, high), Draw("b", high, high)]
    found = result_of(draws)
    # The threshold for b comes from a and is low: all of b is above it, nothing of a is above b's.
    assert found.alarms == pytest.approx(0.5)
    assert found.worst == 1.0


def test_references_are_never_judged() -> None:
    some = named(50.0)
    for draw in draws_of(DETECTORS["apart"], some, 7, 0.0):
        assert len(draw.own) == 3
        assert len(draw.strangers) == novelty.STRANGERS


def test_own_windows_make_a_device_usual() -> None:
    random = np.random.default_rng(4)
    width = load_normal(novelty.ROOT / "models" / "normal").arrays["rows"].shape[1]
    one, other = (random.normal(size=(40, width)) + at for at in (0.0, 9.0))
    alarms, novel, count = novelty.own_windows([one, other], np.ones(width), 12)
    assert alarms < 0.2
    assert novel == 1.0
    assert count == 2 * (40 - max(novelty.OWN))


def test_days_are_counted_with_the_past_that_a_device_has_by_then() -> None:
    model = load_normal(novelty.ROOT / "models" / "normal")
    row = model.references(0)[0]
    times = np.arange(60) * 7200.0
    device = Device("x", np.repeat(row[None], 60, axis=0), times, None)  # type: ignore[arg-type]  # no traffic
    days = novelty.lived(model, device, None)
    assert [n for _, n in days] == [12] * 5
    assert days[0] == (12, 12), "who fits no role is novel"
    assert 0 < days[1][0] < 12, "until its own past is known, and a day old"
    assert [novel for novel, _ in days[2:]] == [0, 0, 0]
    assert novelty.lived(model, device, model.manifest.roles[0])[0][0] == 0
