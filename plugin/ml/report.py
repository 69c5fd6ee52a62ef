"""The picture and the page of an evaluation: a confusion matrix as PNG, one HTML file.

The page stands alone: its style and picture are inside it, and it asks no other machine for
anything. This file computes bytes and text; who calls it writes them.
"""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.errors import OptionError, install_extra, printable
from plugin.ml.curves import calibration, calibration_error, coverage, mistakes
from plugin.ml.drawings import DIAGONAL, Mark, chart
from plugin.ml.evaluate import permuted_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from plugin.ml.curves import Asked
    from plugin.ml.evaluate import Evaluation

SHOWN = 0.01
"""Smaller confidences are not written into a picture."""
DARK = 0.5
"""Cells beyond this are dark: their text is white."""
_COLORS = {True: "#1a7f37", False: "#b42318", None: "#555555"}
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;text-align:right}
td:first-child,th:first-child{text-align:left}tr:nth-child(even){background:#f3f5f7}
.matrix td{min-width:1.6rem;padding:.1rem .3rem;text-align:center}.note{color:#a33}
.words td,.words th{text-align:left;vertical-align:top}svg{font-size:11px}
.matrix th{font-weight:normal}.turned{writing-mode:vertical-rl;transform:rotate(180deg)}
img{max-width:100%}footer{color:#666;margin-top:2rem}
"""


def confusion_png(e: Evaluation) -> bytes:
    """Draw the confusion matrix: rows truth, columns answers, each row as shares of 1.

    Raises:
        OptionError: matplotlib is not installed.
    """
    names = _answers(e)
    counts = np.array(e.confusion, float)[:, : len(names)]
    shown = [i for i in range(len(e.classes)) if counts[i].sum()]
    counts = counts[shown]
    shares = counts / counts.sum(axis=1, keepdims=True)
    texts = [[f"{v:.0f}" if v else "" for v in row] for row in counts]
    figure, axes, image = _heat_map(
        Cells(shares, texts, [e.classes[i] for i in shown], names),
        f"{e.title}\naccuracy {e.accuracy}",
        ("truth", "answer"),
    )
    figure.colorbar(image, ax=axes, label="share of the true class")
    return png(figure)


def _answers(e: Evaluation) -> list[str]:
    """Columns of a confusion matrix: the classes, and "no answer" where there was one."""
    silent = any(row[-1] for row in e.confusion)
    return [*e.classes, "no answer"] if silent else list(e.classes)


class Ranked(NamedTuple):
    """What was said about one device."""

    device: str
    ranking: Mapping[str, float]
    """Label -> confidence."""
    truth: str
    """Its cell gets a frame."""
    mark: str
    """Words beside the row."""
    good: bool | None
    """Whether these are good news, bad news or neither (None): their colour."""


def ranking_png(rows: Sequence[Ranked], title: str) -> bytes:
    """Draw what was said about devices: one row each, a column for each label named.

    Args:
        rows: the devices.
        title: above the picture.

    Raises:
        OptionError: matplotlib is not installed.
    """
    named = {label for row in rows for label, p in row.ranking.items() if p >= SHOWN}
    labels = sorted(named | {row.truth for row in rows}, key=_first_row(rows))
    values = np.array([[row.ranking.get(label, 0.0) for label in labels] for row in rows])
    texts = [[f"{v:.2f}" if v >= SHOWN else "" for v in row] for row in values]
    cells = Cells(values, texts, [row.device for row in rows], labels)
    figure, axes, _ = _heat_map(cells, title, ("truth", "role and its confidence; framed: truth"))
    beside = axes.secondary_yaxis("right")
    beside.set_yticks(range(len(rows)), [row.mark for row in rows], fontsize=8)
    for tick, row in zip(beside.get_yticklabels(), rows, strict=True):
        tick.set_color(_COLORS[row.good])
    for number, row in enumerate(rows):
        _frame(axes, labels.index(row.truth), number)
    return png(figure)


def _first_row(rows: Sequence[Ranked]) -> Callable[[str], tuple[int, str]]:
    """Order of labels: those that are a device's truth as the devices come, then the others."""
    truths = [row.truth for row in rows]
    return lambda label: (truths.index(label) if label in truths else len(truths), label)


def _frame(axes: Any, column: int, row: int) -> None:
    left, right, top, bottom = column - 0.5, column + 0.5, row - 0.5, row + 0.5
    axes.plot(
        [left, right, right, left, left],
        [top, top, bottom, bottom, top],
        color=_COLORS[True],
        linewidth=1.6,
        clip_on=False,
        scalex=False,
        scaley=False,
    )


class Cells(NamedTuple):
    """A table to draw."""

    values: NDArray[np.float64]
    """(n_rows, n_columns) 0 to 1."""
    texts: Sequence[Sequence[str]]
    rows: Sequence[str]
    columns: Sequence[str]


def _heat_map(cells: Cells, title: str, names: tuple[str, str]) -> tuple[Any, Any, Any]:
    """Draw a table; figure, axes and image, for what else is to stand there."""
    width = max(7.0, 0.34 * len(cells.columns) + 4)
    figure = blank(width, max(3.6, 0.34 * len(cells.rows) + 2.6))
    axes = figure.add_subplot()
    image = axes.imshow(cells.values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(cells.columns)), cells.columns, rotation=45, ha="right", fontsize=8)
    for label in axes.get_xticklabels():
        label.set_rotation_mode("anchor")
    axes.set_yticks(range(len(cells.rows)), cells.rows, fontsize=8)
    axes.set_ylabel(names[0])
    axes.set_xlabel(names[1])
    axes.set_title(title, fontsize=10)
    for row, column in np.ndindex(cells.values.shape):
        color = "white" if cells.values[row, column] > DARK else "black"
        style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7, "color": color}
        axes.text(column, row, cells.texts[row][column], **style)
    return figure, axes, image


def blank(width: float, height: float) -> Any:
    """A figure of matplotlib's to draw on; inches.

    Raises:
        OptionError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise OptionError(
            "drawing needs matplotlib", advice=f"{install_extra('plot')}, or leave the picture out"
        ) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Any) -> bytes:
    """A figure as the bytes of a PNG."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def page(
    evaluations: Sequence[Evaluation],
    pictures: Sequence[bytes] = (),
    facts: Mapping[str, str] | None = None,
) -> str:
    """Write one self-contained HTML page.

    Args:
        evaluations: one section each.
        pictures: PNG files in the same order; without them the matrix is a coloured table.
        facts: where the figures come from: name -> text.
    """
    told = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(printable(fact))}</td></tr>"
        for name, fact in (facts or {}).items()
    )
    origin = f'<table class="words">{told}</table>' if told else ""
    parts = [
        _section(e) + _picture(e, pictures[i : i + 1]) + _curves(e) + _mistakes(e)
        for i, e in enumerate(evaluations)
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Halia evaluation</title><style>{STYLE}</style></head><body>"
        f"<h1>Evaluation</h1>{origin}"
        + "".join(parts)
        + "<footer>One capture is one count. Intervals: 95"
        " % percentile bootstrap over groups, exact where that has no width. Few physical devices"
        " and networks stand behind the captures: another network can differ by more than any"
        " interval here.</footer>"
        "</body></html>\n"
    )


def _section(e: Evaluation) -> str:
    text = html.escape
    figures = [
        ("accuracy", f"{e.accuracy} ({e.right} of {e.captures})"),
        ("precision, macro", str(e.precision)),
        ("recall, macro", str(e.recall)),
        ("F1, macro", str(e.f1)),
        ("truth among the top three", f"{e.top3:.3f}"),
        ("majority baseline", f"{e.majority:.3f}"),
        (permuted_words(e), "not run" if e.permuted is None else f"{e.permuted:.3f}"),
        ("role called known", f"{e.known:.3f}"),
        ("right among those", "none" if e.known_right is None else f"{e.known_right:.3f}"),
    ]
    if e.open_rejected is not None:
        figures.append((f"open set rejected ({e.open_captures})", f"{e.open_rejected:.3f}"))
    if e.background_rejected is not None:
        figures.append(
            (f"background rejected ({e.background_captures})", f"{e.background_rejected:.3f}")
        )
    rows = "".join(f"<tr><td>{text(n)}</td><td>{text(v)}</td></tr>" for n, v in figures)
    classes = "".join(
        f"<tr><td>{text(r.name)}</td><td>{r.captures}</td><td>{r.precision:.3f}</td>"
        f"<td>{r.recall:.3f}</td><td>{r.f1:.3f}</td></tr>"
        for r in e.per_class
    )
    notes = "".join(f'<p class="note">{text(n)}</p>' for n in e.notes)
    return (
        f"<h2>{text(e.title)}</h2><p>{text(e.split)}; {e.captures} captures in {e.groups} groups,"
        f" {e.configurations} configurations tried, seed {e.seed}.</p>{notes}"
        f"<table>{rows}</table><table><tr><th>class</th><th>captures</th><th>precision</th>"
        f"<th>recall</th><th>F1</th></tr>{classes}</table>"
    )


def _curves(e: Evaluation) -> str:
    """How far confidences can be believed; nothing where single captures are not known."""
    if not e.asked:
        return ""
    bins, points = calibration(e.asked), coverage(e.asked)
    most = max((one.captures for one in bins), default=1)
    marks = [
        Mark(
            one.confidence,
            one.right,
            f"confidence {one.low:.1f} to {one.high:.1f}: {one.captures} captures, mean"
            f" {one.confidence:.2f}, right {one.right:.2f}",
            one.captures / most,
        )
        for one in bins
    ]
    kept = [
        Mark(one.coverage, one.right, f"confidence from {one.confidence:.2f} on: {one.coverage:.0%}"
             f" of captures, {one.right:.1%} of them right", 0.0)
        for one in points
    ]  # fmt: skip
    return (
        "<h3>Calibration</h3>"
        + chart("calibration", ("confidence", "share that is right"), marks, dashed=DIAGONAL)
        + chart("coverage", ("share of captures, the surest first", "share that is right"), kept)
        + f"<p>Expected calibration error {calibration_error(bins):.3f}, over {len(bins)} bins of"
        " equal width. A point on the dashed line would be right as often as it says.</p>"
    )


def _mistakes(e: Evaluation) -> str:
    """The wrong answers, the surest first."""
    if not e.asked:
        return ""
    text = html.escape
    wrong = mistakes(e.asked)
    if not wrong:
        return "<h3>Mistakes</h3><p>None.</p>"
    rows = "".join(
        f"<tr><td>{text(printable(one.name))}</td><td>{text(one.truth)}</td>"
        f"<td>{text(', '.join(f'{n} {p:.2f}' for n, p in _pairs(one)) or 'no answer')}</td>"
        f"<td>{text('; '.join(reasons))}</td></tr>"
        for one, reasons in wrong
    )
    return (
        f"<h3>Mistakes</h3><p>{len(wrong)} of {len(e.asked)} captures, the surest first.</p>"
        '<table class="words"><tr><th>capture</th><th>truth</th><th>ranking</th>'
        f"<th>what is to be said</th></tr>{rows}</table>"
    )


def _pairs(one: Asked) -> list[tuple[str, float]]:
    return list(zip(one.labels, one.confidences, strict=True))


def _picture(e: Evaluation, pictures: Sequence[bytes]) -> str:
    if pictures:
        picture = base64.b64encode(pictures[0]).decode("ascii")
        words = f"Confusion matrix: {e.right} of {e.captures} on the diagonal; all counts below."
        return (
            f'<img alt="{words}" src="data:image/png;base64,{picture}">'
            f"<details><summary>The same as a table</summary>{_matrix(e)}</details>"
        )
    return _matrix(e)


def _matrix(e: Evaluation) -> str:
    """The confusion matrix as a coloured table."""
    names = [html.escape(n) for n in _answers(e)]
    head = "".join(f'<th><span class="turned">{n}</span></th>' for n in names)
    body = ""
    for name, row in zip(map(html.escape, e.classes), e.confusion, strict=True):
        if sum(row):
            cells = "".join(
                f'<td style="background:rgba(30,90,180,{count / sum(row):.2f})">{count or ""}</td>'
                for count in row[: len(names)]
            )
            body += f"<tr><th>{name}</th>{cells}</tr>"
    return f'<table class="matrix"><tr><th>truth \\ answer</th>{head}</tr>{body}</table>'
