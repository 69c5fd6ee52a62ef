"""Floors, thresholds, scores and reasons of suspicion."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plugin.ml import fields
from plugin.ml.signs import FLOORS, NAMES, SCALES, SIGNS, steps_of
from plugin.ml.suspicion import (
    FORMAT,
    KIND,
    LEAST,
    Manifest,
    Suspicion,
    check,
    finding,
    fit,
    floor_of,
    parse_manifest,
    scores_of,
)

N = len(SIGNS)
BARE, DOWNLOAD = NAMES.index("bare_syn"), NAMES.index("plain_download")


def manifest(threshold: float = 1.0) -> Manifest:
    return Manifest(
        format=FORMAT,
        kind=KIND,
        name="s",
        version="1",
        signs=NAMES,
        window_seconds=900.0,
        threshold=threshold,
        alarms=0.05,
        training_digest="0" * 64,
        created="",
        metrics={},
        versions={},
        arrays_sha256="0" * 64,
    )


def model(floor: float = 2.0, threshold: float = 1.0) -> Suspicion:
    return Suspicion(manifest(threshold), {"floor": np.full(N, floor), "scores": np.zeros(3)})


def row(**values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found = np.zeros(N)
    for name, value in values.items():
        found[NAMES.index(name)] = value
    return found


def test_the_floor_is_the_furthest_and_half_of_its_lead() -> None:
    steps = np.zeros((5, N))
    steps[:, BARE] = [1, 4, 2, 0, 3]
    steps[:, DOWNLOAD] = [1, 1, 0, 0, 1]
    floor = floor_of(steps, np.array([0, 0, 1, 1, 2]))
    assert floor[[BARE, DOWNLOAD]].tolist() == [4 + 0.5 * (4 - 3), 1]
    alone = floor_of(steps[:2], np.zeros(2, np.int64))
    assert alone[BARE] == 4 + 0.5 * 4, "one family leads nobody"


def test_one_is_one_doubling_beyond() -> None:
    floor = np.zeros(N)
    floor[0] = 3
    steps = np.zeros((3, N))
    steps[:, 0] = [3, 4, 8]
    assert scores_of(steps, floor, 1.0).tolist() == [0.75, 1.0, 2.0]


def test_some_signs_never_accuse_alone() -> None:
    steps = np.zeros((1, N))
    steps[0, DOWNLOAD] = 60
    assert 0.9 < scores_of(steps, np.zeros(N), 1.0)[0] < 1.0
    assert 1.4 < scores_of(steps, np.zeros(N), 1.5)[0] < 1.5
    assert steps[0, DOWNLOAD] == 60, "the caller's array is left as it was"


def test_the_threshold_is_one_where_harmless_families_stay_below() -> None:
    random = np.random.default_rng(1)
    steps = random.random((100, N))
    fitted = fit(steps, np.arange(100), np.arange(100) % 5)
    assert fitted.threshold == LEAST
    assert fitted.scores.max() < 1
    assert (np.diff(fitted.scores) >= 0).all()


def test_the_threshold_rises_where_every_family_leads_in_something() -> None:
    steps = np.zeros((40, N))
    family = np.repeat(np.arange(4), 10)
    strong = [k for k, sign in enumerate(SIGNS) if sign.alone]
    for k in range(4):
        steps[family == k, strong[k]] = 5 * (1 + FLOORS[strong[k]])  # nobody else does that at all
    fitted = fit(steps, np.arange(40), family)
    assert fitted.scores == pytest.approx([5.0] * 40)
    assert fitted.threshold > 5 - 1e-9
    with_alarms = (fitted.scores >= fitted.threshold).mean()
    assert with_alarms <= 0.05


def test_signs_that_may_not_accuse_alone_do_not_raise_the_threshold() -> None:
    steps = np.zeros((40, N))
    family = np.repeat(np.arange(4), 10)
    steps[:, DOWNLOAD] = np.where(family == 0, 30, 0)
    fitted = fit(steps, np.arange(40), family)
    assert fitted.threshold == LEAST
    assert fitted.floor[DOWNLOAD] == 30 + 0.5 * 30, (
        "but how far harmless devices go in them is known"
    )


def test_a_finding_tells_what_was_beyond_and_how_far_others_go() -> None:
    rows = np.stack([row(hosts_failed=2), row(hosts_failed=412, ports_failed=1)])
    found = finding(model(), rows)
    assert found is not None
    assert found.name == "suspicion"
    assert found.score > found.threshold == 1.0
    (reason,) = found.reasons
    assert reason == (
        "412 hosts asked in vain at one port within 15 minutes;"
        " no harmless device that we know goes beyond 3"
    )
    assert found.evidence == ("hosts_failed 412",)
    hourly = model()._replace(manifest=manifest()._replace(window_seconds=3600.0))
    bursts = finding(hourly, np.stack([row(burst=400)]))
    assert bursts is not None
    assert bursts.reasons[0].endswith(
        "within 60 minutes; no harmless device that we know goes beyond 12"
    )


def test_no_floor_is_below_what_offices_do_or_one_step() -> None:
    nobody = floor_of(np.zeros((4, N)), np.arange(4))
    assert (nobody == FLOORS).all()
    assert (FLOORS >= 1).all()
    assert 2.0 ** FLOORS[NAMES.index("tcp_queries")] - 1 == pytest.approx(40)
    one = scores_of(steps_of(SCALES[None] * np.eye(N)), nobody, 1.0)
    assert (one < 1).all(), "one event of anything accuses nobody"


def test_what_accused_is_told_first() -> None:
    floor = np.full(N, 2.0)
    found = finding(
        Suspicion(manifest(), {"floor": floor, "scores": np.zeros(3)}),
        np.stack([row(admin_hosts=4000, hosts_failed=100)]),
    )
    assert found is not None
    assert [one.split()[0] for one in found.evidence] == ["hosts_failed", "admin_hosts"]
    assert found.reasons[0].startswith("100 hosts asked in vain")


def test_below_the_threshold_the_foremost_sign_is_told() -> None:
    found = finding(model(), np.stack([row(hosts_failed=1)]))
    assert found is not None
    assert found.score == pytest.approx(1 / 3)
    assert len(found.reasons) == 1
    silent = finding(model(), np.zeros((1, N)))
    assert silent is not None
    assert (silent.score, silent.reasons) == (0.0, ())
    assert finding(model(), np.zeros((0, N))) is None


def test_the_scores_are_those_of_values_in_units() -> None:
    assert model(1.0).scores(np.stack([SCALES * 3]))[0] == pytest.approx(1.0)


def test_a_manifest_comes_back_as_it_was_and_others_are_refused() -> None:
    document = json.loads(json.dumps(fields.to_document(manifest())))
    assert parse_manifest(document) == manifest()
    for key, value in (("kind", "normal"), ("signs", list(NAMES[1:])), ("threshold", 0.0)):
        with pytest.raises(ValueError, match=r"kind|signs|threshold"):
            parse_manifest(document | {key: value})


@pytest.mark.parametrize(
    "floor", [np.zeros(N - 1), np.full(N, -1.0), np.full(N, 65.0), FLOORS - 0.1]
)
def test_floors_that_do_not_fit_are_refused(
    floor: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    check({"floor": FLOORS})
    with pytest.raises(ValueError, match="floor"):
        check({"floor": floor})
