from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from plugin.errors import DatasetError, InputError, OptionError
from plugin.ml.roc import curve
from plugin.ml.store import load_flows
from plugin.offline.flow_files import Extracted
from plugin.offline.flow_learning import Input, Wanted, extract
from plugin.offline.flow_training import Recipe, check_recipe, name_of, save_flow_model, train
from tests.netml_files import SMALL, write_labels


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Extracted:
    labels = write_labels(tmp_path_factory.mktemp("l") / "l.csv")
    return extract([Input(SMALL, labels)], Wanted("STATS", last="drop"))


def test_with_labels_a_part_is_left_for_the_test(labelled: Extracted, tmp_path: Path) -> None:
    recipe = Recipe("kde", {"scale": True}, seed=1, test_size=0.4, alarms=0.2, name="mine")
    found = train(labelled, recipe)
    assert (len(found.trained), len(found.tested)) == (42, 28)
    assert not set(found.trained.tolist()) & set(found.tested.tolist())
    assert labelled.labels is not None
    assert (found.labels == labelled.labels[found.tested]).all()
    area = curve(found.labels, found.scores)
    assert area is not None
    assert found.history["score"] == area.auc
    manifest = found.model.manifest
    assert (manifest.algorithm, manifest.name, manifest.alarms) == ("kernel-density", "mine", 0.2)
    assert manifest.spec == labelled.spec.document()
    assert found.document()["test"]["tested"] == 28
    assert any("AUC" in line for line in found.lines())
    save_flow_model(found.model, tmp_path / "m")
    again = load_flows(tmp_path / "m")
    assert dict(again.manifest.metrics) == found.history
    scores = again.score(labelled.features[found.tested])
    assert scores.tolist() == found.scores.tolist()


def test_without_labels_all_is_learned(labelled: Extracted) -> None:
    found = train(labelled._replace(labels=None))
    assert len(found.trained) == len(labelled.features)
    assert (found.history, len(found.tested)) == ({}, 0)
    assert "no labels, so no test" in found.lines()[0]
    assert found.document()["test"] is None


def test_the_same_seed_gives_the_same_model(labelled: Extracted) -> None:
    recipe = Recipe("isolation-forest", {"n_estimators": 5})
    one, two = (train(labelled, recipe).model for _ in range(2))
    assert one.manifest == two.manifest
    assert all((one.arrays[name] == two.arrays[name]).all() for name in one.arrays)


def test_a_test_of_one_kind_has_no_area(labelled: Extracted) -> None:
    normal = labelled._replace(labels=np.zeros(len(labelled.features), np.int8))
    found = train(normal)
    assert found.history["score"] is None
    assert any("no flow of the test is abnormal" in line for line in found.lines())


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe("ocvsm"),
        Recipe("ocsvm", {"nuu": 1}),
        Recipe(test_size=1.0),
        Recipe(alarms=0.0),
        Recipe(name="a b"),
    ],
)
def test_what_cannot_be_is_told_before_the_work(recipe: Recipe) -> None:
    with pytest.raises(OptionError):
        check_recipe(recipe)


def test_folders_of_any_name_can_hold_a_model() -> None:
    assert name_of(Path("out/OCSVM-results.dat")) == "OCSVM-results.dat"
    assert name_of(Path("/x/my model é")) == "my-model"
    assert name_of(Path("/")) == "flows"


def test_numbers_that_are_none_and_too_few_flows(labelled: Extracted) -> None:
    wrong = labelled.features.copy()
    wrong[3, 2] = np.nan
    with pytest.raises(DatasetError, match="NaN"):
        train(labelled._replace(features=wrong))
    with pytest.raises((InputError, OptionError)):
        train(labelled.take(np.array([0])))
    with pytest.raises(OptionError, match="nu"):
        train(labelled, Recipe(options={"nu": 7}))


class Spread:
    """A detector of another package: far from the mean is unusual, and scores lower."""

    def fit(self, rows: np.ndarray) -> Spread:
        self.mean = rows.mean(axis=0)
        return self

    def score_samples(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(-np.abs(rows - self.mean).sum(axis=1))


def test_a_detector_of_another_package(
    labelled: Extracted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = SimpleNamespace(name="spread", load=lambda: Spread)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [entry])
    found = train(labelled, Recipe("spread"))
    save_flow_model(found.model, tmp_path / "m")
    again = load_flows(tmp_path / "m")
    scores = again.score(labelled.features[found.tested])
    assert scores == pytest.approx(found.scores)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [])
    with pytest.raises(OptionError, match="spread"):
        load_flows(tmp_path / "m")
