from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from plugin.errors import ModelError
from plugin.ml.algorithms import GRIDS
from plugin.ml.recipes import recipe_of
from plugin.ml.train import Recipe
from tests.models import tiny_forest

if TYPE_CHECKING:
    from plugin.ml.model import Model

RECIPE = Recipe(
    algorithm="forest",
    features="service-ports",
    grid=((("trees", 10.0), ("leaf", 1.0), ("share", 0.1)),),
    seed=1,
    folds=3,
)


def model_with(recipe: Any) -> Model:
    model = tiny_forest()
    return model._replace(manifest=model.manifest._replace(metrics={"recipe": recipe}))


@pytest.mark.parametrize("algorithm", sorted(GRIDS))
def test_the_recipe_comes_back(algorithm: str) -> None:
    assert recipe_of(model_with(RECIPE.document())) == RECIPE
    whole = dataclasses.replace(RECIPE, algorithm=algorithm, grid=GRIDS[algorithm])
    read = json.loads(json.dumps(whole.document()))
    assert recipe_of(model_with(read)) == whole


@pytest.mark.parametrize(
    "recipe",
    [
        None,
        "forest",
        {},
        {**RECIPE.document(), "algorithm": "exec"},
        {**RECIPE.document(), "features": "none"},
        {**RECIPE.document(), "grid": []},
        {**RECIPE.document(), "grid": [{"trees": 10}]},
        {**RECIPE.document(), "grid": 3},
        {**RECIPE.document(), "grid": [{"algorithm": "net", "trees": 10, "leaf": 1, "share": 1}]},
        {**RECIPE.document(), "seed": "x"},
        {**RECIPE.document(), "algorithm": ["forest"]},
        {**RECIPE.document(), "seed": float("inf")},
        {**RECIPE.document(), "grid": [{"trees": 1e9, "leaf": 1, "share": 1}]},
    ],
)
def test_a_foreign_recipe_is_refused(recipe: Any) -> None:
    with pytest.raises(ModelError, match="no recipe"):
        recipe_of(model_with(recipe))
