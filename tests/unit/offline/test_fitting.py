from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from plugin.errors import DatasetError, ModelError
from plugin.ml.crossval import Work
from plugin.ml.role import predict_proba
from plugin.ml.train import Recipe
from plugin.offline import fitting
from tests import labelled

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.ml.dataset import Material

RECIPE = Recipe(
    algorithm="forest",
    features="service-ports",
    grid=((("trees", 10.0), ("leaf", 1.0), ("share", 0.1)),),
    seed=1,
    folds=3,
)
NAMING = fitting.Naming(name="tiny", networkml={"a": "A", "z": "Z"})
WORK = Work()


@pytest.fixture(scope="module")
def material() -> Material:
    labels = ["a", "b", "c"] * 6 + ["rare"] * 2 + ["Unknown"] * 6
    return labelled.material(labels, [f"n{i % 5}" for i in range(len(labels))], signal=1.0)


@pytest.fixture(scope="module")
def made(material: Material) -> fitting.Made:
    return fitting.make_model(material, RECIPE, NAMING, WORK)


def test_a_model_is_made_and_tested(made: fitting.Made) -> None:
    manifest, e = made.model.manifest, made.evaluation
    assert manifest.classes == ("a", "b", "c")
    assert e.captures == 18
    assert e.accuracy.value > 0.9
    assert (e.open_captures, e.background_captures) == (2, 6)
    assert e.background_rejected == 1
    assert e.permuted is not None
    assert e.permuted < 0.7
    assert manifest.metrics["captures"] == 18
    assert len(manifest.metrics["training_files"]) == 24
    assert manifest.networkml == {"a": "A"}
    assert manifest.created == ""


def test_it_can_be_saved_and_named(made: fitting.Made, tmp_path: Path, material: Material) -> None:
    fitting.save_model(made.model, tmp_path / "tiny")
    read = fitting.open_model(str(tmp_path / "tiny"))
    assert np.array_equal(
        predict_proba(read, material.rows), predict_proba(made.model, material.rows)
    )
    with pytest.raises(ModelError):
        fitting.open_model("no-such-model")


def test_the_same_captures_give_the_same_bytes(
    made: fitting.Made, material: Material, tmp_path: Path
) -> None:
    again = fitting.make_model(material, RECIPE, NAMING, WORK)
    for name, model in (("x", made.model), ("y", again.model)):
        fitting.save_model(model, tmp_path / name)
    for file in ("manifest.json", "arrays.npz"):
        assert (tmp_path / "x" / file).read_bytes() == (tmp_path / "y" / file).read_bytes()


def test_held_out_captures_are_neither_learned_nor_tested(material: Material) -> None:
    # "a" has three captures with one held out: it still is a class.
    small = material.take(np.array([0, 3, 6, 1, 4, 7, 10]))
    held_out = frozenset({small.digests[0]})
    found = fitting.make_model(small, RECIPE, NAMING, WORK, held_out=held_out)
    assert found.model.manifest.classes == ("a", "b")
    assert found.evaluation.captures == 6
    assert small.digests[0][:16] not in found.model.manifest.metrics["training_files"]


def test_too_few_classes(material: Material) -> None:
    with pytest.raises(DatasetError, match="two classes"):
        fitting.make_model(material.take(np.arange(0, 18, 3)), RECIPE, NAMING, WORK)


def test_leaving_a_group_out_refits_the_recipe(made: fitting.Made, material: Material) -> None:
    e = fitting.leave_out(material, made.model, "network", WORK)
    assert "leave one network out (5)" in e.split
    assert e.groups == 5
    assert e.captures == 18
    assert not e.notes
    bare = dataclasses.replace(
        material,
        samples=tuple(dataclasses.replace(s, columns={"path": s.path}) for s in material.samples),
    )
    whole = fitting.leave_out(bare, made.model, "group", WORK)  # as the list was grouped
    assert "leave one group out (5)" in whole.split
    assert whole.right == e.right
    with pytest.raises(DatasetError, match="no column 'site'"):
        fitting.leave_out(material, made.model, "site", WORK)


def test_leaving_out_in_folds_is_the_test_that_training_makes(
    made: fitting.Made, material: Material
) -> None:
    known = material.take(np.arange(18))
    alone = fitting.make_model(known, RECIPE, NAMING, WORK)
    e = fitting.leave_out(known, alone.model, "network", WORK, folds=RECIPE.folds)
    assert e.split.startswith("3 folds by network")
    wanted = alone.evaluation
    assert dataclasses.replace(e, title=wanted.title, split=wanted.split) == wanted
    assert fitting.leave_out(material, made.model, "network", WORK, folds=2) != e


def test_leaving_out_does_not_use_the_models_weights(
    made: fitting.Made, material: Material
) -> None:
    spoiled = {name: np.zeros_like(array) for name, array in made.model.arrays.items()}
    first = fitting.leave_out(material, made.model, "network", WORK)
    assert (
        fitting.leave_out(material, made.model._replace(arrays=spoiled), "network", WORK) == first
    )


def test_its_own_training_files_are_told(made: fitting.Made, material: Material) -> None:
    e = fitting.ask_model(material, made.model, seed=0)
    assert e.notes[0].startswith("WARNING: 18 of these 18 captures")
    assert "18 of 18" in e.split
    new = dataclasses.replace(material, digests=tuple(f"{i + 500:064x}" for i in range(26)))
    assert not fitting.ask_model(new, made.model, seed=0).notes


def test_a_model_is_asked_in_its_own_order_of_classes(
    made: fitting.Made, material: Material
) -> None:
    e = fitting.ask_model(material.take(np.array([2, 5, 1])), made.model, seed=0)
    assert e.right == 3
    assert e.classes == ("a", "b", "c")
    assert [(r.name, r.captures) for r in e.per_class] == [("b", 1), ("c", 2)]


@pytest.mark.parametrize("files", [None, "x", [1, None], {}])
def test_a_foreign_list_of_training_files_is_harmless(made: fitting.Made, files: Any) -> None:
    manifest = made.model.manifest._replace(metrics={"training_files": files})
    assert fitting.seen_in_training(manifest, ["0" * 64]) == ()


def test_what_was_not_seen_is_told_apart(made: fitting.Made, material: Material) -> None:
    half = material.take(np.arange(9))
    manifest = made.model.manifest
    metrics = {**manifest.metrics, "training_files": [d[:16] for d in half.digests[:5]]}
    model = made.model._replace(manifest=manifest._replace(metrics=metrics))
    found = fitting.ask_model(half, model, seed=0)
    assert "5 of these 9 captures" in found.notes[0]
    assert "Of the 4 that it has not seen it has 4 right" in found.notes[0]
    assert not found.refitted
