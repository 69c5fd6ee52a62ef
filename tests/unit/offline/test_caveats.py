from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.ml.crossval import Work
from plugin.ml.train import Recipe
from plugin.offline import fitting
from plugin.offline.caveats import no_better
from tests import labelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugin.ml.evaluate import Evaluation

RECIPE = Recipe(
    algorithm="forest",
    features="service-ports",
    grid=((("trees", 10.0), ("leaf", 1.0), ("share", 0.1)),),
    seed=1,
    folds=3,
)


def shown(labels: Sequence[str], groups: Sequence[str] | None, signal: float) -> Evaluation:
    material = labelled.material(labels, groups, signal=signal, seed=1)
    return fitting.make_model(material, RECIPE, fitting.Naming(name="tiny"), Work()).evaluation


def test_a_test_says_what_its_captures_cannot_tell() -> None:
    labels = ["a", "b"] * 4
    note, *_ = shown(labels, ["x", "y", "x", "z", "x", "y", "x", "z"], 1.0).notes
    assert note.startswith("all captures of a are of one group")
    (note,) = shown(labels, None, 1.0).notes
    assert note.startswith("each capture is a group of its own")


def test_a_model_that_learned_nothing_says_so() -> None:
    noise = shown(["a", "b"] * 8, [f"n{i // 4}" for i in range(16)], 0.0)
    assert noise.accuracy.value <= noise.majority
    assert noise.notes[0].startswith(
        f"WARNING: the test shows nothing learned: {noise.accuracy.value:.3f} are right, and 0.500"
    )


def test_every_answer_is_known_where_no_confidence_tells_right_from_wrong() -> None:
    learned = shown(["a", "b"] * 8, [f"n{i // 4}" for i in range(16)], 1.0)
    assert learned.accuracy.value > learned.majority
    assert not list(no_better(learned, 0.51))
    (every,) = no_better(learned, 1 / 2)
    assert "no confidence was found from which on 90% of the answers are right" in every
