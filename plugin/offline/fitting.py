"""A model from labelled captures, with the test of its recipe; and the same test again.

Joins :mod:`plugin.offline.training` (what was read) with the mathematics in ``ml``.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import plugin
from plugin.errors import DatasetError
from plugin.ml.algorithms import algorithm_of
from plugin.ml.crossval import (
    Fold,
    Tested,
    Trained,
    Work,
    group_folds,
    leave_one_out,
    most_chosen,
    nested,
    train,
)
from plugin.ml.dataset import MIN_CAPTURES, Cases, Material, split_open, training_digest
from plugin.ml.evaluate import (
    Context,
    Evaluation,
    evaluation,
    majority_of_folds,
    majority_share,
    permuted,
)
from plugin.ml.fitted_arrays import to_arrays
from plugin.ml.model import FORMAT, UNKNOWN, Manifest, Model
from plugin.ml.recipes import recipe_of
from plugin.ml.role import confidences, dispersion
from plugin.ml.schema import SCHEMAS
from plugin.ml.store import check_place, find_model, load_model, save_model
from plugin.offline.caveats import no_better, notes
from plugin.offline.classify import model_folders
from plugin.offline.training import DIGEST_LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.ml.train import Recipe

__all__ = ["Made", "Naming", "Parts", "ask_model", "asked", "check_place", "leave_out"]
__all__ += ["make_model", "open_model", "parts_of", "save_model", "seen_in_training"]

WINDOW_SECONDS = 900.0
"""The standard length of a capture: the quarter of an hour of Poseidon and NetworkML."""
_SECOND_CLASS = 2


class Made(NamedTuple):
    """A new model, and the test of its recipe."""

    model: Model
    evaluation: Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What a model is called."""

    name: str
    version: str = "1"
    networkml: Mapping[str, str] = dataclasses.field(default_factory=dict)
    window_seconds: float = WINDOW_SECONDS  # of the captures that it is for


class Parts(NamedTuple):
    """Material by use."""

    cases: Cases
    """What is learned and tested."""
    classes: tuple[str, ...]
    unknown: Material
    """Captures of classes too small to learn."""


def make_model(
    material: Material,
    recipe: Recipe,
    naming: Naming,
    work: Work,
    *,
    held_out: frozenset[str] = frozenset(),
) -> Made:
    """Test a recipe by nested, grouped cross-validation; then train it on all captures.

    Args:
        material: labelled captures.
        recipe: algorithm, features, grid, seed.
        naming: the model's name.
        work: processes and progress.
        held_out: SHA-256 digests of captures that are kept out of both (they still count for
            whether a class is large enough).

    Raises:
        DatasetError: fewer than two classes or two groups.
    """
    parts = parts_of(material, held_out=held_out)
    folds = group_folds(parts.cases.y, parts.cases.material.groups, recipe.folds, recipe.seed)
    words = f"{len(folds)}-fold, nested, no group on both sides"
    title = f"{naming.name}: {recipe.algorithm}"
    tested = _tested(parts, recipe, folds, work, (title, words), final=True)
    trained = train(recipe, parts.cases, work.named("step 3 of 3, final model"))
    warned = (*tested.notes, *no_better(tested, trained.calibration.threshold))
    tested = dataclasses.replace(tested, notes=warned)
    return Made(_model(parts, recipe, naming, trained, tested), tested)


def leave_out(
    material: Material, model: Model, column: str, work: Work, *, folds: int | None = None
) -> Evaluation:
    """Leave groups out: train the model's recipe again without them, test on them.

    Args:
        material: labelled captures, those that the model was trained on among them or not.
        model: its recipe and its classes are taken, nothing else of it.
        column: column of the list that names the group, such as ``network``.
        work: processes and progress.
        folds: leave out one of so many parts of the groups at a time; None: each group alone.

    Raises:
        DatasetError: no such column, or fewer than two groups.
        ModelError: the model's manifest holds no recipe.
    """
    recipe = recipe_of(model)
    grouped = material.grouped_by(column)
    parts = parts_of(grouped, classes=model.manifest.classes)
    groups = parts.cases.material.groups
    if folds is None:
        outer = leave_one_out(groups)
        words = (
            f"leave one {column} out ({len(outer)}), refitted each time, inner folds by {column}"
        )
    else:
        outer = group_folds(parts.cases.y, groups, folds, recipe.seed)
        words = f"{len(outer)} folds by {column}, refitted each time, inner folds by {column}"
    title = f"{model.manifest.name}: {recipe.algorithm} on {recipe.features}"
    tested = _tested(parts, recipe, outer, work, (title, words))
    if "adapted" not in model.manifest.metrics:
        return tested
    note = (
        "WARNING: this model was adapted from another: the recipe was fitted on these captures"
        " alone, without that model, so this is no test of the adaptation"
    )
    return dataclasses.replace(tested, notes=(*tested.notes, note))


def ask_model(material: Material, model: Model, *, seed: int) -> Evaluation:
    """Ask a model as it stands, and say so where it has seen the captures in training."""
    manifest = model.manifest
    parts = parts_of(material, classes=manifest.classes)
    number = {name: i for i, name in enumerate(manifest.classes)}
    inside = parts.cases.material.take(np.flatnonzero(parts.cases.inside))
    y = np.array([number[label] for label in inside.labels], np.int64)
    found, known = asked(inside, model)
    outside = parts.cases.material.take(np.flatnonzero(~parts.cases.inside))
    seen = seen_in_training(manifest, inside.digests)
    new = ~np.isin(np.array(inside.digests), np.array(seen, str))
    right = int((found.argmax(axis=1) == y)[new & (found.sum(axis=1) > 0)].sum())
    unseen = f". Of the {new.sum()} that it has not seen it has {right} right" if new.any() else ""
    warning = (
        f"WARNING: {len(seen)} of these {len(y)} captures were in the model's training:"
        f" this is no test of it; use --leave-out COLUMN, or captures it has not seen{unseen}"
    )
    control = [float((found.argmax(axis=1) == permuted(y, seed + k)).mean()) for k in range(100)]
    context = Context(
        title=f"{manifest.name}: the model as it stands",
        split=f"none: {len(seen)} of {len(y)} captures seen in training"
        if seen
        else "new captures",
        groups=inside.groups,
        majority=majority_share(y),
        permuted=float(np.mean(control)),
        open_captures=len(parts.unknown),
        open_known=_false_roles(parts.unknown, model),
        background_captures=len(outside),
        background_known=_false_roles(outside, model),
        configurations=_tried(manifest),
        seed=seed,
        notes=(warning,) if seen else (),
        refitted=False,
        names=inside.paths,
    )
    return evaluation(manifest.classes, y, found, known, context)


def seen_in_training(manifest: Manifest, digests: Iterable[str]) -> tuple[str, ...]:
    """Those SHA-256 digests that belong to the model's own training files."""
    kept: Any = manifest.metrics.get("training_files")
    names = {name for name in kept if isinstance(name, str)} if isinstance(kept, list) else set()
    return tuple(digest for digest in digests if digest[:DIGEST_LETTERS] in names)


def open_model(name: str, data: Path | None = None) -> Model:
    """Load a model by name or directory.

    Args:
        name: as after ``--model``.
        data: the setting ``data``.

    Raises:
        ModelError: no such model, or not one that can be used here.
    """
    return load_model(find_model(name, model_folders(data)))


def parts_of(
    material: Material,
    *,
    held_out: frozenset[str] = frozenset(),
    classes: Iterable[str] | None = None,
) -> Parts:
    """Sort labelled captures by use.

    Args:
        material: labelled captures.
        held_out: SHA-256 digests of captures that are kept out.
        classes: what is learned; None: whatever has ``MIN_CAPTURES`` captures.

    Raises:
        DatasetError: fewer than two classes.
    """
    labels = material.labels
    if classes is None:
        large, _ = split_open([label for label in labels if label != UNKNOWN], MIN_CAPTURES)
        wanted = {[label for label in labels if label != UNKNOWN][i] for i in large}
    else:
        wanted = set(classes)
    learned = [label in wanted or label == UNKNOWN for label in labels]
    free = [digest not in held_out for digest in material.digests]
    taken = np.flatnonzero(np.array(learned) & np.array(free))
    left = np.flatnonzero(~np.array(learned) & np.array(free))
    names = tuple(sorted({labels[i] for i in taken} - {UNKNOWN}))
    if len(names) < _SECOND_CLASS:
        raise DatasetError(
            f"fewer than two classes with {MIN_CAPTURES} captures: nothing to tell apart",
            advice="see the label column, and --where",
        )
    number = {**{name: i for i, name in enumerate(names)}, UNKNOWN: len(names)}
    y = np.array([number[labels[i]] for i in taken], np.int64)
    return Parts(Cases(material.take(taken), y, len(names)), names, material.take(left))


def _tested(
    parts: Parts,
    recipe: Recipe,
    folds: tuple[Fold, ...],
    work: Work,
    words: tuple[str, str],
    *,
    final: bool = False,
) -> Evaluation:
    """The nested test, with its control on permuted labels (of the options picked most).

    Args:
        parts: what is learned, and what is not.
        recipe: what is tested.
        folds: that measure.
        work: processes and progress.
        words: title, and how test and training are kept apart.
        final: a model is fitted after this; only the labels of the progress say so.
    """
    cases = parts.cases
    steps = 3 if final else 2
    test = work.named(f"step 1 of {steps}, test")
    tested = nested(recipe, cases, folds, test, parts.unknown)
    control = dataclasses.replace(recipe, grid=(most_chosen(tested),))
    shuffled = cases._replace(y=permuted(cases.y, recipe.seed))
    chance = nested(control, shuffled, folds, work.named(f"step 2 of {steps}, permuted labels"))
    inside = cases.inside
    context = Context(
        title=words[0],
        split=words[1],
        groups=tuple(compress(cases.material.groups, inside)),
        majority=majority_of_folds(cases.y, folds, cases.n_classes),
        permuted=_accuracy(chance),
        open_captures=len(parts.unknown),
        open_known=tested.open_known,
        background_captures=int((~inside).sum()),
        background_known=None if inside.all() else float(tested.known[~inside].mean()),
        configurations=len(recipe.grid),
        seed=recipe.seed,
        chosen=_counted(tested),
        notes=tuple(notes(parts.cases, parts.classes, asked_for=not final)),
        names=tuple(compress(cases.material.paths, inside)),
    )
    return evaluation(
        parts.classes, cases.y[inside], tested.confidences[inside], tested.known[inside], context
    )


def _accuracy(tested: Tested) -> float:
    right = tested.confidences.argmax(axis=1) == tested.cases.y
    return float(right[tested.cases.inside].mean())


def _false_roles(material: Material, model: Model) -> float | None:
    """Share of captures of other classes that the model calls known."""
    return float(asked(material, model)[1].mean()) if len(material) else None


def asked(material: Material, model: Model) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Calibrated confidences of each sample (zeros: no answer), and whether its role is known."""
    manifest = model.manifest
    found = np.zeros((len(material), len(manifest.classes)))
    for i in range(len(material)):
        rows = material.rows.rows(np.flatnonzero(material.owner == i))
        if rows.n_rows:
            found[i] = confidences(model, rows)
    known = (
        (found.max(axis=1, initial=0) >= manifest.threshold)
        & (material.packets >= manifest.min_packets)
        & (material.sessions >= manifest.min_sessions)
        & (dispersion(found, manifest.temperature) <= manifest.rejection)
    )
    return found, known


def _model(
    parts: Parts, recipe: Recipe, naming: Naming, trained: Trained, tested: Evaluation
) -> Model:
    import sklearn

    schema, calibration = SCHEMAS[recipe.features], trained.calibration
    digests = parts.cases.material.digests
    manifest = Manifest(
        format=FORMAT,
        name=naming.name,
        version=naming.version,
        algorithm=algorithm_of(trained.options, recipe.algorithm),
        schema_name=schema.name,
        schema_version=schema.version,
        schema_hash=schema.hash,
        classes=parts.classes,
        temperature=calibration.temperature,
        threshold=calibration.threshold,
        rejection=calibration.rejection,
        min_packets=calibration.min_packets,
        min_sessions=calibration.min_sessions,
        window_seconds=naming.window_seconds,
        training_digest=training_digest(digests),
        created="",  # a build from the same captures gives the same bytes
        metrics={
            "test": tested.document(),
            "recipe": recipe.document(),
            "options": dict(trained.options),
            "captures": int(parts.cases.inside.sum()),
            "background": int((~parts.cases.inside).sum()),
            "training_files": sorted(digest[:DIGEST_LETTERS] for digest in digests),
        },
        versions={"halia": plugin.__version__, "numpy": np.__version__}
        | {"scikit-learn": sklearn.__version__},
        networkml={k: v for k, v in naming.networkml.items() if k in parts.classes},
    )
    return Model(manifest, to_arrays(trained.fitted, len(parts.classes)))


def _tried(manifest: Manifest) -> int:
    recipe = manifest.metrics.get("recipe")
    grid = recipe.get("grid") if isinstance(recipe, dict) else None
    return len(grid) if isinstance(grid, list) else 0


def _counted(tested: Tested) -> dict[str, int]:
    return dict(Counter(json.dumps(dict(o), sort_keys=True) for o in tested.chosen).most_common())
