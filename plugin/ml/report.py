"""The picture and the page of an evaluation: a confusion matrix as PNG, one HTML file.

The page stands alone: its style and picture are inside it, and it asks no other machine for
anything. This file computes bytes and text; who calls it writes them.
"""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

import numpy as np

from plugin.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugin.ml.evaluate import Evaluation

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;text-align:right}
td:first-child,th:first-child{text-align:left}tr:nth-child(even){background:#f3f5f7}
.matrix td{min-width:1.6rem;padding:.1rem .3rem;text-align:center}.note{color:#a33}
.matrix th{font-weight:normal}.turned{writing-mode:vertical-rl;transform:rotate(180deg)}
img{max-width:100%}footer{color:#666;margin-top:2rem}
"""


def confusion_png(e: Evaluation) -> bytes:
    """Draw the confusion matrix: rows truth, columns answers, each row as shares of 1.

    Raises:
        OptionError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise OptionError(
            "drawing needs matplotlib", advice="install halia[plot], or leave the picture out"
        ) from error
    counts = np.array(e.confusion, float)
    shown = [i for i in range(len(e.classes)) if counts[i].sum()]
    counts = counts[shown]
    names = [*e.classes, "no answer"]
    side = max(4.0, 0.32 * len(names) + 2.5)
    figure = Figure(figsize=(side, max(3.0, 0.32 * len(shown) + 2.5)), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(counts / counts.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(shown)), [e.classes[i] for i in shown], fontsize=8)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth")
    axes.set_title(f"{e.title}: accuracy {e.accuracy}", fontsize=9)
    for row, column in np.argwhere(counts > 0):
        dark = counts[row, column] / counts[row].sum() > 0.5  # noqa: PLR2004 — half way
        axes.text(
            column, row, f"{counts[row, column]:.0f}",
            ha="center", va="center", fontsize=7, color="white" if dark else "black",
        )  # fmt: skip
    figure.colorbar(image, ax=axes, shrink=0.6, label="share of the true class")
    stream = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def page(evaluations: Sequence[Evaluation], pictures: Sequence[bytes] = ()) -> str:
    """Write one self-contained HTML page.

    Args:
        evaluations: one section each.
        pictures: PNG files in the same order; without them the matrix is a coloured table.
    """
    parts = [_section(e) + _picture(e, pictures[i : i + 1]) for i, e in enumerate(evaluations)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Halia evaluation</title><style>{_STYLE}</style></head><body>"
        "<h1>Evaluation</h1>" + "".join(parts) + "<footer>One capture is one count. Intervals: 95"
        " % percentile bootstrap over groups. Few physical devices and networks stand behind"
        " the captures: another network can differ by more than any interval here.</footer>"
        "</body></html>\n"
    )


def _section(e: Evaluation) -> str:
    text = html.escape
    figures = [
        ("accuracy", str(e.accuracy)),
        ("precision, macro", str(e.precision)),
        ("recall, macro", str(e.recall)),
        ("F1, macro", str(e.f1)),
        ("truth among the top three", f"{e.top3:.3f}"),
        ("majority baseline", f"{e.majority:.3f}"),
        ("permuted labels", "not run" if e.permuted is None else f"{e.permuted:.3f}"),
        ("role called known", f"{e.known:.3f}"),
        ("right among those", "none" if e.known_right is None else f"{e.known_right:.3f}"),
    ]
    if e.open_rejected is not None:
        figures.append((f"open set rejected ({e.open_captures})", f"{e.open_rejected:.3f}"))
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


def _picture(e: Evaluation, pictures: Sequence[bytes]) -> str:
    if pictures:
        picture = base64.b64encode(pictures[0]).decode("ascii")
        return f'<img alt="confusion matrix" src="data:image/png;base64,{picture}">'
    names = [html.escape(n) for n in (*e.classes, "no answer")]
    head = "".join(f'<th><span class="turned">{n}</span></th>' for n in names)
    body = ""
    for name, row in zip(names, e.confusion, strict=False):
        if sum(row):
            cells = "".join(
                f'<td style="background:rgba(30,90,180,{count / sum(row):.2f})">{count or ""}</td>'
                for count in row
            )
            body += f"<tr><th>{name}</th>{cells}</tr>"
    return f'<table class="matrix"><tr><th>truth \\ answer</th>{head}</tr>{body}</table>'
