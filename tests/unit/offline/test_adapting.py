from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from plugin.ml.crossval import Work
from plugin.ml.train import Recipe
from plugin.offline import adapting, fitting
from tests import labelled

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.ml.dataset import Material
    from plugin.ml.model import Model

RECIPE = Recipe(
    algorithm="trees",
    features="service-ports",
    grid=((("trees", 20.0), ("leaf", 1.0), ("share", 0.1)),),
    seed=1,
    folds=3,
)
NAMING = fitting.Naming(name="ours", networkml={"c": "C", "z": "Z"}, window_seconds=60.0)


@pytest.fixture(scope="module")
def material() -> Material:
    labels = ["a", "b", "c"] * 6
    return labelled.material(labels, [f"n{i % 4}" for i in range(18)], signal=1.0)


@pytest.fixture(scope="module")
def model(material: Material) -> Model:
    """A model that has never met c."""
    known = material.take(np.flatnonzero(np.arange(18) % 3 < 2))
    return fitting.make_model(known, RECIPE, fitting.Naming(name="shipped"), Work()).model


def test_a_model_is_taught_a_network(material: Material, model: Model, tmp_path: Path) -> None:
    own = material.take(np.arange(2, 12, 3))
    found = adapting.adapt_model(own, model, NAMING)
    assert (found.captures, found.asked, found.groups) == (4, 4, 4)
    assert found.new == ("c",)
    assert (found.before, found.after) == (0, 4)
    saved = fitting.save_model(found.model, tmp_path / "ours")
    manifest = saved.manifest
    assert (manifest.name, manifest.classes, manifest.networkml) == (
        "ours",
        ("a", "b", "c"),
        {"c": "C"},
    )
    assert manifest.window_seconds == 60.0
    assert manifest.training_digest != model.manifest.training_digest
    assert manifest.metrics["adapted"]["from"] == "shipped"
    assert manifest.metrics["adapted"]["after"] == 4
    # It knows what it was taught, and what it was trained on.
    assert len(fitting.seen_in_training(manifest, material.digests)) == 16
    text = adapting.lines(found)
    assert "right before: 0 of 4; 4 of them when" in text
    assert "new: c" in text


def test_how_many_are_known_is_told(material: Material, model: Model) -> None:
    own = material.take(np.arange(2, 12, 3))
    easy = model.manifest._replace(rejection=1, min_sessions=0, min_packets=0)
    low, high = (model._replace(manifest=easy._replace(threshold=x)) for x in (0.3, 0.999))
    found = adapting.adapt_model(own, low, NAMING)
    assert (found.known_before, found.known_after, found.notes) == (0, 4, ())
    assert "rightly called known before: 0 of 4; 4 of them then" in adapting.lines(found)
    found = adapting.adapt_model(own, high, NAMING)
    assert found.known_after == 0
    (note,) = found.notes
    assert note.startswith("c can never be called known: 0.")


def test_what_the_model_was_trained_on_is_no_test(material: Material, model: Model) -> None:
    (note,) = adapting.adapt_model(material.take(np.array([0, 2, 5])), model, NAMING).notes[:1]
    assert "WARNING: 1 of these 3 captures were in the training" in note


def test_what_one_group_gains_cannot_be_tested(material: Material, model: Model) -> None:
    one = material.take(np.array([2]))
    found = adapting.adapt_model(one, model, NAMING)
    assert (found.groups, found.before, found.after) == (1, 0, 0)
    assert "could not be tested" in adapting.lines(found)
    (answer,) = fitting.asked(one, found.model)[0].argmax(axis=1)
    assert found.model.manifest.classes[answer] == "c"
