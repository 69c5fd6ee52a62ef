"""A model adapted to a network by its labelled captures: ``halia train --adapt``.

Joins :mod:`plugin.offline.training` (what was read) with :mod:`plugin.ml.adapt`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.adapt import STRENGTH, adapted
from plugin.ml.crossval import leave_one_out
from plugin.ml.dataset import training_digest
from plugin.ml.model import UNKNOWN
from plugin.offline.fitting import asked
from plugin.offline.training import DIGEST_LETTERS

if TYPE_CHECKING:
    from plugin.ml.dataset import Material
    from plugin.ml.model import Model
    from plugin.offline.fitting import Naming

__all__ = ["Adapted", "adapt_model", "lines"]


class Adapted(NamedTuple):
    """An adapted model, and what that did."""

    model: Model
    captures: int
    """Labelled captures that it was taught, those of no class included."""
    new: tuple[str, ...]
    """Classes that it had not."""
    before: int
    """Captures of a class that the model as it came answered rightly."""
    after: int
    """The same when all groups but the capture's own had been taught."""
    asked: int
    """Captures of a class."""
    groups: int
    """What was taught or left out together; with one group ``after`` is ``before``."""

    def document(self) -> dict[str, object]:
        """As plain JSON values."""
        return {**self._asdict(), "model": self.model.manifest.name, "new": list(self.new)}


def adapt_model(
    material: Material, model: Model, naming: Naming, *, strength: float = STRENGTH
) -> Adapted:
    """Teach a model labelled captures; test it by leaving one group of them out at a time.

    Args:
        material: labelled captures, rows of the model's features.
        model: of trees; what it was trained on is not needed.
        naming: the new model's name.
        strength: see :data:`plugin.ml.adapt.STRENGTH`.

    Raises:
        ModelError: it is no model of trees.
    """
    made = adapted(model, material, strength)
    groups = np.array(material.groups, dtype=object)
    truth = np.array(material.labels, dtype=object)
    inside = truth != UNKNOWN
    before = _answers(model, material)
    after = before.copy()
    if len(set(groups)) > 1:
        for learn, test in leave_one_out(material.groups):
            after[test] = _answers(
                adapted(model, material.take(learn), strength), material.take(test)
            )
    found = Adapted(
        made,
        captures=len(material),
        new=made.manifest.classes[len(model.manifest.classes) :],
        before=int((before == truth)[inside].sum()),
        after=int((after == truth)[inside].sum()),
        asked=int(inside.sum()),
        groups=len(set(groups)),
    )
    return found._replace(model=_named(found, model, material, naming))


def lines(found: Adapted) -> str:
    """What was done, for people."""
    new = f", new: {', '.join(found.new)}" if found.new else ""
    test = (
        f"{found.after} of them when their own group had not been taught ({found.groups} groups)"
        if found.groups > 1
        else "one group of captures alone: what it gained could not be tested"
    )
    return (
        f"taught {found.captures} captures{new}\n"
        f"right before: {found.before} of {found.asked}; {test}\n"
    )


def _answers(model: Model, material: Material) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    confidences, _ = asked(material, model)
    names = np.array([*model.manifest.classes, ""], dtype=object)
    answered = confidences.sum(axis=1) > 0
    return names[np.where(answered, confidences.argmax(axis=1), len(names) - 1)]


def _named(found: Adapted, model: Model, material: Material, naming: Naming) -> Model:
    """The adapted model with its own name, and what it was taught, in its manifest."""
    old = model.manifest
    kept = old.metrics.get("training_files")
    before = [name for name in kept if isinstance(name, str)] if isinstance(kept, list) else []
    own = [digest[:DIGEST_LETTERS] for digest in material.digests]
    taught = {name: value for name, value in found.document().items() if name != "model"}
    manifest = found.model.manifest._replace(
        name=naming.name,
        version=naming.version,
        window_seconds=naming.window_seconds,
        training_digest=training_digest([old.training_digest, *material.digests]),
        networkml={
            **old.networkml,
            **{k: v for k, v in naming.networkml.items() if k in found.model.manifest.classes},
        },
        metrics={
            **old.metrics,
            "training_files": sorted({*before, *own}),
            "adapted": {"from": old.name, "from_digest": old.training_digest, **taught},
        },
        arrays_sha256="",
    )
    return found.model._replace(manifest=manifest)
