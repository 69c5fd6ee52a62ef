from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin.errors import OptionError
from plugin.ml import fields
from plugin.ml.flow_model import (
    HELD_OUT,
    TRAINING,
    Training,
    calibrate,
    layout,
    learn,
    of_arrays,
    parse_manifest,
)
from plugin.ml.novelty import conformal, fitted
from tests.flow_models import SPEC, flow_rows, tiny_flows


def test_what_is_learned_is_written_down() -> None:
    how = Training("kde", {"bandwidth": 0.5}, 7, 0.2, "mine", "2", "a" * 64, {"flows": 60})
    found = learn(flow_rows(), SPEC, how).manifest
    assert (found.kind, found.name, found.version, found.columns) == ("flows", "mine", "2", 6)
    assert (found.algorithm, found.options["bandwidth"]) == ("kernel-density", 0.5)
    assert (found.spec, found.seed, found.alarms, found.calibration) == (SPEC, 7, 0.2, HELD_OUT)
    assert (found.training_digest, found.counts) == ("a" * 64, {"flows": 60})


def test_what_is_above_the_threshold_is_abnormal() -> None:
    model = tiny_flows("knn")
    threshold = model.manifest.threshold
    found = model.abnormal([threshold, np.nextafter(threshold, np.inf), threshold - 1])
    assert found.tolist() == [False, True, False]
    assert model.abnormal(model.score(np.full((1, 6), 50.0))).tolist() == [True]
    assert model.reasons(np.full(6, 50.0), list("abcdef"), 2)[0].name in set("abcdef")
    assert len(model.reasons(np.full(6, 50.0), list("abcdef"), 2)) == 2


@pytest.mark.parametrize("name", sorted(fitted.KINDS))
def test_new_flows_of_the_kind_alarm_about_as_often_as_is_said(name: str) -> None:
    quick = {"isolation-forest": {"n_estimators": 20}, "autoencoder": {"epochs": 5}}
    rows, alarms = flow_rows(400), 0.2
    model = learn(rows, SPEC, Training(name, quick.get(name, {}), alarms=alarms))
    share = float(model.abnormal(model.score(flow_rows(1000, 9))).mean())
    assert alarms - 0.09 < share < alarms + 0.09


def test_the_threshold_is_that_of_rows_that_were_held_out() -> None:
    rows = flow_rows(50)
    scorer = fitted.fit("knn", {}, rows, 3)
    scores, how = calibrate(scorer, rows, 3)
    assert (len(scores), how) == (50, HELD_OUT)
    # A row that is a reference has itself as its nearest; one that was held out has not.
    assert np.sort(scores)[0] > np.sort(scorer.score(rows))[0]
    model = learn(rows, SPEC, Training("knn", seed=3))
    assert model.scores.tolist() == np.sort(scores).tolist()
    assert model.manifest.threshold == conformal.threshold(scores, 0.1)


def test_of_many_rows_one_fifth_is_held_out() -> None:
    rows = flow_rows(2000)
    assert len(calibrate(fitted.fit("pca", {}, rows), rows, 1)[0]) == 400


def test_of_few_rows_those_of_the_fit_are_scored() -> None:
    rows = flow_rows(5)
    model = learn(rows, SPEC, Training("kde"))
    assert model.manifest.calibration == TRAINING
    assert model.manifest.threshold == model.score(rows).max()
    assert not model.abnormal(model.score(rows)).any()


def test_p_values() -> None:
    model = tiny_flows("kde")
    far, near = model.p_values([model.scores[-1] + 1, model.scores[0] - 1]).tolist()
    assert (far, near) == (1 / 61, 1.0)


def test_scores_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.ml.flow_model._SCORES_MAX", 7)
    whole = tiny_flows()
    assert len(whole.scores) == 7
    assert (np.diff(whole.scores) > 0).all()


def test_what_cannot_be_learned() -> None:
    with pytest.raises(OptionError, match="'oracle'"):
        learn(flow_rows(), SPEC, Training("oracle"))
    with pytest.raises(ValueError, match="alpha"):
        learn(flow_rows(), SPEC, Training(alarms=0.0))
    with pytest.raises(OptionError, match="1 rows"):
        learn(flow_rows(1), SPEC, Training())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": "roles"}, "kind 'roles' is not flows"),
        ({"algorithm": "oracle"}, "'oracle' is one that Halia has not"),
        ({"calibration": "guess"}, "calibration 'guess'"),
        ({"threshold": float("inf")}, "threshold is a number that is not finite"),
        ({"threshold": "1"}, "threshold is no number"),
        ({"spec": []}, "spec is no object"),
        ({"extra": 1}, "unknown key 'extra'"),
    ],
)
def test_a_foreign_manifest_is_checked(change: dict[str, Any], reason: str) -> None:
    manifest = tiny_flows().manifest._replace(arrays_sha256="0" * 64)
    document = fields.to_document(manifest)
    assert parse_manifest(document) == manifest
    with pytest.raises(ValueError, match=reason):
        parse_manifest(document | change)


def test_foreign_arrays_are_checked() -> None:
    model = tiny_flows()
    assert set(layout(model.manifest)) == set(model.arrays)
    again = of_arrays(model.manifest, model.arrays)
    assert np.array_equal(again.score(flow_rows(9, 2)), model.score(flow_rows(9, 2)))
    with pytest.raises(ValueError, match="scores is not ascending"):
        of_arrays(model.manifest, model.arrays | {"scores": model.scores[::-1]})
    with pytest.raises(ValueError, match="shape"):
        of_arrays(model.manifest._replace(columns=5), model.arrays)
