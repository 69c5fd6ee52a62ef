"""A model of trees taught a network's own devices: labelled captures vote in the leaves they reach.

A leaf of a forest says which shares of its training captures were of which class. What that
model was trained on does not come with it; but a labelled capture of the network can be sent
down each tree, and its label be counted in the leaf where it ends: the leaf's shares are then
the mean of the prior that the model brings, weighing ``STRENGTH`` captures, and of what was
labelled, each class weighing one capture however many it has (as classes are balanced where a
model is trained). This is the posterior mean of a Dirichlet prior (Gelman et al., Bayesian Data
Analysis, 3rd ed. 2013, section 3.4) with the leaf's shares as its base. The trees stay as they
are, so nothing is forgotten where no labelled capture ends. New classes may come. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.errors import ModelError
from plugin.ml.dataset import Cases
from plugin.ml.inference import leaves
from plugin.ml.model import UNKNOWN
from plugin.ml.role import calibrate, spread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from plugin.ml.dataset import Material
    from plugin.ml.model import Model

STRENGTH = 0.75
"""What a leaf's own shares weigh, in labelled classes."""
ADAPTABLE = ("forest", "trees")


def adapt(
    arrays: Mapping[str, NDArray[Any]],
    kind: str,
    cases: Cases,
    strength: float = STRENGTH,
) -> dict[str, NDArray[Any]]:
    """Teach the leaves of a forest labelled captures.

    Args:
        arrays: of the model.
        kind: its algorithm.
        cases: labelled captures, rows of the model's features; class numbers from the model's
            number of classes on are new classes, ``n_classes`` is the background.
        strength: what a leaf's own shares weigh.

    Returns:
        The arrays of the adapted model.

    Raises:
        ValueError: the rows do not fit the arrays.
    """
    material, y, n_classes = cases
    value, owner = arrays["value"], material.owner
    rows_each = np.bincount(owner, minlength=len(material))
    of_class = np.bincount(y[rows_each > 0], minlength=n_classes + 1)
    weight = 1 / (rows_each[owner] * of_class[y[owner]])
    reached = leaves(arrays, material.rows, kind)
    votes = np.zeros((len(value), n_classes + 1))
    for tree in range(reached.shape[1]):
        np.add.at(votes, (reached[:, tree], y[owner]), weight)
    shares = np.zeros((len(value), n_classes))
    shares[:, : value.shape[1]] = strength * value
    shares = (shares + spread(votes, n_classes)) / (strength + votes.sum(axis=1, keepdims=True))
    leaf = np.asarray(arrays["feature"])[:, None] < 0
    return {**arrays, "value": np.where(leaf, shares, 0).astype(np.float32)}


def adapted(model: Model, material: Material, strength: float = STRENGTH) -> Model:
    """A model taught labelled captures; its manifest keeps thresholds and temperature.

    Args:
        model: of trees.
        material: labelled captures; their labels may be classes that it has not, or
            ``Unknown`` for a device that is none of them.
        strength: what a leaf's own shares weigh.

    Raises:
        ModelError: it is no model of trees.
    """
    manifest = model.manifest
    if manifest.algorithm not in ADAPTABLE:
        raise ModelError(
            f"a model of the kind {manifest.algorithm} cannot be adapted",
            where=manifest.name,
            advice=f"take one of {' or '.join(ADAPTABLE)}, or train one",
        )
    classes = with_new(manifest.classes, material.labels)
    number = {name: i for i, name in enumerate((*classes, UNKNOWN))}
    y = np.array([number[label] for label in material.labels], np.int64)
    cases = Cases(material, y, len(classes))
    arrays = adapt(model.arrays, manifest.algorithm, cases, strength)
    return model._replace(manifest=manifest._replace(classes=classes), arrays=arrays)


def with_new(classes: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """The model's classes in their order, then new ones by name."""
    return (*classes, *sorted(set(labels) - {*classes, UNKNOWN}))


def ceiling(model: Model, label: str) -> float:
    """The highest confidence that any device could come out with for a class of a model of trees.

    In each tree the leaf that says most for the class, the rest shared evenly among the other
    classes (calibration then leaves the class the largest share); no device need reach it.

    Args:
        model: of trees.
        label: one of its classes.
    """
    value, roots = np.asarray(model.arrays["value"], np.float64), model.arrays["roots"]
    number = model.manifest.classes.index(label)
    tree = np.searchsorted(np.sort(roots), np.arange(len(value)), side="right") - 1
    best = np.zeros(len(roots))
    np.maximum.at(best, tree, value[:, number])
    n_classes, top = len(model.manifest.classes), float(best.mean())
    shares = np.full(n_classes, (1 - top) / (n_classes - 1))
    shares[number] = top
    return float(calibrate(shares, model.manifest.temperature)[number])
