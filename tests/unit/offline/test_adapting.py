from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from plugin.ml.adapt import ceiling
from plugin.ml.crossval import Work
from plugin.ml.role import dispersion
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


def test_a_group_is_asked_of_what_the_others_taught_alone(material: Material, model: Model) -> None:
    # Of two networks each has another word for the same devices: a class of the model, a new one.
    own = material.take(np.arange(2, 18, 3)[:4])
    words = zip(own.samples, "aqaq", ("one", "two") * 2, strict=True)
    samples = tuple(replace(one, label=label, group=group) for one, label, group in words)
    easy = model.manifest._replace(threshold=0.3, rejection=1, min_sessions=0, min_packets=0)
    easy_model = model._replace(manifest=easy)
    found = adapting.adapt_model(replace(own, samples=samples), easy_model, NAMING)
    assert (found.groups, found.after, found.known_after) == (2, 0, 0)
    (known,) = {bool(one) for one in fitting.asked(own, found.model)[1]}
    assert known  # they are called known, by a wrong name
    # So nothing is gained by a wider limit.
    strict = model._replace(manifest=easy._replace(rejection=0.01))
    found = adapting.adapt_model(replace(own, samples=samples), strict, NAMING)
    assert found.model.manifest.rejection == 0.01


def test_a_group_is_held_against_the_limit_of_the_others(
    material: Material, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = material.take(np.arange(2, 18, 3))
    own = replace(own, samples=tuple(replace(one, group=one.path) for one in own.samples))
    # All six are alike; this makes them differ, in order.
    spreads = iter((0.4, 0.6, 0.5, 0.9, 0.7, 0.8))
    monkeypatch.setattr(adapting, "dispersion", lambda *_: np.array([next(spreads)]))
    monkeypatch.setattr(adapting, "_never_known", lambda *_: ())
    easy = model.manifest._replace(threshold=0.3, rejection=0.1, min_sessions=0, min_packets=0)
    found = adapting.adapt_model(own, model._replace(manifest=easy), NAMING)
    # One of six may be beyond the limit of all, one of five beyond that of the others.
    assert found.model.manifest.rejection == 0.8
    assert (found.after, found.known_after) == (6, 4)


def test_what_teaching_hardly_makes_known_is_told(material: Material, model: Model) -> None:
    own = material.take(np.arange(2, 12, 3))
    easy = model.manifest._replace(rejection=1, min_sessions=0, min_packets=0)
    reached = fitting.asked(own, adapting.adapt_model(own, model, NAMING).model)[0][:, 2].max()
    most = ceiling(adapting.adapt_model(own, model, NAMING).model, "c")
    assert reached < most
    between = model._replace(manifest=easy._replace(threshold=float(reached + most) / 2))
    (note,) = adapting.adapt_model(own, between, NAMING).notes
    assert note.startswith(f"c will hardly be called known: what was taught comes to {reached:.3f}")


def test_what_was_taught_widens_the_limit_on_spread(material: Material, model: Model) -> None:
    own = material.take(np.arange(2, 18, 3))
    easy = model.manifest._replace(threshold=0.3, min_sessions=0, min_packets=0)
    strict = model._replace(manifest=easy._replace(rejection=0.01))
    found = adapting.adapt_model(own, strict, NAMING)
    limit = found.model.manifest.rejection
    assert 0.01 < limit < 1
    confidences, known = fitting.asked(own, found.model)
    assert known.all()  # each is spread less now that its own group was taught
    assert (dispersion(confidences, easy.temperature) > 0.01).all()
    # One group's captures are tested with the limit that the others give.
    assert 0 < found.known_after <= found.after == len(own)
    assert f"known up to {limit:.2f} now, up to 0.01 before" in adapting.lines(found)
    assert found.document()["rejection_before"] == 0.01
    # It is never made stricter, and with one group alone stays as it was, which is told.
    wide = model._replace(manifest=easy._replace(rejection=1.0))
    found = adapting.adapt_model(own, wide, NAMING)
    assert found.model.manifest.rejection == 1.0
    assert "spread over the classes" not in adapting.lines(found)
    found = adapting.adapt_model(material.take(np.array([2])), strict, NAMING)
    assert found.model.manifest.rejection == 0.01
    assert "c will hardly be called known: what was taught is spread by" in found.notes[-1]


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
