"""The recipe that a manifest holds, so that its model can be fitted again; it may be foreign.

Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.errors import ModelError
from plugin.ml.algorithms import GRIDS, sound
from plugin.ml.schema import SCHEMAS
from plugin.ml.train import Recipe

if TYPE_CHECKING:
    from plugin.ml.model import Model

# Bounds on a foreign recipe: it may cost time, not all of it.
_GRID_MAX, _FOLDS_MAX, _SEED_MAX, _OPTION_MAX = 100, 100, 2**32, 2000.0


def recipe_of(model: Model) -> Recipe:
    """Read the recipe out of a manifest (which may be foreign).

    Raises:
        ModelError: there is none, or it is not one.
    """
    found: Any = model.manifest.metrics.get("recipe")
    recipe: Recipe | None
    try:
        recipe = Recipe(
            algorithm=found["algorithm"],
            features=found["features"],
            grid=tuple(
                tuple((str(k), str(v) if k == "algorithm" else float(v)) for k, v in p.items())
                for p in found["grid"]
            ),
            seed=int(found["seed"]),
            folds=int(found["folds"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        recipe = None
    if recipe is None or not _sound(recipe):
        raise ModelError(
            "its manifest holds no recipe to fit again",
            where=model.manifest.name,
            advice="evaluate it without --leave-out, or train it here",
        )
    return recipe


def _sound(recipe: Recipe) -> bool:
    """Whether a recipe that was read names what there is, in sizes that can be worked with."""
    names: tuple[object, ...] = (recipe.algorithm, recipe.features)  # whatever the JSON held
    if not all(isinstance(name, str) for name in names):
        return False
    if recipe.algorithm not in GRIDS or recipe.features not in SCHEMAS:
        return False
    values = [value for point in recipe.grid for _, value in point]
    return (
        0 < len(recipe.grid) <= _GRID_MAX
        and 1 < recipe.folds <= _FOLDS_MAX
        and 0 <= recipe.seed < _SEED_MAX
        and all(sound(dict(point), recipe.algorithm) for point in recipe.grid)
        and all(isinstance(value, str) or 0 < value <= _OPTION_MAX for value in values)
    )
