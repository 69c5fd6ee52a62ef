"""Grid search and cross-validation, nested and grouped.

Outer folds measure, inner folds choose: options, temperature, threshold and least evidence are
all picked on inner folds, so that no tested capture has had a say in what it is tested with. No
group stands on both sides of any split. This file computes only; joblib spreads the fits.
"""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import numpy as np

from plugin.errors import DatasetError
from plugin.ml.train import (
    Calibration,
    Fitted,
    Options,
    Recipe,
    Validated,
    fit,
    fit_decision,
    fit_temperature,
    least_packets,
    log_loss,
    predict,
    soften,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from plugin.ml.dataset import Material

_T = TypeVar("_T")
Fold = tuple["NDArray[np.int64]", "NDArray[np.int64]"]
"""Sample numbers to train on, and to test on."""


class Track(Protocol):
    """Passes items on and shows how many have gone by."""

    def __call__(self, items: Iterable[_T], total: int, label: str, /) -> Iterator[_T]:
        """Give the items; ``total`` of them will come, ``label`` says what they are."""


def silent(items: Iterable[_T], total: int, label: str, /) -> Iterator[_T]:
    """Pass items on: the progress of nobody watching."""
    del total, label
    yield from items


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How to compute: processes, and who watches."""

    jobs: int = 1
    track: Track = silent


class _Task(NamedTuple):
    """One fit: of outer fold ``place``, with one point of the grid, on one inner fold."""

    place: int
    options: Options
    fold: Fold


class _Validated(NamedTuple):
    """What one task found."""

    task: _Task
    whole: NDArray[np.float64]
    prefixes: dict[int, NDArray[np.float64]]


class Trained(NamedTuple):
    """A model with what was chosen for it."""

    fitted: Fitted
    options: Options
    calibration: Calibration
    validation: NDArray[np.float64]
    """(n_samples, n_classes) out-of-fold probabilities of the chosen options."""


class Tested(NamedTuple):
    """Predictions for samples that the model of their fold has not seen."""

    y: NDArray[np.int64]
    confidences: NDArray[np.float64]
    """(n_samples, n_classes) calibrated; a row of zeros: no session, no answer."""
    known: NDArray[np.bool_]
    """Whether the decision was ``known``: confident, and on enough evidence."""
    fold: NDArray[np.int64]
    """(n_samples,) the outer fold that tested it."""
    chosen: tuple[Options, ...]
    """The options that each outer fold's inner search picked."""
    calibrations: tuple[Calibration, ...]
    """What each outer fold's inner folds calibrated."""
    fits: int
    """Fits made in all."""
    open_known: float | None
    """Share of open-set captures (classes never learned) that were called known: false roles."""


def group_folds(
    y: NDArray[np.int64], groups: Sequence[str], folds: int, seed: int
) -> tuple[Fold, ...]:
    """Stratified folds in which each group stands on one side only.

    Raises:
        DatasetError: fewer than two groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    count = min(folds, len(set(groups)), int(np.bincount(y).max()))
    if count < 2:  # noqa: PLR2004 — two sides make a split
        raise DatasetError("cross-validation needs at least two groups of captures")
    splitter = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class with fewer captures than folds is expected; it is then missing in some.
        warnings.filterwarnings("ignore", message="The least populated class")
        made = tuple(splitter.split(np.zeros(len(y)), y, list(groups)))
    return tuple((train, test) for train, test in made if len(train) and len(test))


def leave_one_out(groups: Sequence[str]) -> tuple[Fold, ...]:
    """One fold for each group: test on it, train on all others.

    Raises:
        DatasetError: fewer than two groups.
    """
    names = sorted(set(groups))
    if len(names) < 2:  # noqa: PLR2004 — one must stay to learn from
        raise DatasetError("leaving one group out needs at least two groups")
    of = np.array(groups, dtype=object)
    return tuple((np.flatnonzero(of != name), np.flatnonzero(of == name)) for name in names)


def train(
    recipe: Recipe, material: Material, y: NDArray[np.int64], n_classes: int, work: Work
) -> Trained:
    """Search the grid on grouped folds, calibrate on their predictions, fit on everything."""
    tasks = _tasks(recipe, material, y, 0)
    found = _run(recipe, ((material, y),), n_classes, tasks, work)
    return _finish(recipe, material, y, n_classes, found)


def nested(
    recipe: Recipe,
    material: Material,
    y: NDArray[np.int64],
    outer: Sequence[Fold],
    work: Work,
    unknown: Material | None = None,
) -> Tested:
    """Test the whole recipe, its choices included, on each outer fold.

    Args:
        recipe: what is tested.
        material: all samples.
        y: (n_samples,) class numbers.
        outer: folds that measure, such as :func:`group_folds` or :func:`leave_one_out`.
        work: processes and progress.
        unknown: captures of classes that are never learned; each fold's model is asked too.
    """
    n_classes = int(y.max()) + 1
    parts = tuple((material.take(learn), y[learn]) for learn, _ in outer)
    tasks = [
        task for place, (part, own) in enumerate(parts) for task in _tasks(recipe, part, own, place)
    ]
    found = _run(recipe, parts, n_classes, tasks, work)
    confidences = np.zeros((len(y), n_classes))
    known, fold_of = np.zeros(len(y), np.bool_), np.full(len(y), -1)
    chosen, calibrations, false_roles = [], [], []
    for place, (_, test) in enumerate(outer):
        part, own = parts[place]
        trained = _finish(recipe, part, own, n_classes, [v for v in found if v.task.place == place])
        confidences[test], known[test] = answer(trained, material.take(test), n_classes)
        fold_of[test] = place
        chosen.append(trained.options)
        calibrations.append(trained.calibration)
        if unknown is not None and len(unknown):
            false_roles.append(float(answer(trained, unknown, n_classes)[1].mean()))
    return Tested(
        y=y,
        confidences=confidences,
        known=known,
        fold=fold_of,
        chosen=tuple(chosen),
        calibrations=tuple(calibrations),
        fits=len(tasks) + len(outer),
        open_known=float(np.mean(false_roles)) if false_roles else None,
    )


def answer(
    trained: Trained, material: Material, n_classes: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Calibrated confidences of each sample, and whether its role counts as known."""
    raw = predict(trained.fitted, material.rows, material.owner, len(material), n_classes)
    calibration = trained.calibration
    confidences = np.where(
        raw.sum(axis=1, keepdims=True) > 0, soften(raw, calibration.temperature), 0.0
    )
    known = (
        (confidences.max(axis=1) >= calibration.threshold)
        & (material.packets >= calibration.min_packets)
        & (material.sessions >= calibration.min_sessions)
    )
    return confidences, known


def _tasks(recipe: Recipe, material: Material, y: NDArray[np.int64], place: int) -> list[_Task]:
    folds = group_folds(y, material.groups, recipe.folds, recipe.seed)
    return [_Task(place, options, fold) for options in recipe.grid for fold in folds]


def _run(
    recipe: Recipe,
    parts: Sequence[tuple[Material, NDArray[np.int64]]],
    n_classes: int,
    tasks: Sequence[_Task],
    work: Work,
) -> list[_Validated]:
    if work.jobs == 1:
        made = (_validate(recipe, *parts[task.place], n_classes, task) for task in tasks)
        return list(work.track(made, len(tasks), "fits"))
    from joblib import Parallel, delayed

    spread = Parallel(n_jobs=work.jobs, return_as="generator")(
        delayed(_validate)(recipe, *parts[task.place], n_classes, task) for task in tasks
    )
    return list(work.track(spread, len(tasks), "fits"))


def _validate(
    recipe: Recipe, material: Material, y: NDArray[np.int64], n_classes: int, task: _Task
) -> _Validated:
    learn, check = task.fold
    fitted = fit(task.options, recipe, material.take(learn), y[learn])
    part = material.take(check)
    cut = {k: part.first_sessions(k) for k in part.prefix_counts}
    return _Validated(
        task,
        predict(fitted, part.rows, part.owner, len(part), n_classes),
        {k: predict(fitted, *rows, len(part), n_classes) for k, rows in cut.items()},
    )


def _finish(
    recipe: Recipe,
    material: Material,
    y: NDArray[np.int64],
    n_classes: int,
    found: Sequence[_Validated],
) -> Trained:
    """Choose among the grid's points, calibrate, and fit the choice on all samples."""
    best = max(recipe.grid, key=lambda options: _score(_whole(options, found, y, n_classes), y))
    whole = _whole(best, found, y, n_classes)
    temperature = fit_temperature(whole, y)
    confidences = soften(whole, temperature)
    cut = {
        k: _answers(soften(_prefix(best, found, y, n_classes, k), temperature), y)
        for k in material.prefix_counts
    }
    judged = _answers(confidences, y)
    threshold, sessions = fit_decision(judged, material.sessions, cut)
    calibration = Calibration(
        temperature=temperature,
        threshold=threshold,
        min_packets=least_packets(material.packets, judged.right),
        min_sessions=sessions,
    )
    return Trained(fit(best, recipe, material, y), best, calibration, whole)


def _answers(confidences: NDArray[np.float64], y: NDArray[np.int64]) -> Validated:
    return Validated(confidences.max(axis=1), confidences.argmax(axis=1) == y)


def _whole(
    options: Options, found: Sequence[_Validated], y: NDArray[np.int64], n_classes: int
) -> NDArray[np.float64]:
    result = np.zeros((len(y), n_classes))
    for v in found:
        if v.task.options == options:
            result[v.task.fold[1]] = v.whole
    return result


def _prefix(
    options: Options, found: Sequence[_Validated], y: NDArray[np.int64], n_classes: int, count: int
) -> NDArray[np.float64]:
    result = np.zeros((len(y), n_classes))
    for v in found:
        if v.task.options == options:
            result[v.task.fold[1]] = v.prefixes[count]
    return result


def _score(probabilities: NDArray[np.float64], y: NDArray[np.int64]) -> tuple[float, float]:
    """Macro recall first (rare classes count as much), then the smaller log loss."""
    answers = probabilities.argmax(axis=1)
    recalls = [float((answers[y == c] == c).mean()) for c in np.unique(y)]
    return float(np.mean(recalls)), -log_loss(probabilities, y)


def most_chosen(tested: Tested) -> Options:
    """The options that most outer folds picked."""
    return Counter(tested.chosen).most_common(1)[0][0]
