"""Grid search and cross-validation, nested and grouped.

Outer folds measure, inner folds choose: options, temperature, threshold and least evidence are
all picked on inner folds, so that no tested capture has had a say in what it is tested with. No
group stands on both sides of any split. This file computes only; joblib spreads the fits.
"""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import numpy as np

from plugin.errors import DatasetError
from plugin.ml.calibration import (
    Calibration,
    Validated,
    fit_decision,
    fit_rejection,
    fit_temperature,
    least_packets,
    log_loss,
    soften,
)
from plugin.ml.role import dispersion
from plugin.ml.selection import Score, macro_recall, smallest_within
from plugin.ml.train import Fitted, Recipe, fit, predict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from plugin.ml.algorithms import Options
    from plugin.ml.dataset import Cases, Material

_T = TypeVar("_T")
Fold = tuple["NDArray[np.int64]", "NDArray[np.int64]"]
"""Sample numbers to train on, and to test on."""


class Track(Protocol):
    """Passes items on and shows how many have gone by."""

    def __call__(
        self, items: Iterable[_T], total: int, label: str, parts: int = 1, /
    ) -> Iterator[_T]:
        """Give the items.

        Args:
            items: what to go through.
            total: how many will come.
            label: what they are.
            parts: outer folds that they belong to, in order.
        """


def silent(items: Iterable[_T], total: int, label: str, parts: int = 1, /) -> Iterator[_T]:
    """Pass items on: the progress of nobody watching."""
    del total, label, parts
    yield from items


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How to compute: processes, and who watches."""

    jobs: int = 1
    track: Track = silent
    label: str = "fits"
    """What is being computed, for who watches."""

    def named(self, label: str) -> Work:
        """The same under another name."""
        return replace(self, label=label)


class _Task(NamedTuple):
    """One fit: of outer fold ``place``, with one point of the grid, on one inner fold."""

    place: int
    options: Options
    fold: Fold


class _Validated(NamedTuple):
    """What one task found."""

    task: _Task
    whole: NDArray[np.float64]
    size: int
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

    cases: Cases
    confidences: NDArray[np.float64]
    """(n_samples, n_classes) calibrated; a row of zeros: no session, no answer."""
    known: NDArray[np.bool_]
    """Whether the decision was ``known``: confident, and on enough evidence."""
    chosen: tuple[Options, ...]
    """The options that each outer fold's inner search picked."""
    calibrations: tuple[Calibration, ...]
    """What each outer fold's inner folds calibrated."""
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


def train(recipe: Recipe, cases: Cases, work: Work) -> Trained:
    """Search the grid on grouped folds, calibrate on their predictions, fit on everything."""
    return _finish(recipe, cases, _run(recipe, (cases,), _tasks(recipe, cases, 0), work))


def nested(
    recipe: Recipe,
    cases: Cases,
    outer: Sequence[Fold],
    work: Work,
    unknown: Material | None = None,
) -> Tested:
    """Test the whole recipe, its choices included, on each outer fold.

    Args:
        recipe: what is tested.
        cases: all samples.
        outer: folds that measure, such as :func:`group_folds` or :func:`leave_one_out`.
        work: processes and progress.
        unknown: captures of classes that are never learned; each fold's model is asked too.

    Raises:
        DatasetError: a fold leaves fewer than two groups to choose the recipe's options on.
    """
    groups = cases.material.groups
    if any(len({groups[i] for i in learn}) < 2 for learn, _ in outer):  # noqa: PLR2004 — a split
        raise DatasetError(
            f"nested cross-validation needs at least three groups, there are {len(set(groups))}",
            advice="take captures of more devices, or a column that splits them finer",
        )
    parts = tuple(cases.take(learn) for learn, _ in outer)
    tasks = [task for place, part in enumerate(parts) for task in _tasks(recipe, part, place)]
    found = _run(recipe, parts, tasks, work)
    confidences = np.zeros((len(cases.y), cases.n_classes))
    known = np.zeros(len(cases.y), np.bool_)
    chosen, calibrations, false_roles = [], [], []
    for place, (_, test) in enumerate(outer):
        own = [v for v in found if v.task.place == place]
        trained = _finish(recipe, parts[place], own)
        confidences[test], known[test] = answer(trained, cases.material.take(test))
        chosen.append(trained.options)
        calibrations.append(trained.calibration)
        if unknown is not None and len(unknown):
            false_roles.append(float(answer(trained, unknown)[1].mean()))
    return Tested(
        cases=cases,
        confidences=confidences,
        known=known,
        chosen=tuple(chosen),
        calibrations=tuple(calibrations),
        open_known=float(np.mean(false_roles)) if false_roles else None,
    )


def answer(trained: Trained, material: Material) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Calibrated confidences of each sample, and whether its role counts as known."""
    shape = (len(material), trained.validation.shape[1])
    raw = predict(trained.fitted, material.rows, material.owner, shape)
    calibration = trained.calibration
    answered = raw.sum(axis=1, keepdims=True) > 0
    confidences = np.where(answered, soften(raw, calibration.temperature), 0.0)
    known = (
        (confidences.max(axis=1) >= calibration.threshold)
        & (dispersion(confidences, calibration.temperature) <= calibration.rejection)
        & (material.packets >= calibration.min_packets)
        & (material.sessions >= calibration.min_sessions)
    )
    return confidences, known


def most_chosen(tested: Tested) -> Options:
    """The options that most outer folds picked."""
    return Counter(tested.chosen).most_common(1)[0][0]


def _tasks(recipe: Recipe, cases: Cases, place: int) -> list[_Task]:
    folds = group_folds(cases.y, cases.material.groups, recipe.folds, recipe.seed)
    return [_Task(place, options, fold) for options in recipe.grid for fold in folds]


def _run(
    recipe: Recipe, parts: Sequence[Cases], tasks: Sequence[_Task], work: Work
) -> list[_Validated]:
    if work.jobs == 1:
        made = (_validate(recipe, parts[task.place], task) for task in tasks)
        return list(work.track(made, len(tasks), work.label, len(parts)))
    from joblib import Parallel, delayed

    made = Parallel(n_jobs=work.jobs, return_as="generator")(
        delayed(_validate)(recipe, parts[task.place], task) for task in tasks
    )
    return list(work.track(made, len(tasks), work.label, len(parts)))


def _validate(recipe: Recipe, cases: Cases, task: _Task) -> _Validated:
    learn, check = task.fold
    fitted = fit(task.options, recipe, cases.take(learn))
    part = cases.material.take(check)
    shape = (len(part), cases.n_classes)
    cut = {k: part.first_sessions(k) for k in part.prefix_counts}
    return _Validated(
        task,
        predict(fitted, part.rows, part.owner, shape),
        fitted.size,
        {k: predict(fitted, *rows, shape) for k, rows in cut.items()},
    )


def _finish(recipe: Recipe, cases: Cases, found: Sequence[_Validated]) -> Trained:
    """Choose among the grid's points, calibrate, and fit the choice on all samples."""
    y, inside = cases.y, cases.inside
    shape = (len(y), cases.n_classes)
    of_point = [[v for v in found if v.task.options == options] for options in recipe.grid]
    wholes = [_joined([(v.task, v.whole) for v in part], shape) for part in of_point]
    place = smallest_within(
        [
            _score(whole[inside], y[inside], float(np.mean([v.size for v in part])))
            for whole, part in zip(wholes, of_point, strict=True)
        ]
    )
    best, of_best, chosen = recipe.grid[place], of_point[place], wholes[place]
    temperature = fit_temperature(chosen[inside], y[inside])
    rejection = fit_rejection(soften(chosen[inside], temperature), temperature)
    limits = temperature, rejection
    cut = {
        k: _answers(_joined([(v.task, v.prefixes[k]) for v in of_best], shape), y, *limits)
        for k in cases.material.prefix_counts
    }
    judged = _answers(chosen, y, *limits)
    threshold, sessions = fit_decision(judged, cases.material.sessions, cut)
    calibration = Calibration(
        temperature=temperature,
        threshold=threshold,
        rejection=rejection,
        min_packets=least_packets(cases.material.packets, judged.right),
        min_sessions=sessions,
    )
    return Trained(fit(best, recipe, cases), best, calibration, chosen)


def _joined(
    parts: Sequence[tuple[_Task, NDArray[np.float64]]], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """One table of out-of-fold predictions."""
    result = np.zeros(shape)
    for task, predicted in parts:
        result[task.fold[1]] = predicted
    return result


def _answers(
    raw: NDArray[np.float64], y: NDArray[np.int64], temperature: float, rejection: float
) -> Validated:
    confidences = soften(raw, temperature)
    kept = dispersion(confidences, temperature) <= rejection
    return Validated(np.where(kept, confidences.max(axis=1), 0.0), confidences.argmax(axis=1) == y)


def _score(probabilities: NDArray[np.float64], y: NDArray[np.int64], size: float) -> Score:
    recall, error = macro_recall(probabilities.argmax(axis=1) == y, y)
    return Score(recall, error, log_loss(probabilities, y), size)
