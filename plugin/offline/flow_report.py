"""A report of a model of flows as one HTML file or one PNG.

How a command calls it::

    form = report_form(args.report)  # before any work: a wrong name ends the command at once
    ...
    report = report_of(learned.model, extracted.take(learned.tested))
    with output.binary_output(args.report, force=args.force, inputs=inputs) as stream:
        write_report(stream, form, report)

Flows that were learned are no test; the caller says so by ``learned=True``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Protocol

import numpy as np

from plugin.addresses import address_text
from plugin.errors import OptionError
from plugin.flows.spec import Spec
from plugin.ml.flow_page import page
from plugin.ml.flow_picture import picture
from plugin.ml.flow_report import FlowReport, Told
from plugin.ml.novelty.explain import beside, number
from plugin.ml.report import blank
from plugin.ml.roc import UNLABELLED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.ml.flow_model import FlowModel
    from plugin.ml.novelty.fitted import Reason

HTML, PNG = "html", "png"
TOP = 20
"""Flows in the table."""
REASONS = 3
"""Columns told of each."""
LEARNED = (
    "These flows were learned by the model: the figures flatter it. Test it on flows of its own"
    " (another capture, or a part that is held out)."
)
_FORMS = {"html": HTML, "htm": HTML, "png": PNG}
_TRANSPORT = {6: "TCP", 17: "UDP"}
_NANO = 1e9


class Judged(Protocol):
    """Flows with features, as :class:`plugin.offline.flow_files.Extracted`."""

    @property
    def features(self) -> NDArray[np.float64]:
        """(n, columns), made as the model says."""

    @property
    def labels(self) -> NDArray[np.int8] | None:
        """(n,) 1 abnormal, 0 normal, -1 not known; None: of none."""

    @property
    def rows(self) -> NDArray[np.void]:
        """(n,) with the fields of :data:`plugin.offline.flow_files.ROW`."""


def report_form(path: Path) -> str:
    """The form that a file's name asks for.

    Raises:
        OptionError: the name ends otherwise, or a picture cannot be drawn here.
    """
    form = _FORMS.get(path.suffix.lower().lstrip("."))
    if form is None:
        raise OptionError(
            "a report is written as .html or .png",
            where=str(path),
            advice="give it a name that ends so",
        )
    if form == PNG:
        blank(1, 1)
    return form


def write_report(out: BinaryIO, form: str, report: FlowReport) -> None:
    """Write a report.

    Args:
        out: open for writing.
        form: of :func:`report_form`.
        report: of :func:`report_of`.

    Raises:
        OptionError: matplotlib is not installed.
        OSError: it cannot be written.
    """
    out.write(picture(report) if form == PNG else page(report).encode())


def report_of(
    model: FlowModel,
    judged: Judged,
    *,
    learned: bool = False,
    notes: Sequence[str] = (),
    top: int = TOP,
) -> FlowReport:
    """Score flows and gather what is to be told of them.

    Args:
        model: that scores them.
        judged: the flows to tell of, their features made as the model says.
        learned: the model was trained on these very flows: it is told.
        notes: what else a reader must know.
        top: how many of the highest scores to tell one by one.

    Raises:
        ValueError: features of another shape, or numbers that are not finite.
    """
    features, rows, labels = judged.features, judged.rows, judged.labels
    if labels is None:
        labels = np.full(len(features), UNLABELLED, np.int8)
    scores = model.score(features)
    manifest = model.manifest
    names = Spec.read(manifest.spec).columns()
    told = tuple(
        _told(
            rows[place],
            float(scores[place]),
            int(labels[place]),
            model.reasons(features[place], names, REASONS),
        )
        for place in np.argsort(-scores, kind="stable")[:top].tolist()
    )
    return FlowReport(
        title=f"{manifest.name} {manifest.version}: {manifest.algorithm} on flows",
        facts=facts_of(model),
        scores=scores,
        labels=labels,
        groups=pairs_of(rows),
        threshold=manifest.threshold,
        called=model.abnormal(scores),
        top=told,
        seed=manifest.seed,
        notes=(*((LEARNED,) if learned else ()), *notes),
    )


def facts_of(model: FlowModel) -> tuple[tuple[str, str], ...]:
    """What a model is and was made from, line by line."""
    manifest, spec = model.manifest, Spec.read(model.manifest.spec)
    ways = [spec.feature, *(["FFT"] if spec.fft else []), *(["header"] if spec.header else [])]
    options = ", ".join(f"{name} = {value}" for name, value in sorted(manifest.options.items()))
    counts = ", ".join(f"{value} {name}" for name, value in sorted(manifest.counts.items()))
    threshold = f"{manifest.alarms:.0%} of flows of the training's kind may be above it"
    return (
        ("features", f"{' + '.join(ways)}, {manifest.columns} columns"),
        ("flows are cut at gaps of more than", f"{number(spec.interval)} s"),
        ("algorithm", f"{manifest.algorithm} ({options})" if options else manifest.algorithm),
        ("learned from", counts or "not told"),
        ("threshold set by", f"scores of {manifest.calibration} flows: {threshold}"),
        ("seed", str(manifest.seed)),
        ("digest of the training captures", manifest.training_digest),
    )


def pairs_of(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """(n,) a number for each pair of machines, whichever of them sends."""
    both = np.ascontiguousarray(np.stack([rows["src_ip"], rows["dst_ip"]], axis=1))
    ends = both.view(f"S{both.shape[2]}").reshape(len(rows), 2)
    found = np.unique(np.sort(ends, axis=1), axis=0, return_inverse=True)[1]
    return np.asarray(found.reshape(-1), np.int64)


def _told(row: NDArray[np.void], score: float, label: int, reasons: Sequence[Reason]) -> Told:
    source = _end(row["src_ip"], int(row["src_port"]))
    target = _end(row["dst_ip"], int(row["dst_port"]))
    proto = int(row["proto"])
    began = datetime.fromtimestamp(int(row["begin"]) / _NANO, UTC)
    return Told(
        flow=f"{source} → {target} {_TRANSPORT.get(proto, proto)}",
        began=began.strftime("%Y-%m-%d %H:%M:%S"),
        seconds=(int(row["end"]) - int(row["begin"])) / _NANO,
        packets=int(row["packets"]),
        size=int(row["bytes"]),
        score=score,
        label=label,
        reasons=tuple(
            f"{one.name} {beside(one.value, one.low, one.high)} ({one.weight:.0%})"
            for one in reasons
        ),
    )


def _end(address: NDArray[np.uint8], port: int) -> str:
    text = address_text(address.tobytes())
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"
