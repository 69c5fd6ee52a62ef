"""Training and testing models as library calls: what `halia train` and `halia evaluate` do.

Joins :mod:`plugin.offline.training` (reading labelled captures) and
:mod:`plugin.offline.fitting` (models and their tests), without progress or printing.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import OptionError
from plugin.ml.algorithms import GRIDS
from plugin.ml.crossval import Work
from plugin.ml.schema import SCHEMAS
from plugin.ml.train import Recipe
from plugin.ml.vocabulary import FILE, Vocabulary, load_vocabulary
from plugin.offline.adapting import Adapted, adapt_model
from plugin.offline.fitting import Made, Naming, ask_model, make_model, open_model
from plugin.offline.fitting import leave_out as refit
from plugin.offline.fitting import save_model as write_model
from plugin.offline.training import (
    Listing,
    Skipped,
    gather,
    held_out_digests,
    read_listing,
    spell,
)
from plugin.settings import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plugin.ml.evaluate import Evaluation
    from plugin.ml.model import Model

__all__ = [
    "Adapted",
    "Labelled",
    "adapt",
    "evaluate",
    "labelled",
    "load_model",
    "save_model",
    "train",
]


class Labelled(NamedTuple):
    """Labelled captures, as :func:`labelled` lists them."""

    listing: Listing
    """Which files, whose, and in which group; labels in the vocabulary's spelling."""
    held_out: frozenset[str] = frozenset()
    """SHA-256 digests of captures that no model may learn."""


def labelled(
    data: Path | str,
    *,
    root: Path | str | None = None,
    label_column: str = "label",
    group_column: str | None = None,
    where: Sequence[tuple[str, str]] = (),
    hold_out: Iterable[Path | str] = (),
) -> Labelled:
    """List labelled captures for :func:`train` and :func:`evaluate`.

    Args:
        data: a CSV with the columns path and label, or a folder: with a labels.csv, or with
            captures whose names or sub-folders carry the role.
        root: where the paths of a CSV start; by default the CSV's folder.
        label_column: the CSV's column of the class.
        group_column: the CSV's column of what must not be split between training and test.
        where: (column, pattern) pairs that a row of the CSV must match.
        hold_out: CSVs whose column sha256 names captures that are neither learned nor tested
            in training; they still count for whether a class is large enough.

    Raises:
        DatasetError: nothing there, a column missing, a name without a role.
    """
    listing = read_listing(
        Path(data),
        root=None if root is None else Path(root),
        label_column=label_column,
        group_column=group_column,
        where=where,
    )
    return Labelled(spell(listing, _vocabulary()), held_out_digests(map(Path, hold_out)))


def train(
    data: Path | str | Labelled,
    *,
    algorithm: str = "net",
    features: str = "networkml-4104",
    name: str = "model",
    seed: int = 1,
    jobs: int = 1,
) -> Made:
    """Test a recipe by nested, grouped cross-validation, then train a model on all captures.

    Args:
        data: labelled captures; a path is listed by :func:`labelled` with its defaults.
        algorithm: ``net`` (one hidden layer), ``forest``, ``trees``, ``boosting``, ``ensemble``
            or ``auto`` (the choice among them is part of the test); grids in ``ml.algorithms``.
        features: a key of ``SCHEMAS``.
        name: the model's name.
        seed: of everything random; the same captures and seed give the same model.
        jobs: processes.

    Returns:
        The model (:func:`plugin.save_model` writes it) and the test of its recipe, whose notes
        name the captures that were left out.

    Raises:
        DatasetError: no capture can be used, fewer than two classes or two groups.
        OptionError: no such algorithm or feature set.
    """
    if algorithm not in GRIDS:
        raise OptionError(f"no algorithm {algorithm!r}", advice=f"there are {', '.join(GRIDS)}")
    if features not in SCHEMAS:
        raise OptionError(f"no feature set {features!r}", advice=f"there are {', '.join(SCHEMAS)}")
    found = _labelled(data)
    gathered = gather(found.listing, features, jobs=jobs)
    labels = sorted({sample.label for sample in found.listing.samples})
    made = make_model(
        gathered.material,
        Recipe(algorithm=algorithm, features=features, grid=GRIDS[algorithm], seed=seed),
        Naming(name=name, networkml=_vocabulary().networkml(labels)),
        Work(jobs=jobs),
        held_out=found.held_out,
    )
    return Made(made.model, _noted(made.evaluation, gathered.skipped))


def adapt(
    model: Model | Path | str, data: Path | str | Labelled, *, name: str = "model", jobs: int = 1
) -> Adapted:
    """Teach a model of trees labelled captures of one's own network, new classes too.

    Args:
        model: itself, or the name of a shipped one, or a directory.
        data: labelled captures, as for :func:`train`.
        name: the adapted model's name.
        jobs: processes.

    Returns:
        The adapted model, and how many captures were answered rightly before and after.

    Raises:
        DatasetError: no capture can be used.
        ModelError: no such model, or none of trees.
    """
    given = load_model(model) if isinstance(model, Path | str) else model
    listing = _labelled(data).listing
    gathered = gather(listing, given.manifest.schema_name, jobs=jobs)
    labels = sorted({sample.label for sample in listing.samples})
    naming = Naming(
        name=name,
        networkml=_vocabulary().networkml(labels),
        window_seconds=given.manifest.window_seconds,
    )
    return adapt_model(gathered.material, given, naming)


def evaluate(
    model: Model | Path | str,
    data: Path | str | Labelled,
    *,
    leave_out: str | None = None,
    folds: int | None = None,
    seed: int = 1,
    jobs: int = 1,
) -> Evaluation:
    """Tell how well a model does on labelled captures, or its recipe on groups left out.

    Args:
        model: itself, or the name of a shipped one, or a directory.
        data: labelled captures, as for :func:`train`; what they hold out is not asked for.
        leave_out: a column of the list: leave out one of its groups at a time, fit the model's
            recipe again without it, and test on it. None asks the model as it stands; captures
            that it was trained on are then told in the notes.
        folds: with ``leave_out``: leave out one of so many parts of the groups at a time.
        seed: of the control on permuted labels where the model is asked as it stands; a recipe
            that is fitted again brings its own.
        jobs: processes.

    Returns:
        The figures; its notes name the captures that were left out.

    Raises:
        DatasetError: no capture can be used, no such column, fewer than two groups.
        ModelError: no such model, or none that can be used here, or it holds no recipe.
        OptionError: ``folds`` without ``leave_out``.
    """
    if folds is not None and leave_out is None:
        raise OptionError("folds of what?", advice="name the column to leave out by")
    asked = load_model(model) if isinstance(model, Path | str) else model
    found = _labelled(data)
    gathered = gather(found.listing, asked.manifest.schema_name, jobs=jobs)
    if leave_out is None:
        return _noted(ask_model(gathered.material, asked, seed=seed), gathered.skipped)
    tested = refit(gathered.material, asked, leave_out, Work(jobs=jobs), folds=folds)
    return _noted(tested, gathered.skipped)


def load_model(name: Path | str) -> Model:
    """Load a model: a shipped one by its name, or any by its directory.

    Raises:
        ModelError: no such model, or not one that can be used here.
    """
    return open_model(str(name))


def save_model(model: Model, directory: Path | str, *, force: bool = False) -> Model:
    """Write a model's directory, whole or not at all.

    Args:
        model: a checked model.
        directory: where; it must not exist without ``force``.
        force: replace a model that is there.

    Returns:
        The model with the digest of its arrays in its manifest.

    Raises:
        OutputError: something is there already, or it cannot be written.
    """
    return write_model(model, Path(directory), force=force)


def _labelled(data: Path | str | Labelled) -> Labelled:
    return data if isinstance(data, Labelled) else labelled(data)


def _vocabulary() -> Vocabulary:
    return load_vocabulary(data_folder("configs") / FILE)


def _noted(found: Evaluation, skipped: Iterable[Skipped]) -> Evaluation:
    """With the captures that were left out in its notes."""
    notes = tuple(f"{path}: left out: {reason}" for path, reason in skipped)
    return dataclasses.replace(found, notes=(*found.notes, *notes))
