"""From features of flows to a model, tested where there are labels: ``halia learn train``."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import plugin
from plugin.errors import DatasetError, OptionError
from plugin.ml import fields
from plugin.ml.flow_model import ALARMS, FlowModel, Training, learn
from plugin.ml.holdout import split
from plugin.ml.novelty.fitted import KINDS
from plugin.ml.novelty.foreign import ENTRY, is_foreign
from plugin.ml.novelty.options import complete
from plugin.ml.novelty.registry import GROUP, canonical
from plugin.ml.roc import curve
from plugin.ml.store import check_place
from plugin.ml.store import save_model as save_flow_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.ml.novelty.registry import Foreign
    from plugin.offline.flow_files import Extracted

__all__ = [
    "Learned",
    "Recipe",
    "check_place",
    "check_recipe",
    "name_of",
    "save_flow_model",
    "train",
]

TEST_SIZE, SEED = 0.33, 42
"""netml's defaults."""


class Recipe(NamedTuple):
    """How a model is to be learned."""

    algorithm: str = "one-class-svm"
    options: Mapping[str, Any] = {}
    seed: int = SEED
    test_size: float = TEST_SIZE
    """Share of labelled flows to test on."""
    alarms: float = ALARMS
    """Share of flows of the training's kind that may be called abnormal."""
    name: str = "flows"


class Learned(NamedTuple):
    """A model, and what its test found."""

    model: FlowModel
    trained: NDArray[np.int64]
    """Numbers of the rows that it was learned from."""
    tested: NDArray[np.int64]
    """Numbers of the rows that were left for the test; none without labels."""
    scores: NDArray[np.float64]
    """(len(tested),) of those: higher = more abnormal."""
    labels: NDArray[np.int8]
    """(len(tested),) of those."""
    history: dict[str, Any]
    """What the model keeps of its test."""

    @property
    def alike(self) -> bool:
        """Whether all rows that it was learned from score the same."""
        scores = self.model.scores
        return bool(scores[0] == scores[-1])

    def document(self) -> dict[str, Any]:
        """What ``--json`` tells."""
        manifest = self.model.manifest
        return {
            "algorithm": manifest.algorithm,
            "options": dict(manifest.options),
            "threshold": manifest.threshold,
            "alarms": manifest.alarms,
            "trained": len(self.trained),
            "test": self.history or None,
        }

    def lines(self) -> list[str]:
        """The same for people."""
        manifest = self.model.manifest
        lines = [
            f"above {manifest.threshold:.6g} is an anomaly: set for {manifest.alarms:.0%} alarms"
        ]
        if not self.history:
            return [f"learned from all {len(self.trained)} flows; no labels, so no test", *lines]
        abnormal = int((self.labels == 1).sum())
        told = f"learned from {len(self.trained)} flows, tested on {len(self.tested)} others"
        told += f" ({abnormal} abnormal)"
        area = self.history["score"]
        if area is None:
            missing = "abnormal" if not abnormal else "normal"
            return [told, f"no AUC: no flow of the test is {missing}", *lines]
        return [told, f"AUC {area:.3f}, average precision {self.history['ap']:.3f}", *lines]


def check_recipe(recipe: Recipe) -> Recipe:
    """Hold a recipe's parts against what there is.

    Returns:
        The same, with the algorithm's own name.

    Raises:
        OptionError: no such algorithm, option or share.
    """
    name = recipe.algorithm.removeprefix(ENTRY)
    algorithm = canonical(name, _others(name))
    ours = algorithm in KINDS or is_foreign(algorithm)
    complete(algorithm if ours else ENTRY + algorithm, recipe.options)
    for where, share in (("--test-size", recipe.test_size), ("--alarms", recipe.alarms)):
        if not 0.0 < share < 1.0:
            raise OptionError(
                f"{share:g} is no share", where=where, advice="give one between 0 and 1"
            )
    try:
        fields.model_name("name", recipe.name)
    except ValueError as error:
        raise OptionError(
            str(error), where="--name", advice="give letters, digits, . _ -"
        ) from error
    return recipe._replace(algorithm=algorithm)


def name_of(folder: Path) -> str:
    """The name of a model by its folder: what cannot be in a name is a dash there."""
    word = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip(".-")
    return word[: fields.TEXT_MAX] or "flows"


def train(extracted: Extracted, recipe: Recipe = Recipe()) -> Learned:  # noqa: B008 - immutable
    """Learn a model; where there are labels, from a part of the flows, and test it on the rest.

    As netml does it: labels are only for the test, the training part has abnormal flows too.

    Raises:
        OptionError: no such algorithm, option or share.
        InputError: too few flows.
        DatasetError: a feature is no number.
    """
    wanted = check_recipe(recipe)
    features, labels = extracted.features, extracted.labels
    if not np.isfinite(features).all():
        raise DatasetError("a feature is no number (NaN or infinite)")
    n = len(features)
    trained, tested = np.arange(n), np.zeros(0, np.int64)
    if labels is not None:
        trained, tested = split(n, wanted.test_size, wanted.seed)
    how = Training(
        algorithm=wanted.algorithm,
        options=wanted.options,
        seed=wanted.seed,
        alarms=wanted.alarms,
        name=wanted.name,
        digest=_digest(extracted),
        counts={"flows": n, "trained": len(trained), "captures": len(extracted.captures)},
        versions={"halia": plugin.__version__, "numpy": np.__version__},
    )
    others = _others(wanted.algorithm)
    model = learn(features[trained], extracted.spec.document(), how, others)
    if labels is None:
        none = np.zeros(0)
        return Learned(model, trained, tested, none, none.astype(np.int8), {})
    scores, known = model.score(features[tested]), labels[tested]
    found = curve(known, scores)
    history = {
        "score_metric": "auc",
        "score": None if found is None else found.auc,
        "ap": None if found is None else found.average_precision,
        "tested": len(tested),
        "abnormal": int((known == 1).sum()),
    }
    manifest = model.manifest._replace(metrics=history)
    return Learned(model._replace(manifest=manifest), trained, tested, scores, known, history)


def _others(name: str) -> Iterable[Foreign]:
    """Detectors of installed packages; not looked for where the name is ours: that takes time."""
    try:
        canonical(name)
    except OptionError:
        from importlib import metadata

        return metadata.entry_points(group=GROUP)
    return ()


def _digest(extracted: Extracted) -> str:
    """SHA-256 of what was learned from: features and labels, however they were written."""
    found = hashlib.sha256(np.ascontiguousarray(extracted.features).tobytes())
    if extracted.labels is not None:
        found.update(extracted.labels.astype(np.int8).tobytes())
    return found.hexdigest()
