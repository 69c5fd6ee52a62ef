"""What is told of a model of flows: how well it tells abnormal flows, and which are farthest out.

Numbers only: :mod:`plugin.ml.flow_page` makes a page of them, :mod:`plugin.ml.flow_picture` a
picture, and who calls them writes the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.drawings import Bars
from plugin.ml.novelty.explain import number
from plugin.ml.roc import ABNORMAL, NORMAL, UNLABELLED, curve, intervals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.evaluate import Interval
    from plugin.ml.roc import Curve

KINDS = {
    NORMAL: ("normal", "#1a7f37"),
    ABNORMAL: ("abnormal", "#b42318"),
    UNLABELLED: ("no label", "#1e5ab4"),
}
"""Label -> its name and colour."""
INTERVALS = 40
"""Of the histogram."""
FEW = 30
"""Labelled flows of one kind: with fewer, a figure tells little."""
_POINTS = 400
_LARGE = 1e6
_NAMES = (0.0, 0.25, 0.5, 0.75, 1.0)


class Told(NamedTuple):
    """One flow of the table."""

    flow: str
    """Who sent to whom."""
    began: str
    """UTC."""
    seconds: float
    packets: int
    size: int
    """Bytes on the wire."""
    score: float
    label: int
    reasons: tuple[str, ...]
    """The columns that weigh most, in words."""


@dataclass(frozen=True, kw_only=True)
class FlowReport:
    """What is to be told of a model; the figures follow from scores and labels."""

    title: str
    facts: tuple[tuple[str, str], ...]
    """What it was learned from and how, line by line: name and value."""
    scores: NDArray[np.float64]
    """(n,) of the flows that were judged, higher = more abnormal."""
    labels: NDArray[np.int8]
    """(n,) 1 abnormal, 0 normal, -1 not known."""
    groups: NDArray[np.int64]
    """(n,) what is not independent of each other: a number for each pair of machines."""
    threshold: float
    called: NDArray[np.bool_]
    """(n,) whether the model calls the flow abnormal."""
    top: tuple[Told, ...]
    """The highest scores first."""
    seed: int = 0
    notes: tuple[str, ...] = ()

    @cached_property
    def curve(self) -> Curve | None:
        """What each threshold gives; None without labels of both kinds."""
        return curve(self.labels, self.scores)

    @cached_property
    def areas(self) -> tuple[Interval, Interval] | None:
        """AUC and average precision; None likewise."""
        return intervals(self.labels, self.scores, self.groups, seed=self.seed)

    def count(self, label: int) -> int:
        """How many of the flows have a label."""
        return int(np.sum(self.labels == label))

    def share(self, label: int) -> float | None:
        """The share of those with a label that the model calls abnormal; None if there are none."""
        mine = self.labels == label
        return float(self.called[mine].mean()) if mine.any() else None

    def document(self) -> dict[str, object]:
        """The figures as plain JSON values; None where there are no labels of both kinds."""
        found, areas = self.curve, self.areas
        return {
            "flows": len(self.scores),
            **{name.replace(" ", "_"): self.count(label) for label, (name, _) in KINDS.items()},
            "auc": areas and _ends(areas[0]),
            "average_precision": areas and _ends(areas[1]),
            "base_rate": found and found.base_rate,
            "threshold": self.threshold,
            "abnormal_found": self.share(ABNORMAL),
            "normal_called_abnormal": self.share(NORMAL),
            "no_label_called_abnormal": self.share(UNLABELLED),
        }


def score_text(value: float) -> str:
    """A score in few letters, however large."""
    return number(value) if abs(value) < _LARGE else f"{value:.3g}"


class Histogram(NamedTuple):
    """Scores in intervals of equal width on a bent scale."""

    bars: tuple[Bars, ...]
    names: tuple[tuple[float, str], ...]
    """Places along the axis, 0 to 1, and the score there."""
    threshold: float
    """Its place, 0 to 1."""
    scale: str
    """The scale in words."""


def binned(report: FlowReport) -> Histogram:
    """Count scores by kind of flow.

    Scores of one model may span ten powers of ten. So the scale is the inverse hyperbolic sine of
    the distance to the threshold, in units of its median: straight near the threshold, logarithmic
    far from it.
    """
    away = report.scores - report.threshold
    unit = float(np.median(np.abs(away))) or 1.0
    bent = np.arcsinh(away / unit)
    low, high = min(float(bent.min()), 0.0), max(float(bent.max()), 0.0)
    if high - low < 1e-9:  # noqa: PLR2004 - all are the threshold itself, but for rounding
        low, high = low - 1, high + 1
    edges = np.linspace(low, high, INTERVALS + 1)
    bars = tuple(
        Bars(name, np.histogram(bent[report.labels == label], edges)[0].tolist(), color)
        for label, (name, color) in KINDS.items()
        if report.count(label)
    )
    at = tuple(
        (p, score_text(report.threshold + unit * np.sinh(low + p * (high - low)))) for p in _NAMES
    )
    words = f"straight near the threshold, logarithmic beyond {score_text(unit)} from it"
    return Histogram(bars, at, -low / (high - low), words)


def remarks(report: FlowReport) -> list[str]:
    """What a reader must know of the figures, beside the notes that came with them."""
    told = list(report.notes)
    if report.curve is None:
        missing = [KINDS[k][0] for k in (NORMAL, ABNORMAL) if not report.count(k)]
        told.append(
            f"No AUC and no curves: no flow is labelled {' or '.join(missing)}. Whether high scores"
            " mean abnormal flows cannot be told."
        )
        return told
    few = [f"{report.count(k)} {KINDS[k][0]}" for k in (NORMAL, ABNORMAL) if report.count(k) < FEW]
    if few:
        told.append(
            f"Only {' and '.join(few)} flows: another choice of flows would give other figures; the"
            " intervals say how far."
        )
    if report.curve.auc < 0.5:  # noqa: PLR2004 - chance
        told.append(
            "AUC below 0.5: here the abnormal flows are more like what was learned than the normal"
            " ones. Another feature or algorithm is needed; turning the scores round would only"
            " learn this test."
        )
    return told


def area(found: Interval) -> str:
    """A figure with its interval, or that there is none."""
    if np.isnan(found.low):
        return f"{found.value:.3f} (too few pairs of machines for an interval)"
    return str(found)


def thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[tuple[float, float]]:
    """At most some hundred points of a curve, the first and the last among them."""
    which = np.unique(np.linspace(0, len(x) - 1, min(len(x), _POINTS)).astype(np.int64))
    return list(zip(x[which].tolist(), y[which].tolist(), strict=True))


def roc_line(found: Curve) -> list[tuple[float, float]]:
    """Share of normal flows called abnormal, and of abnormal ones found."""
    return [(0.0, 0.0), *thinned(found.alarm_rate, found.recall)]


def precision_line(found: Curve) -> list[tuple[float, float]]:
    """Recall and precision as steps: the area below is the average precision."""
    recall = np.repeat(np.concatenate([[0.0], found.recall]), 2)[1:-1]
    return thinned(recall, np.repeat(found.precision, 2))


def at_threshold(report: FlowReport) -> tuple[float, float, float] | None:
    """Alarm rate, recall and precision of what the model calls abnormal; None if it calls none."""
    found, alarms = report.share(ABNORMAL), report.share(NORMAL)
    right = int(np.sum(report.called & (report.labels == ABNORMAL)))
    wrong = int(np.sum(report.called & (report.labels == NORMAL)))
    if found is None or alarms is None or not right + wrong:
        return None
    return alarms, found, right / (right + wrong)


def _ends(found: Interval) -> dict[str, float | None]:
    return {k: None if np.isnan(v) else float(v) for k, v in found._asdict().items()}
