"""The picture of a model of flows: curves, scores and the farthest flows, as one PNG.

It needs matplotlib, the extra ``plot``. What it shows is worked out in
:mod:`plugin.ml.flow_report`.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from plugin.errors import printable
from plugin.ml import flow_report as told
from plugin.ml.report import blank, png

if TYPE_CHECKING:
    from plugin.ml.flow_report import FlowReport

SHOWN = 15
"""Flows in the table."""
_WIDTH, _ROW = 150, 190  # characters of a line
_DASHED = {"color": "#999999", "linestyle": "--", "linewidth": 1}
_LINE = "#1e5ab4"


def picture(report: FlowReport) -> bytes:
    """Draw a report.

    Raises:
        OptionError: matplotlib is not installed.
    """
    figure = blank(13.0, 8.0)
    figure.suptitle(_words(report.title), fontsize=12)
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.35, 1.0))
    panels = upper.subplots(1, 3)
    _roc(panels[0], report)
    _precision(panels[1], report)
    _scores(panels[2], report)
    _table(lower.subplots(), report)
    return png(figure)


def _words(text: str) -> str:
    """Foreign text: matplotlib takes what stands between dollar signs for a formula."""
    return printable(text).replace("$", r"\$")


def _roc(axes: Any, report: FlowReport) -> None:
    found, areas = report.curve, report.areas
    _frame(axes, "ROC", ("normal flows called abnormal", "abnormal flows found"))
    if found is None or areas is None:
        _nothing(axes, "no labels of both kinds")
        return
    axes.plot([0, 1], [0, 1], **_DASHED)
    axes.plot(*zip(*told.roc_line(found), strict=True), color=_LINE)
    here = told.at_threshold(report)
    if here is not None:
        axes.plot(here[0], here[1], "o", color=_LINE)
    axes.set_title(f"ROC: AUC {told.area(areas[0])}", fontsize=9)


def _precision(axes: Any, report: FlowReport) -> None:
    found, areas = report.curve, report.areas
    _frame(axes, "precision and recall", ("abnormal flows found", "alarms that are right"))
    if found is None or areas is None:
        _nothing(axes, "no labels of both kinds")
        return
    axes.plot([0, 1], [found.base_rate, found.base_rate], **_DASHED)
    axes.plot(*zip(*told.precision_line(found), strict=True), color=_LINE)
    here = told.at_threshold(report)
    if here is not None:
        axes.plot(here[1], here[2], "o", color=_LINE)
    axes.set_title(f"average precision {told.area(areas[1])}", fontsize=9)


def _scores(axes: Any, report: FlowReport) -> None:
    _frame(axes, "scores", ("score", "share of each kind"))
    if not len(report.scores):
        _nothing(axes, "no flows")
        return
    found = told.binned(report)
    axes.set_ylim(auto=True)
    for bars in found.bars:
        width = 1 / len(bars.counts)
        shares = [count / sum(bars.counts) for count in bars.counts]
        places = [place * width for place in range(len(shares))]
        words = f"{bars.name} ({sum(bars.counts)})"
        axes.bar(places, shares, width, 0, align="edge", color=bars.color, alpha=0.55, label=words)
    axes.axvline(found.threshold, color="#222222", linestyle="--", label="threshold")
    axes.set_xticks([place for place, _ in found.names], [name for _, name in found.names])
    axes.legend(fontsize=7)


def _table(axes: Any, report: FlowReport) -> None:
    axes.set_axis_off()
    lines = [line for one in told.remarks(report) for line in textwrap.wrap(one, _WIDTH)]
    lines += ["", f"{'score':>10}  {'label':8}  flow and what weighs most"]
    lines += [
        f"{told.score_text(one.score):>10}  {told.KINDS[one.label][0]:8}  {one.flow}: "
        f"{'; '.join(one.reasons[:2])}"[:_ROW]
        for one in report.top[:SHOWN]
    ]
    text = "\n".join(map(_words, lines))
    style = {"family": "monospace", "fontsize": 7.5, "va": "top", "ha": "left"}
    axes.text(0, 1, text, transform=axes.transAxes, **style)


def _frame(axes: Any, title: str, names: tuple[str, str]) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(names[0], fontsize=8)
    axes.set_ylabel(names[1], fontsize=8)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.tick_params(labelsize=7)


def _nothing(axes: Any, why: str) -> None:
    axes.text(0.5, 0.5, why, ha="center", va="center", fontsize=9, transform=axes.transAxes)
