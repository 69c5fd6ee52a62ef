"""A model adapted to a network by its labelled captures: ``halia train --adapt``.

Joins :mod:`plugin.offline.training` (what was read) with :mod:`plugin.ml.adapt`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.adapt import STRENGTH, adapted, ceiling
from plugin.ml.calibration import limit_of
from plugin.ml.crossval import leave_one_out
from plugin.ml.dataset import training_digest
from plugin.ml.model import UNKNOWN
from plugin.ml.role import dispersion
from plugin.offline.fitting import asked, seen_in_training
from plugin.offline.training import DIGEST_LETTERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.dataset import Material
    from plugin.ml.model import Model
    from plugin.offline.fitting import Naming

    Names = np.ndarray[tuple[int], np.dtype[np.object_]]

__all__ = ["Adapted", "adapt_model", "lines"]


TAUGHT_REJECTED = 0.2
"""So large a share of taught captures may be rejected as like none of the classes: a limit wide
enough for nearly all would let in what is like the old classes a little."""


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
    known_before: int
    """Captures of a class that the model as it came called known, rightly."""
    known_after: int
    """The same when all groups but the capture's own had been taught."""
    rejection_before: float
    """The spread over the classes up to which the model as it came called devices known."""
    notes: tuple[str, ...] = ()
    """What these figures do not tell."""

    def document(self) -> dict[str, object]:
        """As plain JSON values."""
        lists = {"new": list(self.new), "notes": list(self.notes)}
        return {**self._asdict(), "model": self.model.manifest.name, **lists}


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
    confidences, known_before = asked(material, model)
    before = _names(model, confidences)
    after, known_after = before, known_before
    if len(set(groups)) > 1:
        after, known_after, made = _tested(material, model, made, strength)
    seen = len(seen_in_training(model.manifest, material.digests))
    found = Adapted(
        made,
        captures=len(material),
        new=made.manifest.classes[len(model.manifest.classes) :],
        before=int((before == truth)[inside].sum()),
        after=int((after == truth)[inside].sum()),
        asked=int(inside.sum()),
        groups=len(set(groups)),
        known_before=int((known_before & (before == truth))[inside].sum()),
        known_after=int((known_after & (after == truth))[inside].sum()),
        rejection_before=model.manifest.rejection,
        notes=(*_seen(seen, len(material)), *_never_known(made, material)),
    )
    return found._replace(model=_named(found, model, material, naming))


def _tested(
    material: Material, model: Model, made: Model, strength: float
) -> tuple[Names, NDArray[np.bool_], Model]:
    """Answers when a capture's own group had not been taught; the model with its limit.

    A taught leaf keeps a share of what it said before, spread over the classes that it had: so
    what was taught is spread more than what a model was trained on, and MODEL's own limit would
    reject all of it. The limit is therefore fitted to these answers, those that are right; it is
    never made stricter, and no wider where nothing more is rightly known by it.
    A group is tested with the limit that the others give.
    """
    truth = np.array(material.labels, dtype=object)
    after, enough = np.full(len(material), "", dtype=object), np.zeros(len(material), np.bool_)
    apart = np.full(len(material), np.nan)
    parts = list(leave_one_out(material.groups))
    for learn, test in parts:
        taught = _limited(adapted(model, material.take(learn), strength), 1.0)
        confidences, enough[test] = asked(material.take(test), taught)
        after[test] = _names(taught, confidences)
        right = after[test] == truth[test]
        apart[test[right]] = dispersion(confidences[right], taught.manifest.temperature)
    own, limit = model.manifest.rejection, _limit(model, apart)
    if not (enough & (apart > own) & (apart <= limit)).any():
        return after, enough & (apart <= own), made
    known = np.zeros(len(material), np.bool_)
    for learn, test in parts:
        known[test] = enough[test] & (apart[test] <= _limit(model, apart[learn]))
    return after, known, _limited(made, limit)


def _limit(model: Model, apart: NDArray[np.float64]) -> float:
    """The limit of a model taught captures of these dispersions (NaN: not rightly answered)."""
    some = apart[~np.isnan(apart)]
    own = model.manifest.rejection
    return max(own, limit_of(some, TAUGHT_REJECTED)) if len(some) else own


def _limited(model: Model, rejection: float) -> Model:
    return model._replace(manifest=model.manifest._replace(rejection=rejection))


def lines(found: Adapted) -> str:
    """What was done, for people."""
    new = f", new: {', '.join(found.new)}" if found.new else ""
    test = (
        f"{found.after} of them when their own group had not been taught ({found.groups} groups)"
        if found.groups > 1
        else "one group of captures alone: what it gained could not be tested"
    )
    known = f"; {found.known_after} of them then" if found.groups > 1 else ""
    return (
        f"taught {found.captures} captures{new}\n"
        f"right before: {found.before} of {found.asked}; {test}\n"
        f"rightly called known before: {found.known_before} of {found.asked}{known}\n"
        f"{_wider(found)}"
    )


def _wider(found: Adapted) -> str:
    """That the limit on spread was made wider, if it was."""
    limit = found.model.manifest.rejection
    if limit == found.rejection_before:
        return ""
    return (
        f"spread over the classes: known up to {limit:.2f} now, up to {found.rejection_before:.2f}"
        " before; what is like the old classes a little may come out as known more often\n"
    )


def _seen(seen: int, captures: int) -> tuple[str, ...]:
    """The warning that the figures before teaching flatter."""
    if not seen:
        return ()
    warning = (
        f"WARNING: {seen} of these {captures} captures were in the training of the model that"
        " is adapted: how many were right before, and after, is no test of it"
    )
    return (warning,)


def _never_known(made: Model, material: Material) -> tuple[str, ...]:
    """What taught classes are hardly or never called known, though they are taught."""
    found, manifest = [], made.manifest
    threshold, limit = manifest.threshold, manifest.rejection
    confidences, _ = asked(material, made)
    apart = dispersion(confidences, manifest.temperature)
    truth = np.array(material.labels, dtype=object)
    for label in sorted(set(material.labels) - {UNKNOWN}):
        best = float(confidences[truth == label, manifest.classes.index(label)].max())
        least = float(apart[truth == label].min())
        most = ceiling(made, label)
        asks = f"and this model calls known from {threshold:.2f} on"
        if most < threshold:
            found.append(
                f"{label} can never be called known: {most:.3f} is the most that any device can"
                f" reach, {asks}; train a model of your own"
            )
        elif best < threshold:
            found.append(
                f"{label} will hardly be called known: what was taught comes to {best:.3f} itself,"
                f" {asks}; train a model of your own"
            )
        elif least > limit:
            found.append(
                f"{label} will hardly be called known: what was taught is spread by {least:.2f}"
                f" over the classes itself, and this model calls known up to {limit:.2f}; label"
                " captures of more than one group, or train a model of your own"
            )
    return tuple(found)


def _names(model: Model, confidences: NDArray[np.float64]) -> Names:
    """The likeliest class of each capture, "" for no answer."""
    names = np.array([*model.manifest.classes, ""], dtype=object)
    answered = confidences.sum(axis=1) > 0
    found: Names = names[np.where(answered, confidences.argmax(axis=1), len(names) - 1)]
    return found


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
