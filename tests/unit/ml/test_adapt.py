from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from plugin.errors import ModelError
from plugin.ml import adapt
from plugin.ml.dataset import Cases, Material
from plugin.ml.fitted_arrays import to_arrays
from plugin.ml.model import Model
from plugin.ml.role import calibrate, predict_proba
from plugin.ml.train import Recipe, fit
from tests import labelled, models

POINT = (("trees", 40.0), ("leaf", 1.0), ("share", 0.1))


def taught(algorithm: str = "trees") -> tuple[Model, Material]:
    """A model of the first two of three classes, and captures of all."""
    material = labelled.material(["a", "b", "c"] * 8, signal=1.0)
    known = material.take(np.flatnonzero(np.arange(24) % 3 < 2))
    recipe = Recipe(algorithm=algorithm, features="service-ports", grid=(POINT,))
    cases = Cases(known, np.arange(16) % 2, 2)
    arrays = to_arrays(fit(POINT, recipe, cases), 2)
    return models.model(algorithm, ("a", "b"))._replace(arrays=arrays), material


def answers(model: Model, material: Material) -> list[str]:
    found = predict_proba(model, material.rows)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
    return [model.manifest.classes[k] for k in found.argmax(axis=1)]


@pytest.mark.parametrize("algorithm", adapt.ADAPTABLE)
def test_a_new_class_is_learned_and_the_old_ones_are_kept(algorithm: str) -> None:
    model, material = taught(algorithm)
    found = adapt.adapted(model, material.take(np.array([2, 5])))
    assert found.manifest.classes == ("a", "b", "c")
    assert answers(found, material) == ["a", "b", "c"] * 8
    assert found.arrays["value"].shape[1] == 3


def test_labels_of_the_network_outweigh_what_the_model_thought() -> None:
    model, material = taught()
    few = material.take(np.array([0, 1]))
    assert answers(model, few) == ["a", "b"]
    turned = tuple(
        dataclasses.replace(sample, label=label)
        for sample, label in zip(few.samples, "ba", strict=True)
    )
    found = adapt.adapted(model, dataclasses.replace(few, samples=turned))
    assert found.manifest.classes == ("a", "b")
    assert answers(found, few) == ["b", "a"]


def test_strength_is_what_the_model_weighs() -> None:
    model, material = taught()
    few = material.take(np.array([2]))
    firm = predict_proba(adapt.adapted(model, few, strength=1e6), few.rows)[0]
    weak = predict_proba(adapt.adapted(model, few, strength=1e-6), few.rows)[0]
    assert firm[2] < 0.01
    assert weak[2] > 0.99


def test_many_captures_of_a_class_weigh_as_one() -> None:
    model, material = taught()
    one, same = material.take(np.array([2])), material.take(np.array([2, 2, 2]))
    found = [adapt.adapted(model, few).arrays["value"] for few in (one, same)]
    assert np.allclose(found[0], found[1], atol=1e-6)


def test_a_capture_of_many_rows_weighs_no_more_than_one_of_few() -> None:
    model, material = taught()
    few = material.take(np.array([2, 5]))
    rows = few.rows.rows(np.array([0, 0, 0, 1]))
    long = dataclasses.replace(few, rows=rows, owner=np.array([0, 0, 0, 1]))
    found = [adapt.adapted(model, some).arrays["value"] for some in (few, long)]
    assert np.allclose(found[0], found[1], atol=1e-6)


def test_a_capture_without_rows_takes_no_weight() -> None:
    model, material = taught()
    one, silent = material.take(np.array([2])), material.take(np.array([2, 5]))
    silent = dataclasses.replace(silent, rows=one.rows, owner=np.array([0]))
    found = [adapt.adapted(model, some).arrays["value"] for some in (one, silent)]
    assert np.allclose(found[0], found[1], atol=1e-6)


def test_a_device_of_no_class_makes_its_like_equally_likely() -> None:
    model, material = taught()
    stranger = material.take(np.array([2]))
    none = Cases(stranger, np.array([2]), 2)
    arrays = adapt.adapt(model.arrays, "trees", none, strength=1e-6)
    assert np.allclose(predict_proba(model._replace(arrays=arrays), stranger.rows), 0.5, atol=0.01)


def test_inner_nodes_stay_empty_and_the_model_is_sound() -> None:
    model, material = taught()
    found = adapt.adapted(model, material)
    inner = np.asarray(found.arrays["feature"], np.int64) >= 0
    assert not found.arrays["value"][inner].any()
    leaf = found.arrays["value"][~inner]
    assert np.allclose(leaf.sum(axis=1), 1, atol=1e-5)


def test_a_net_has_no_leaves() -> None:
    with pytest.raises(ModelError, match="kind net cannot be adapted"):
        adapt.adapted(models.tiny_net(), labelled.material(["a"]))


def test_no_device_comes_out_higher_than_the_ceiling() -> None:
    model, material = taught()
    found = adapt.adapted(model, material.take(np.array([2, 5])))
    model = found._replace(manifest=found.manifest._replace(temperature=0.5))
    shares = calibrate(predict_proba(model, material.rows), 0.5)
    for number, label in enumerate(model.manifest.classes):
        assert shares[:, number].max() <= adapt.ceiling(model, label) + 1e-6
    # One labelled capture outweighs a leaf's own shares by 1 to 0.75 where all trees agree.
    raw = model._replace(manifest=model.manifest._replace(temperature=1.0))
    assert adapt.ceiling(raw, "c") <= 1 / 1.75 + 1e-6
    assert adapt.ceiling(raw, "a") > adapt.ceiling(raw, "c")
    cold = adapt.ceiling(model, "c")
    assert cold > adapt.ceiling(raw, "c")
