"""``halia classify`` with a model of flows: what each flow scores, and a summary of each device."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from plugin.cli import classify_stream, options, output
from plugin.errors import InputError, OptionError, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from plugin.ml.flow_model import FlowModel
    from plugin.offline.flow_scoring import Scored
    from plugin.settings import Settings

OF_ROLES = {
    "window": None,
    "networkml": None,
    "behaviours": None,
    "normal": "normal",
    "suspicion": "suspicion",
    "brief": False,
    "flows": None,
}
"""Options that a model of flows has no use for, and their defaults."""
REASONS = 3
"""Of a flow, in the text."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Score the flows of every capture; the good ones finish when some are bad."""
    from plugin.offline.flow_scoring import load_flow_model, of_device, spec_of
    from plugin.offline.read import find_captures

    for name, default in OF_ROLES.items():
        if getattr(args, name) != default:
            raise OptionError("does not apply to a model of flows", where=f"--{name}")
    model = load_flow_model(settings.model, settings.data)
    spec_of(model)  # one that cannot be used is told before captures are read
    if classify_stream.is_wanted(args):
        return classify_stream.run(args, model)
    paths = find_captures(options.input_paths(args), skipped=output.skip_warner(args))
    bad: list[str] = []
    found = False
    with output.text_output(args) as out:
        for scored in _scored(args, paths, model, bad):
            wanted = scored if args.device is None else of_device(scored, args.device)
            found |= bool(len(wanted.rows))
            (_write_json if args.json else _write)(out, args, wanted, model)
    return output.outcome(args, bad=bool(bad), found=found)


def _scored(
    args: argparse.Namespace, paths: Iterator[Path], model: FlowModel, bad: list[str]
) -> Iterator[Scored]:
    """Each capture that has flows; complaints are said and collected."""
    from plugin.cli.progress import byte_progress
    from plugin.offline.flow_scoring import score_capture

    for path in paths:
        try:
            with byte_progress(path, quiet=args.quiet) as progress:
                scored = score_capture(path, model, progress=progress)
        except InputError as error:
            output.complain(str(error))
            bad.append(str(error))
            continue
        for problem in scored.problems:
            output.complain(str(problem))
            bad.append(str(problem))
        yield scored


def _write_json(out: TextIO, args: argparse.Namespace, scored: Scored, model: FlowModel) -> None:
    """One object a flow, then one a device."""
    from plugin.offline.flow_scoring import by_device, documents

    columns = scored.spec.columns()
    for document in documents(scored, model, explain=args.explain, columns=columns):
        if document["abnormal"] or args.report_all is not False:
            out.write(output.json_line(document))
    out.writelines(output.json_line(one.document(scored.source)) for one in by_device(scored))


def _write(out: TextIO, args: argparse.Namespace, scored: Scored, model: FlowModel) -> None:
    """The anomalies, a line each, and a table of devices."""
    from plugin.offline.flow_scoring import by_device

    if not len(scored.rows):
        return
    out.write(f"{printable(scored.source)}\n")
    for k in range(len(scored.rows)):
        if scored.abnormal[k] or args.report_all:
            out.writelines(f"  {line}\n" for line in lines_of(args, scored, k, model))
    rows = [
        (one.device, ", ".join(one.ips[:2]), one.flows, one.abnormal, f"{one.highest:.6g}")
        for one in by_device(scored)
    ]
    text = output.table(rows, ("device", "addresses", "flows", "anomalies", "highest score"))
    out.writelines(f"  {line}\n" for line in text.splitlines())
    abnormal = int(scored.abnormal.sum())
    out.write(
        f"  {abnormal} of {len(scored.rows)} flows score above {model.manifest.threshold:.6g},"
        f" which the model was set to for {model.manifest.alarms:.0%} of usual ones\n"
    )


def lines_of(args: argparse.Namespace, scored: Scored, k: int, model: FlowModel) -> Iterator[str]:
    """What the text tells of one flow: a line, with ``--explain`` more."""
    from plugin.offline.flow_scoring import flow_fields

    row = flow_fields(scored.rows[k])
    ends = [
        f"[{row[f'{end}_ip']}]:{row[f'{end}_port']}"
        if ":" in row[f"{end}_ip"]
        else f"{row[f'{end}_ip']}:{row[f'{end}_port']}"
        for end in ("src", "dst")
    ]
    word = "ANOMALY" if scored.abnormal[k] else "normal"
    yield (
        f"[{row['start']} – {row['end']}] {' → '.join(ends)} [{row['proto'].upper()}]"
        f" {row['packets']} packets, {row['bytes']} bytes, score {scored.scores[k]:.6g} {word}"
    )
    if args.explain:
        for one in model.reasons(scored.features[k], scored.spec.columns(), REASONS):
            yield (
                f"    {one.name} is {one.value:.6g}, usually {one.low:.6g} to {one.high:.6g}"
                f" ({one.weight:.0%})"
            )
