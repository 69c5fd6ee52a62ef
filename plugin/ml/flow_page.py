"""The page of a model of flows: one HTML file with its pictures inside.

It asks no other machine for anything. Computes text; who calls it writes the file.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from plugin.errors import printable
from plugin.ml import flow_report as told
from plugin.ml.drawings import DIAGONAL, Mark, chart, histogram
from plugin.ml.flow_report import KINDS
from plugin.ml.novelty.explain import number
from plugin.ml.report import STYLE
from plugin.ml.roc import ABNORMAL, NORMAL, UNLABELLED

if TYPE_CHECKING:
    from plugin.ml.flow_report import FlowReport


def page(report: FlowReport) -> str:
    """Write one self-contained HTML page."""
    text = html.escape
    facts = "".join(
        f"<tr><td>{text(name)}</td><td>{text(printable(value))}</td></tr>"
        for name, value in (*report.facts, *_figures(report))
    )
    notes = "".join(f'<p class="note">{text(printable(one))}</p>' for one in told.remarks(report))
    title = text(printable(report.title))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>"
        f'{notes}<table class="words">{facts}</table>{_curves(report)}{_histogram(report)}'
        f"{_top(report)}<footer>Higher scores = more abnormal. Intervals: 95 % percentile bootstrap"
        " over pairs of machines. Another network can differ by more than any interval"
        " here.</footer></body></html>\n"
    )


def _figures(report: FlowReport) -> list[tuple[str, str]]:
    kinds = ", ".join(
        f"{report.count(label):,} {name}" for label, (name, _) in KINDS.items()
        if report.count(label)
    )  # fmt: skip
    rows = [("flows judged", f"{len(report.scores):,}: {kinds}" if kinds else "none")]
    if report.curve is not None and report.areas is not None:
        rows += [
            ("AUC (chance: 0.5)", told.area(report.areas[0])),
            (
                f"average precision (chance: {report.curve.base_rate:.3f})",
                told.area(report.areas[1]),
            ),
        ]
    rows.append(("threshold", told.score_text(report.threshold)))
    for label, words in (
        (ABNORMAL, "abnormal flows that are called abnormal"),
        (NORMAL, "normal flows that are called abnormal"),
        (UNLABELLED, "flows without a label that are called abnormal"),
    ):
        share = report.share(label)
        if share is not None:
            rows.append((words, f"{share:.1%}"))
    return rows


def _curves(report: FlowReport) -> str:
    found = report.curve
    if found is None:
        return ""
    here = told.at_threshold(report)
    roc, precision = [], []
    if here is not None:
        alarms, recall, right = here
        words = f"at the threshold: {recall:.1%} found, {alarms:.1%} of normal flows called so"
        roc.append(Mark(alarms, recall, words))
        precision.append(Mark(recall, right, f"{words}; {right:.1%} of alarms are right"))
    chance = [(0.0, found.base_rate), (1.0, found.base_rate)]
    return (
        "<h2>Curves</h2>"
        + chart(
            "ROC",
            ("normal flows called abnormal", "abnormal flows found"),
            roc,
            dashed=DIAGONAL,
            line=told.roc_line(found),
        )
        + chart(
            "precision and recall",
            ("abnormal flows found", "alarms that are right"),
            precision,
            dashed=chance,
            line=told.precision_line(found),
        )
        + "<p>Dashed: chance. The point: the model's threshold.</p>"
    )


def _histogram(report: FlowReport) -> str:
    if not len(report.scores):
        return ""
    found = told.binned(report)
    drawn = histogram("scores", "score", found.bars, found.names, (found.threshold, "threshold"))
    return f"<h2>Scores</h2>{drawn}<p>The scale is {html.escape(found.scale)}.</p>"


def _top(report: FlowReport) -> str:
    if not report.top:
        return ""
    text = html.escape
    rows = "".join(
        f"<tr><td>{text(printable(one.flow))}</td><td>{text(one.began)}</td>"
        f"<td>{number(one.seconds)}</td><td>{one.packets:,}</td><td>{one.size:,}</td>"
        f"<td>{told.score_text(one.score)}</td><td>{text(KINDS[one.label][0])}</td>"
        f"<td>{text(printable('; '.join(one.reasons)))}</td></tr>"
        for one in report.top
    )
    return (
        f"<h2>The {len(report.top)} highest scores</h2>"
        '<table class="words"><tr><th>flow</th><th>began (UTC)</th><th>seconds</th><th>packets</th>'
        "<th>bytes</th><th>score</th><th>label</th><th>what weighs most</th></tr>"
        f"{rows}</table>"
    )
