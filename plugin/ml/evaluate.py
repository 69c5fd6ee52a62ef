"""Figures of a test: accuracy, precision, recall, F1 with intervals, and what to hold them against.

One capture is one count. Intervals are percentile bootstraps over groups (captures of one
device, or of one network, are drawn together), seeded; where these have no width, the exact
interval of a proportion over the groups (:mod:`plugin.ml.proportion`). Beside each figure stand
the majority baseline and the same recipe on permuted labels. This file computes only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.ml.curves import Asked
from plugin.ml.proportion import of_groups

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

RESAMPLES = 2000
"""Bootstrap samples."""
LEVEL = 0.95


class Interval(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """``.812 [.760, .861]``."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class ClassRow(NamedTuple):
    """One class of the table."""

    name: str
    captures: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a test came to."""

    title: str
    split: str
    """How test and training captures were kept apart, in words."""
    captures: int
    groups: int
    right: int
    accuracy: Interval
    precision: Interval
    recall: Interval
    f1: Interval
    top3: float
    """Share of captures with the true class among the three likeliest."""
    majority: float
    """Accuracy of always naming the commonest class."""
    permuted: float | None
    """Accuracy on permuted labels: what chance gives; of the same recipe where one was fitted."""
    known: float
    """Share of captures whose role was called known."""
    known_right: float | None
    """Accuracy among those."""
    open_captures: int
    open_rejected: float | None
    """Share of captures of never-learned classes that were not called known."""
    background_captures: int
    background_rejected: float | None
    """Share of background captures (learned to be none of the classes) not called known."""
    classes: tuple[str, ...]
    per_class: tuple[ClassRow, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows: truth, columns: answer; one more column counts captures without an answer."""
    configurations: int
    """Points of grids tried on this material before these figures were made."""
    seed: int
    notes: tuple[str, ...] = ()
    refitted: bool = True
    """The recipe was fitted for this test; False: a model was asked as it stands."""
    chosen: Mapping[str, int] = field(default_factory=dict)
    """Options -> how many outer folds picked them."""
    asked: tuple[Asked, ...] = ()
    """What was said about each capture, where their names are known: for a page, not for JSON."""

    def document(self) -> dict[str, Any]:
        """As plain JSON values."""
        made = asdict(replace(self, asked=()))
        del made["asked"]
        for name in ("accuracy", "precision", "recall", "f1"):
            made[name] = getattr(self, name)._asdict()
        made["per_class"] = [row._asdict() for row in self.per_class]
        made["confusion"] = [list(row) for row in self.confusion]
        return made


class Context(NamedTuple):
    """What the figures cannot tell themselves."""

    title: str
    split: str
    groups: Sequence[str]
    """(n_samples,) what the bootstrap draws together."""
    majority: float
    permuted: float | None = None
    open_captures: int = 0
    open_known: float | None = None
    background_captures: int = 0
    background_known: float | None = None
    configurations: int = 0
    seed: int = 0
    notes: tuple[str, ...] = ()
    refitted: bool = True
    chosen: Mapping[str, int] = {}
    names: Sequence[str] = ()
    """(n_samples,) of the captures; empty: nobody asks for single ones."""


def evaluation(
    classes: Sequence[str],
    y: NDArray[np.int64],
    confidences: NDArray[np.float64],
    known: NDArray[np.bool_],
    context: Context,
) -> Evaluation:
    """Work out all figures.

    Args:
        classes: names of the classes.
        y: (n_samples,) true class numbers.
        confidences: (n_samples, n_classes); a row of zeros is "no answer" and counts as wrong.
        known: (n_samples,) whether the role was called known.
        context: title, split, groups, baselines.
    """
    answers = answers_of(confidences)
    matrix = confusion(y, answers, len(classes))
    right = answers == y
    ranked = np.argsort(-confidences, axis=1, kind="stable")[:, :3]
    among = (ranked == y[:, None]).any(axis=1) & (answers < len(classes))
    spans = bootstrap(y, answers, context.groups, len(classes), context.seed)
    accuracy, precision, recall, f1 = (
        _interval(value, float(low), float(high), len(set(context.groups)))
        for value, (low, high) in zip(macro(matrix), spans, strict=True)
    )
    return Evaluation(
        title=context.title,
        split=context.split,
        captures=len(y),
        groups=len(set(context.groups)),
        right=int(right.sum()),
        accuracy=accuracy,
        precision=precision,
        recall=recall,
        f1=f1,
        top3=float(among.mean()),
        majority=context.majority,
        permuted=context.permuted,
        known=float(known.mean()),
        known_right=float(right[known].mean()) if known.any() else None,
        open_captures=context.open_captures,
        open_rejected=None if context.open_known is None else 1 - context.open_known,
        background_captures=context.background_captures,
        background_rejected=(
            None if context.background_known is None else 1 - context.background_known
        ),
        classes=tuple(classes),
        per_class=class_rows(classes, matrix),
        confusion=tuple(tuple(int(v) for v in row) for row in matrix),
        configurations=context.configurations,
        seed=context.seed,
        notes=context.notes,
        refitted=context.refitted,
        chosen=dict(context.chosen),
        asked=tuple(_asked(classes, y, confidences, known, context.names)),
    )


def _interval(value: float, low: float, high: float, groups: int) -> Interval:
    """A bootstrap's interval; of one without width, that of a proportion over the groups."""
    return Interval(value, *((low, high) if high > low else of_groups(value, groups)))


def _asked(
    classes: Sequence[str],
    y: NDArray[np.int64],
    confidences: NDArray[np.float64],
    known: NDArray[np.bool_],
    names: Sequence[str],
) -> Iterator[Asked]:
    """What was said about each capture that has a name."""
    for number, name in enumerate(names):
        row, truth = confidences[number], int(y[number])
        if not row.sum() > 0:
            yield Asked(name, classes[truth], (), (), known=False)
            continue
        order = np.argsort(-row, kind="stable")
        first = order[:_SHOWN]
        yield Asked(
            name,
            classes[truth],
            tuple(classes[k] for k in first),
            tuple(row[first].tolist()),
            bool(known[number]),
            float(row[truth]),
            1 + order.tolist().index(truth),
        )


_SHOWN = 3


def answers_of(confidences: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n_samples,) likeliest class, or n_classes where there is no answer at all."""
    best = confidences.argmax(axis=1)
    answered = confidences.sum(axis=1) > 0
    return np.asarray(np.where(answered, best, confidences.shape[1]), np.int64)


def confusion(
    y: NDArray[np.int64], answers: NDArray[np.int64], n_classes: int
) -> NDArray[np.int64]:
    """(n_classes, n_classes + 1) counts; the last column is "no answer"."""
    width = n_classes + 1
    counts = np.bincount(y * width + answers, minlength=n_classes * width)
    return np.asarray(counts.reshape(n_classes, width), np.int64)


def macro(matrix: NDArray[np.int64]) -> tuple[float, float, float, float]:
    """Accuracy, macro precision, recall and F1 over the classes that have captures.

    The precision of a class that is never answered counts as 0.
    """
    precision, recall, f1 = _rates(matrix)
    present = matrix.sum(axis=1) > 0
    right = np.diag(matrix).sum()
    return (
        float(right / max(matrix.sum(), 1)),
        float(precision[present].mean()),
        float(recall[present].mean()),
        float(f1[present].mean()),
    )


def class_rows(classes: Sequence[str], matrix: NDArray[np.int64]) -> tuple[ClassRow, ...]:
    """Precision, recall and F1 of each class that has captures."""
    precision, recall, f1 = _rates(matrix)
    return tuple(
        ClassRow(name, int(matrix[i].sum()), float(precision[i]), float(recall[i]), float(f1[i]))
        for i, name in enumerate(classes)
        if matrix[i].sum()
    )


def bootstrap(
    y: NDArray[np.int64],
    answers: NDArray[np.int64],
    groups: Sequence[str],
    n_classes: int,
    seed: int,
) -> NDArray[np.float64]:
    """(4, 2) percentile intervals of :func:`macro`'s figures, groups drawn with replacement."""
    names, of = np.unique(np.array(groups, dtype=str), return_inverse=True)
    width = n_classes + 1
    tables = np.zeros((len(names), n_classes * width), np.int64)
    np.add.at(tables, (of.ravel(), y * width + answers), 1)
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, len(names), (RESAMPLES, len(names)))
    figures = [macro(tables[d].sum(axis=0).reshape(n_classes, width)) for d in drawn]
    edge = (1 - LEVEL) / 2
    spans: NDArray[np.float64] = np.quantile(np.array(figures), [edge, 1 - edge], axis=0).T
    return spans


def majority_share(y: NDArray[np.int64], trained: NDArray[np.int64] | None = None) -> float:
    """Accuracy on ``y`` of always naming the commonest class of ``trained`` (default: of ``y``)."""
    commonest = np.bincount(y if trained is None else trained).argmax()
    return float((y == commonest).mean())


def majority_of_folds(
    y: NDArray[np.int64],
    folds: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    n_classes: int,
) -> float:
    """The majority baseline of a cross-validation: the commonest class of each training side.

    Samples whose number is ``n_classes`` (background) are left out.
    """
    right = total = 0.0
    for learn, test in folds:
        truth, known = y[test][y[test] < n_classes], y[learn][y[learn] < n_classes]
        if len(truth):
            right += majority_share(truth, known) * len(truth)
            total += len(truth)
    return right / max(total, 1.0)


def permuted(y: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The labels in another order: nothing is left to learn."""
    return np.random.default_rng(seed).permutation(y)


def _rates(
    matrix: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    right = np.diag(matrix).astype(np.float64)
    precision = right / np.maximum(matrix[:, :-1].sum(axis=0), 1)
    recall = right / np.maximum(matrix.sum(axis=1), 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return precision, recall, f1


def _maybe(value: float | None, missing: str) -> str:
    return missing if value is None else f"{value:.3f}"


def permuted_words(e: Evaluation) -> str:
    """What the figure on permuted labels is of."""
    if e.refitted:
        return "the same recipe on permuted labels"
    return "the same answers held against permuted labels; nothing was fitted"


def lines(e: Evaluation) -> str:
    """The table for people."""
    number = "{:.3f}".format
    rows = [
        f"{e.title}",
        f"  split       {e.split}",
        f"  captures    {e.captures} in {e.groups} groups, {len(e.per_class)} classes",
        f"  accuracy    {e.accuracy}   ({e.right} of {e.captures})",
        f"  precision   {e.precision}   macro",
        f"  recall      {e.recall}   macro",
        f"  F1          {e.f1}   macro",
        f"  top three   {number(e.top3)}",
        f"  majority    {number(e.majority)}   always the commonest class",
        f"  permuted    {_maybe(e.permuted, 'not run')}   {permuted_words(e)}",
        f"  known       {number(e.known)}   of which right: {_maybe(e.known_right, 'none')}",
    ]
    if e.open_rejected is not None:
        each = ", each asked of every fold's model," if e.refitted else ""
        rows.append(
            f"  open set    {number(e.open_rejected)}   of {e.open_captures} captures of classes"
            f" never learned{each} were not called known"
        )
    if e.background_rejected is not None:
        rows.append(
            f"  background  {number(e.background_rejected)}   of {e.background_captures} captures"
            " of none of the classes were not called known"
        )
    when = "" if e.refitted else " when the model was trained"
    rows.append(f"  tried       {e.configurations} configurations of the grid{when}, seed {e.seed}")
    width = max(len(row.name) for row in e.per_class)
    rows.append(f"  {'class':<{width}}  captures  precision  recall     F1")
    rows += [
        f"  {row.name:<{width}}  {row.captures:8d}  {row.precision:9.3f}  {row.recall:6.3f}"
        f"  {row.f1:5.3f}"
        for row in e.per_class
    ]
    rows += [f"  note: {note}" for note in e.notes]
    return "\n".join(rows) + "\n"
